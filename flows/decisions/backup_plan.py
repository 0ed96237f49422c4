"""Decide what one backup run takes of one server."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.types import Frequency, Part, RecoverySet, SnapshotRef


@dataclass(frozen=True, slots=True)
class SiteContent:
    """What a site consists of, as far as a backup is concerned."""

    name: str
    roots: tuple[str, ...]
    exclude: tuple[str, ...]
    databases: tuple[str, ...]
    frequency: Frequency


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """What one run takes.

    Attributes:
        due: Sites whose files and databases are taken now.
        carried: Snapshots of the other sites, from earlier sets: every set is complete.
        databases: Databases to dump one by one (the physical copy holds all of them anyway).
    """

    set_id: str
    server: str
    frequency: Frequency
    started_at: datetime
    due: tuple[SiteContent, ...]
    carried: tuple[SnapshotRef, ...]
    databases: tuple[str, ...]
    has_database: bool


def set_id(server: str, started_at: datetime) -> str:
    """Name a set so that names of one server sort by time."""
    return f"{server}-{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def plan_backup(
    server: str,
    sites: Sequence[SiteContent],
    frequency: Frequency,
    previous: RecoverySet | None,
    started_at: datetime,
    *,
    stored: Collection[str] | None,
) -> BackupPlan:
    """Take the sites that are due; carry the newest snapshots of the others over.

    A weekly run takes everything. A daily run takes daily sites, and weekly ones that were
    never taken. Of the databases `stored` on the server (None: it has no database service) those
    that belong to no site are always dumped, the canary's among them: another MariaDB series
    gets its databases from dumps alone.
    Invariant: every site is either due or carried.
    """
    carried: list[SnapshotRef] = []
    due: list[SiteContent] = []
    for site in sorted(sites, key=lambda each: each.name):
        refs = () if previous is None else _refs_of(site, previous)
        if frequency is Frequency.WEEKLY or site.frequency is Frequency.DAILY or not refs:
            due.append(site)
        else:
            carried.extend(refs)
    of_sites = {name for site in sites for name in site.databases}
    of_nobody = set(stored or ()) - of_sites
    databases = tuple(sorted({name for site in due for name in site.databases} | of_nobody))
    taken_now = set(databases)
    return BackupPlan(
        set_id=set_id(server, started_at),
        server=server,
        frequency=frequency,
        started_at=started_at,
        due=tuple(due),
        carried=tuple(
            ref for ref in carried if ref.part is Part.SITE or ref.subject not in taken_now
        ),
        databases=databases,
        has_database=stored is not None,
    )


def _refs_of(site: SiteContent, previous: RecoverySet) -> tuple[SnapshotRef, ...]:
    """Return the snapshots that bring this site back, or nothing if one of them is missing."""
    wanted = {(Part.SITE, site.name)} | {(Part.DATABASE, name) for name in site.databases}
    found = {(ref.part, ref.subject): ref for ref in previous.snapshots}
    if not wanted <= found.keys():
        return ()
    return tuple(found[key] for key in sorted(wanted))
