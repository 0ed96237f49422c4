"""Decide which locks must be made longer, so that what a kept set needs never falls out of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from blocks.types import Lock, ObjectVersion


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which objects below a server's folder count, and which of them are written once.

    Each is told by how its key goes on behind the folder.
    """

    kept: tuple[str, ...]
    not_kept: str
    written_once: tuple[str, ...]


BACKUPS = Kinds(
    kept=("restic/", "sets/"),
    not_kept="restic/locks/",
    written_once=(
        *("restic/config", "restic/data/", "restic/index/", "restic/snapshots/", "restic/keys/"),
        "sets/",
    ),
)
"""Everything that a kept set needs."""
PIECES = Kinds(kept=("",), not_kept="restic/", written_once=("",))
"""Pieces of an archive: those that are asked about, and each is written once."""
AHEAD = timedelta(days=3)
"""At the least so long is everything locked after an audit: a missed day or two do no harm."""

Version = tuple[str, str]
"""A key and a version id."""


@dataclass(frozen=True, slots=True)
class LockAudit:
    """What was found about the locks of one server's objects, and what has to be done.

    Attributes:
        objects: Versions that must stay locked; `bytes` is their size.
        unlocked: Of these, how many had no lock any more (or never had one).
        lengthen: Versions whose lock ends too soon, and the lock that they shall have.
        earliest: When the first lock ends, once all of this is done.
        overwritten: Objects that are written once, whose newest version is another one than the
            oldest: somebody wrote over them, and nobody has put them back.
        missing: Objects that are needed but hidden or gone.
        tampered_at: When the first of the overwritten or missing was written over or hidden.
    """

    objects: int
    bytes: int
    unlocked: int
    lengthen: tuple[tuple[Version, Lock], ...]
    earliest: datetime | None
    overwritten: tuple[str, ...]
    missing: tuple[str, ...]
    tampered_at: datetime | None = None


NOTHING_LOCKED = LockAudit(0, 0, 0, (), None, (), ())
"""Of a store that keeps neither versions nor locks."""


def to_keep(
    server: str,
    versions: Sequence[ObjectVersion],
    needed: Collection[str],
    kinds: Kinds = BACKUPS,
) -> tuple[ObjectVersion, ...]:
    """Return the versions that must stay locked, delete markers left out.

    Those of every object that can be seen, and of every hidden one that the index names. Of an
    object that was overwritten all versions: the good one is among them.
    """
    wanted = set(needed)
    kept = []
    for key, group in by_key(versions):
        seen = any(each.newest and not each.hidden for each in group)
        if counts(server, key, kinds) and (seen or key in wanted):
            kept += [each for each in group if not each.hidden]
    return tuple(kept)


def audit_locks(
    server: str,
    versions: Sequence[ObjectVersion],
    needed: Collection[str],
    locks: Mapping[Version, Lock | None],
    now: datetime,
    lock_time: timedelta,
    mode: str,
    kinds: Kinds = BACKUPS,
) -> LockAudit:
    """Compare every lock with what it must be.

    A lock is renewed when half of its time is over, and never later than three days ahead. It is
    only ever made longer. `mode` is for versions without a lock.
    """
    kept = to_keep(server, versions, needed, kinds)
    due = now + max(lock_time / 2, AHEAD)
    until = max(now + lock_time, due + AHEAD / 2)
    lengthen, ends, unlocked = [], [], 0
    for each in kept:
        lock = locks.get((each.key, each.id))
        unlocked += lock is None or lock.until <= now
        if lock is None or lock.until < due:
            lock = Lock(lock.mode if lock else mode, until)
            lengthen.append(((each.key, each.id), lock))
        ends.append(lock.until)
    overwritten, missing = _overwritten(server, kept, kinds), _missing(versions, needed)
    return LockAudit(
        objects=len(kept),
        bytes=sum(each.size for each in kept),
        unlocked=unlocked,
        lengthen=tuple(lengthen),
        earliest=min(ends, default=None),
        overwritten=overwritten,
        missing=missing,
        tampered_at=_first_change(versions, {*overwritten, *missing}),
    )


def _overwritten(server: str, kept: Sequence[ObjectVersion], kinds: Kinds) -> tuple[str, ...]:
    starts = tuple(f"{server}/{folder}" for folder in kinds.written_once)
    return tuple(
        key
        for key, group in by_key(kept)
        if key.startswith(starts) and content(max(group, key=age)) != content(min(group, key=age))
    )


def content(version: ObjectVersion) -> tuple[str, int]:
    """Return what tells a version's content from another's."""
    return version.etag, version.size


def age(version: ObjectVersion) -> tuple[datetime, bool]:
    """Return what sorts versions by time."""
    return version.modified, version.newest


def _first_change(versions: Sequence[ObjectVersion], keys: Collection[str]) -> datetime | None:
    changes = [
        each.modified
        for key, group in by_key(versions)
        if key in keys
        for each in group
        if each.hidden or content(each) != content(min(group, key=age))
    ]
    return min(changes, default=None)


def _missing(versions: Sequence[ObjectVersion], needed: Collection[str]) -> tuple[str, ...]:
    there = {each.key for each in versions if each.newest and not each.hidden}
    return tuple(sorted(set(needed) - there))


def counts(server: str, key: str, kinds: Kinds = BACKUPS) -> bool:
    """Return whether an object is of a kind that kept sets need."""
    name = key.removeprefix(f"{server}/")
    return name != key and name.startswith(kinds.kept) and not name.startswith(kinds.not_kept)


def by_key(versions: Sequence[ObjectVersion]) -> list[tuple[str, list[ObjectVersion]]]:
    """Return the versions of each object."""
    ordered = sorted(versions, key=lambda each: each.key)
    return [(key, list(group)) for key, group in groupby(ordered, lambda each: each.key)]
