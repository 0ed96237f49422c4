"""Decide which sets go, or why none may: retention is the one thing that takes backups away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.errors import UnsafePlan
from blocks.types import RecoverySet
from flows.decisions.retention import RetentionRule, sets_to_keep, snapshots_to_keep

CLOCKS_APART = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RetentionRecord:
    """What the run before left: by it a catalogue that shrank and a clock that jumped are seen."""

    at: datetime
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RetentionView:
    """The world of one server's retention, looked at once.

    Attributes:
        refused: Sets that cannot be used, and why.
    """

    server: str
    sets: tuple[RecoverySet, ...]
    refused: Mapping[str, str]
    previous: RetentionRecord | None


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What is kept and what goes; `snapshots` are those that the kept sets need."""

    kept: tuple[str, ...]
    gone: tuple[str, ...]
    snapshots: frozenset[str]


def require_sound_clock(
    server: str, now: datetime, store_clock: datetime, previous: RetentionRecord | None
) -> None:
    """Refuse to do anything by a clock that jumped: a lock too long can never be undone.

    Args:
        server: Whose retention it is.
        now: This machine's time.
        store_clock: When the store says it wrote an object of ours just now.
        previous: What the run before left.

    Raises:
        UnsafePlan: The clocks differ, or this one is before what was done already.
    """
    hint = "set this machine's clock: timedatectl"
    if abs(now - store_clock) > CLOCKS_APART:
        cause = f"this machine's clock ({now:%Y-%m-%d %H:%M}) and the store's ({store_clock:%H:%M})"
        raise _unsafe(server, f"{cause} are too far apart", hint)
    if previous and now < previous.at - CLOCKS_APART:
        raise _unsafe(server, f"the clock went back behind {previous.at:%Y-%m-%d %H:%M} UTC", hint)


def plan_retention(view: RetentionView, rule: RetentionRule) -> RetentionPlan:
    """Apply the rule to the sets that are there.

    Invariant: the newest set is kept, and nothing goes while any set is not what it should be:
    what can be used may be the only good one.

    Raises:
        UnsafePlan: Sets are damaged or have vanished; a person must look first.
    """
    there = {each.id for each in view.sets}
    if view.refused:
        name, why = next(iter(view.refused.items()))
        more = f" and {len(view.refused) - 1} more" if len(view.refused) > 1 else ""
        cause = f"nothing is removed, set {name}{more} cannot be used: {why}"
        raise _unsafe(view.server, cause, _look(view))
    before = view.previous.kept if view.previous else ()
    vanished = [each for each in before if each not in there]
    if vanished:
        text = f"nothing is removed, {len(vanished)} of {len(before)} sets vanished"
        raise _unsafe(view.server, f"{text}: {', '.join(vanished[:3])}", _look(view))
    kept = sets_to_keep(view.sets, rule)
    gone = tuple(each.id for each in view.sets if each.id not in set(kept))
    return RetentionPlan(kept, gone, snapshots_to_keep(view.sets, kept))


def _look(view: RetentionView) -> str:
    return f"continuity sets {view.server}; continuity repository rewind REPOSITORY --to TIME"


def _unsafe(server: str, cause: str, hint: str) -> UnsafePlan:
    return UnsafePlan(f"retention of {server}", cause, hint)
