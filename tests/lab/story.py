"""What the tests of the main job tell: backups of a living server, its loss, its recovery."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from prefect.deployments import run_deployment

from blocks.repositories.catalogue import Catalogue
from blocks.servers.base import Server
from blocks.servers.protected import Retention
from blocks.types import RecoverySet
from deployments.lab import machines, production
from deployments.lab.config import Lab
from deployments.lab.demo_follow import follow
from deployments.lab.demo_report import recovered_server
from deployments.lab.pit_restore import wait_until_archived
from deployments.lab.production_fingerprint import Fingerprint
from deployments.lab.visitor_log import Visit, acknowledged_orders, read_log
from flows.backup import backup
from flows.retention import retention
from tests.lab import argv_watch
from tests.lab.estate import SERVER, changed, command, ended, estate, visitors, wait_for

IMAGES = "/srv/boutique/public/images"
UPLOADED = 400_000
LAST_TABLE = "boutique.derniere_minute"
"""Written long after the newest set, right before the end."""
_SHORT = timedelta(seconds=60)
_LIMIT = timedelta(minutes=5)


@dataclass(frozen=True)
class Story:
    """What happened before any disaster.

    Attributes:
        first: The set of the full first backup, which retention removed in the end.
        busy: The set that was taken while customers ordered.
        quiet: The newest set; nobody wrote between it and the fingerprint.
        visits: What the customers did, until `left`.
        commands: All command lines of the machine during the first backup.
        settings: WordPress's settings at that time.
        seconds: How long each of the three backups took.
    """

    first: RecoverySet
    busy: RecoverySet
    quiet: RecoverySet
    visits: tuple[Visit, ...]
    left: datetime
    fingerprint: Fingerprint
    settings: frozenset[str]
    commands: frozenset[bytes]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Recovered:
    """A finished recovery.

    Attributes:
        before: The lost server as it was right before its end, long after the set was taken.
        settings: WordPress's settings then.
    """

    incident: str
    report: dict[str, object]
    server: Server
    commands: frozenset[bytes]
    seconds: float
    before: Fingerprint
    settings: frozenset[str]


def live(here: Lab, folder: Path) -> Story:
    """Take three backups: the first, one among customers, one after which all is quiet."""
    with argv_watch.watched(folder) as commands:
        first, took_first = back_up()
    busy, took_busy, visits, left = _back_up_among_customers(folder / "visitors.jsonl")
    server = production.connect(here)
    upload(here, "nouveau.bin")
    rule = Retention(last=2, daily=0, weekly=0, monthly=0)
    quiet, took_quiet = back_up()
    with changed(f"protected-server/{SERVER}", retention=rule):
        retention(SERVER)
    return Story(
        first=first,
        busy=busy,
        quiet=quiet,
        visits=visits,
        left=left,
        fingerprint=production.fingerprint(server),
        settings=wordpress_settings(server),
        commands=frozenset(commands),
        seconds=(took_first, took_busy, took_quiet),
    )


def wordpress_settings(server: Server) -> frozenset[str]:
    """Return every setting, but those in which WordPress keeps the time of its own jobs."""
    query = (
        b"SELECT option_name, MD5(option_value), autoload FROM journal.wp_options"
        b" WHERE option_name NOT LIKE '%transient%' AND option_name <> 'cron'"
    )
    told = server.run(("mariadb", "--batch", "--skip-column-names"), stdin=query, timeout=_SHORT)
    return frozenset(told.stdout.decode().splitlines())


def upload(here: Lab, name: str) -> None:
    """Let the shop's owner put a new file on web1."""
    path = f"{IMAGES}/{name}"
    script = f"head -c {UPLOADED} /dev/urandom >{path}; chown boutique:boutique {path}"
    production.connect(here).run(("sh", "-ec", script), timeout=_SHORT)


def back_up() -> tuple[RecoverySet, float]:
    """Back web1 up; return the set and how many seconds it took."""
    begun = datetime.now(UTC)
    (made,) = backup(SERVER)
    took = (datetime.now(UTC) - begun).total_seconds()
    return Catalogue(estate().repository).read(SERVER, made), took


def _back_up_among_customers(
    log: Path,
) -> tuple[RecoverySet, float, tuple[Visit, ...], datetime]:
    def orders() -> int:
        return len(acknowledged_orders(read_log(log.read_text()))) if log.exists() else 0

    running = visitors(log)
    try:
        wait_for(lambda: orders() >= 20, "orders before the backup")
        made, took = back_up()
        so_far = orders()
        wait_for(lambda: orders() >= so_far + 10, "orders after the backup")
        left = datetime.now(UTC)
    finally:
        running.terminate()
        running.wait(timeout=20)
    return made, took, read_log(log.read_text()), left


def lose_and_recover(here: Lab, story: Story, folder: Path) -> Recovered:
    """Destroy web1; let the worker recover it, approved as an operator would."""
    server = production.connect(here)
    upload(here, "dernier.bin")
    last = f"CREATE OR REPLACE TABLE {LAST_TABLE} (at datetime(6)) SELECT NOW(6) AS at"
    server.run(("mariadb",), stdin=last.encode(), timeout=_SHORT)
    before, settings = production.fingerprint(server), wordpress_settings(server)
    wait_until_archived(estate(), datetime.now(UTC))
    machines.destroy(here, SERVER)
    wrong: list[int] = []

    def approve(incident: str, digest: str) -> None:
        refused = command("approve", incident, "--digest", "0" * len(digest))
        wrong.append(ended(refused)[0])
        running = command("approve", incident, "--digest", digest, "--operator", "Camille")
        status, said = ended(running)
        assert status == 0, said

    down = datetime.now(UTC)
    begun = time.monotonic()
    with argv_watch.watched(folder) as commands:
        parameters = {
            "server": SERVER,
            "recovery_set": story.quiet.id,
            "down_since": down.isoformat(),
        }
        run = run_deployment(
            "disaster-recovery/on-demand", parameters=parameters, timeout=0, as_subflow=False
        )
        assert isinstance(run.id, UUID)  # type: ignore[union-attr]
        found = follow(run.id, SERVER, print, _LIMIT, approve)  # type: ignore[union-attr]
    assert wrong == [4], "an approval that quotes another plan is refused"
    incident = str(found["incident"])
    server = recovered_server(estate(), incident)
    took = time.monotonic() - begun
    return Recovered(incident, found, server, frozenset(commands), took, before, settings)
