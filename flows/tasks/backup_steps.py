"""Take one server's recovery set, part by part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from threading import BoundedSemaphore

from prefect import get_run_logger

from blocks.errors import DiskFull, NotFound, VerificationFailed
from blocks.repositories.catalogue import Catalogue, contradictions
from blocks.types import (
    Canary,
    DatabaseFacts,
    Label,
    LogSource,
    Part,
    Position,
    ReadBack,
    RecoverySet,
    RemoteCommand,
    ServerFacts,
    Snapshot,
    SnapshotRef,
)
from flows.decisions.backup_plan import BackupPlan, SiteContent
from flows.tasks.incident import Estate, now
from flows.tasks.proof import CANARY_FILE
from flows.tasks.restore import stream_name
from flows.tasks.shipping import log_source, shipped_sites
from flows.tasks.work import work

MARGIN = 128 * 1024 * 1024
"""Bytes that must be free on the server: for the engine, its index cache and the canary."""


class BackupRun:
    """One backup of one server: its opened blocks, its plan, its limit on parallel snapshots."""

    def __init__(self, estate: Estate, plan: BackupPlan) -> None:
        self.estate = estate
        self.plan = plan
        self.slots = BoundedSemaphore(estate.declared.parallel)

    def label(self, part: Part, subject: str) -> Label:
        """Return the label of one snapshot of this run."""
        return Label(self.plan.server, self.plan.set_id, part, subject)


@work("facts")
def read_facts(estate: Estate) -> tuple[ServerFacts, DatabaseFacts | None]:
    """Read server and database before anything is copied.

    Raises:
        Unreachable, AuthenticationFailed, HostKeyMismatch: The server or its database refuses us.
    """
    facts = estate.server.facts()
    if abs(facts.clock - now()) > timedelta(minutes=2):
        get_run_logger().warning("the clock of %s is off: %s", estate.name, facts.clock)
    return facts, estate.database.facts(estate.server) if estate.database else None


@work("canary")
def write_canary(run: BackupRun) -> Canary:
    """Write a value that every restore of this set must show again: a row and a file."""
    canary = Canary(run.plan.server, token_hex(16), now())
    text = json.dumps(
        {
            "server": canary.server,
            "nonce": canary.nonce,
            "written_at": canary.written_at.isoformat(),
        }
    )
    run.estate.server.put(CANARY_FILE, text.encode(), mode=0o644)
    if run.estate.database:
        run.estate.database.write_canary(run.estate.server, canary)
    return canary


@work("stream")
def save_stream(run: BackupRun, part: Part, *, subject: str) -> Snapshot:
    """Keep the output of one database command; without its success there is no snapshot."""
    with run.slots:
        return run.estate.repository.save_stream(
            run.estate.server,
            _command(run, part, subject),
            stream_name(part, subject),
            run.label(part, subject),
        )


@work("files")
def save_site(run: BackupRun, site: SiteContent, *, subject: str) -> Snapshot:
    """Keep one site's files."""
    with run.slots:
        return run.estate.repository.save_paths(
            run.estate.server, site.roots, site.exclude, run.label(Part.SITE, subject)
        )


@work("configuration")
def save_configuration(run: BackupRun) -> Snapshot:
    """Keep the server's configuration, accounts, certificates and cron, and the canary file."""
    paths = [*run.estate.declared.configuration, CANARY_FILE]
    with run.slots:
        return run.estate.repository.save_paths(
            run.estate.server, paths, (), run.label(Part.CONFIGURATION, run.plan.server)
        )


@work("archive")
def start_archive(run: BackupRun) -> LogSource | None:
    """Make sure that changes are shipped from now on, and begin a new binary log."""
    estate = run.estate
    if estate.archive is None:
        return None
    logs = log_source(estate, estate.server)
    estate.archive.start(estate.server, estate.name, logs, shipped_sites(estate))
    if logs and estate.database:
        estate.database.begin_log(estate.server)
    return logs


def identify(run: BackupRun, position: Position, logs: LogSource | None) -> Position:
    """Return the position with what tells its log from others of the same name."""
    archive = run.estate.archive
    if archive is None or logs is None:
        return position
    identity = archive.identity(run.estate.server, logs.index, position.file)
    return replace(position, identity=identity)


@work("ship-again")
def ship_again(run: BackupRun) -> None:
    """Have all that changed in files while they were copied shipped in one piece."""
    if run.estate.archive is not None:
        run.estate.archive.ship_again(run.estate.server, run.plan.started_at)


@work("read-back")
def read_back(run: BackupRun) -> ReadBack:
    """Read from the bucket what this run put there, and compare it with its names."""
    return run.estate.repository.read_back(run.plan.server, run.plan.started_at)


@work("manifest")
def publish(run: BackupRun, made: RecoverySet) -> RecoverySet:
    """Compare the manifest with what the repository says, then commit the set by writing it.

    Raises:
        VerificationFailed: The repository does not confirm what the manifest would claim.
    """
    repository = run.estate.repository
    against = contradictions(made, repository.snapshots(run.plan.server))
    if against:
        raise VerificationFailed(
            f"recovery set {made.id}", "; ".join(against), f"continuity backup {run.plan.server}"
        )
    Catalogue(repository).put(made)
    return made


def reference(snapshot: Snapshot) -> SnapshotRef:
    """Return what a manifest says of a snapshot."""
    return SnapshotRef(
        id=snapshot.id,
        part=snapshot.label.part,
        subject=snapshot.label.subject,
        tree=snapshot.tree,
        size=snapshot.size,
        added=snapshot.added,
        files=snapshot.files,
        time=snapshot.time,
        taken_in=snapshot.label.set_id,
    )


def guard_backup(plan: BackupPlan, facts: ServerFacts, database: DatabaseFacts | None) -> None:
    """Refuse to begin what cannot end well.

    Raises:
        DiskFull: The server has less room left than a backup needs.
        NotFound: A site's database does not exist on the server.
    """
    if facts.disk_free < MARGIN:
        raise DiskFull(
            f"disk of {plan.server}",
            f"only {facts.disk_free // 2**20} MiB of {facts.disk_size // 2**20} MiB are free",
            f"make room on the server (df -h; du -xh / | sort -h | tail), then: "
            f"continuity backup {plan.server}",
        )
    have = {schema.name for schema in database.schemas} if database else set()
    named = {name for site in plan.due for name in site.databases}
    missing = sorted(named - have)
    if missing:
        raise NotFound(
            f"databases {', '.join(missing)} of {plan.server}",
            "are named by a site but do not exist on the server",
            "correct the site's `databases` (with Prefect, then: continuity estate apply)",
        )


def _command(run: BackupRun, part: Part, subject: str) -> RemoteCommand:
    database = run.estate.database
    assert database is not None  # noqa: S101 - only servers with one come here
    if part is Part.PHYSICAL:
        return database.physical_copy()
    return database.grants_dump() if part is Part.GRANTS else database.logical_dump(subject)


def sites_of(estate: Estate) -> Sequence[SiteContent]:
    """Return what the declared sites consist of."""
    return [
        SiteContent(
            name, tuple(site.roots), tuple(site.exclude), tuple(site.databases), site.frequency
        )
        for name, site in estate.sites.items()
    ]
