"""Decide what is verified today, so that everything is verified in the promised time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from blocks.types import Damage, Proof, Reading, SliceRead, SpotCheck
from blocks.types.verification import NAMES

NEXT_RUN = timedelta(hours=26)
"""From one daily run to the end of the next one."""


class Load(StrEnum):
    """Whether a set is loaded onto a scratch machine."""

    DUE = "due"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Policy:
    """What was promised: every object read, and a set proven, within these times."""

    read_within: timedelta
    prove_within: timedelta
    sample: int

    @property
    def slices(self) -> int:
        """Slices of a cycle: one a day, with a day to spare for a run that did not happen."""
        return min(NAMES, max(1, self.read_within.days - 1))


@dataclass(frozen=True, slots=True)
class Bound:
    """How long ago the data of a repository was read at most.

    Attributes:
        of: Slices of a cycle.
        unread: Slices that were never read whole.
        oldest: Age of the slice that was read the longest ago; None as long as one is unread.
        late: Whether the promise is broken.
    """

    of: int
    unread: int
    oldest: timedelta | None
    within: timedelta
    late: bool


def last_read(reading: Reading, number: int, of: int) -> datetime | None:
    """Return when a slice was read whole; None if part of it never was."""
    known = [reading.read_at[name] for name in range(number - 1, NAMES, of)]
    times = [at for at in known if at is not None]
    return min(times) if len(times) == len(known) else None


def slices_due(reading: Reading, policy: Policy, now: datetime) -> tuple[int, ...]:
    """Return the slices to read now, the longest unread first; never none.

    Besides the first: those whose time would be over before the next run has ended (after runs
    that did not happen), and those with known damage, to see whether it was mended.
    """
    of = policy.slices
    times = {number: last_read(reading, number, of) for number in range(1, of + 1)}
    unread = sorted(number for number, at in times.items() if at is None)
    known = sorted((at, number) for number, at in times.items() if at is not None)
    order = [*unread, *(number for _, number in known)]
    hurt = {number for each in reading.damaged if (number := _slice_of(each.key, of))}
    due = {
        number
        for number in order[1:]
        if (times[number] or reading.began_at) + policy.read_within < now + NEXT_RUN
    }
    return tuple(number for number in order if number in due | hurt | {order[0]})


def after_slice(
    reading: Reading, seen: SliceRead, needed_by: Mapping[str, Sequence[str]], started_at: datetime
) -> Reading:
    """Return the state after one slice was read.

    Args:
        reading: The state before.
        seen: What was read.
        needed_by: The snapshots that need each damaged object.
        started_at: When the reading began.
    """
    inside = set(range(seen.number - 1, NAMES, seen.of))
    read_at = tuple(
        started_at if seen.complete and name in inside else at
        for name, at in enumerate(reading.read_at)
    )
    elsewhere = [
        each
        for each in reading.damaged
        if not seen.complete or _slice_of(each.key, seen.of) not in (seen.number, None)
    ]
    found = [Damage(key, tuple(needed_by[key]), started_at) for key in seen.damaged]
    damaged = {each.key: each for each in (*found, *elsewhere)}
    return replace(
        reading,
        read_at=read_at,
        bytes=reading.bytes + seen.bytes,
        total=seen.total,
        damaged=tuple(damaged[key] for key in sorted(damaged)),
    )


def after_spot(reading: Reading, spot: SpotCheck, found: Sequence[Damage]) -> Reading:
    """Return the state after a comparison with the server, and the damage that it ran into."""
    damaged = {each.key: each for each in (*reading.damaged, *found)}
    return replace(reading, spot=spot, damaged=tuple(damaged[key] for key in sorted(damaged)))


def bound(reading: Reading, policy: Policy, now: datetime) -> Bound:
    """Return how old the oldest reading is, and whether that is what was promised."""
    of = policy.slices
    times = [last_read(reading, number, of) for number in range(1, of + 1)]
    known = [at for at in times if at is not None]
    unread = of - len(known)
    oldest = min((*known, reading.began_at) if unread else known)
    return Bound(
        of=of,
        unread=unread,
        oldest=None if unread else now - oldest,
        within=policy.read_within,
        late=now - oldest > policy.read_within,
    )


def load_due(proofs: Iterable[Proof], policy: Policy, now: datetime) -> bool:
    """Return whether a set must be proven now: the last try failed, or its time runs out."""
    newest = max(proofs, key=lambda each: each.at, default=None)
    if newest is None or not newest.passed:
        return True
    return newest.at + policy.prove_within < now + NEXT_RUN


def _slice_of(key: str, of: int) -> int | None:
    """Return a data object's slice, None for objects of another kind (index, snapshots, keys)."""
    if "/data/" not in key:
        return None
    return int(key.rsplit("/", 1)[-1][:2], 16) % of + 1
