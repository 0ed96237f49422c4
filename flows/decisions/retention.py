"""Decide which recovery sets are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.types import Part, RecoverySet, Snapshot

UNDO_KEPT = timedelta(days=30)
"""How long the exports are kept that were taken before a site went back."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How many of the newest sets, days, weeks and months are kept."""

    last: int
    daily: int
    weekly: int
    monthly: int


def sets_to_keep(sets: Sequence[RecoverySet], rule: RetentionRule) -> tuple[str, ...]:
    """Return the ids to keep, oldest first.

    Periods without a set do not count: after a month of silence no more is dropped than before.
    Invariant: the newest set is always kept.
    """
    newest_first = sorted(sets, key=lambda each: each.started_at, reverse=True)
    kept = {each.id for each in newest_first[: max(1, rule.last)]}
    kept |= _newest_of_each(newest_first, rule.daily, lambda at: at.date().isoformat())
    kept |= _newest_of_each(newest_first, rule.weekly, lambda at: "{}-{}".format(*at.isocalendar()))
    kept |= _newest_of_each(newest_first, rule.monthly, lambda at: f"{at:%Y-%m}")
    return tuple(each.id for each in reversed(newest_first) if each.id in kept)


def snapshots_to_keep(sets: Sequence[RecoverySet], kept: Sequence[str]) -> frozenset[str]:
    """Return every snapshot that a kept set needs, those carried over included."""
    return frozenset(ref.id for each in sets if each.id in set(kept) for ref in each.snapshots)


def undo_to_keep(snapshots: Sequence[Snapshot], now: datetime) -> frozenset[str]:
    """Return the exports that were taken lately before a site's databases were replaced."""
    return frozenset(
        each.id
        for each in snapshots
        if each.label.part is Part.UNDO and now - each.time < UNDO_KEPT
    )


def _newest_of_each(
    newest_first: Sequence[RecoverySet], count: int, period: Callable[[datetime], str]
) -> set[str]:
    newest: dict[str, str] = {}
    for each in newest_first:
        newest.setdefault(period(each.started_at), each.id)
    return set(list(newest.values())[:count])
