"""Decide what a conclusion changes: who is told, whether an incident is asked for, what is kept.

No clock decides here, only how often in a row something was concluded: a clock that jumps opens and
closes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flows.decisions.alert import Assessment, Condition
from flows.decisions.timeline import Mark

HOLDS = 2
"""Passes in a row that must say the same before it counts; a confirmed DOWN counts at once."""
ASKS = 15
"""Passes that ask for the recovery as long as nobody has taken the request up: longer than the ten
minutes for which the automation takes a further request for a copy of the last."""
HEARD = 10
"""Alerts that are kept: the first ones."""
OPEN_FOR = timedelta(hours=24)
"""An incident that wrote nothing for so long is nobody's any more; no plan waits longer."""


@dataclass(frozen=True, slots=True)
class AlertState:
    """What is known of a server between two passes; kept in its state store.

    Attributes:
        condition: What holds, and was told.
        failing: The failing sites that were told.
        since: When it began to hold.
        candidate: What the last pass said, if it is something else.
        candidate_failing: Its failing sites.
        times: How often in a row it was said.
        asked: How often the recovery was asked for since the server went down.
        taken_up: Which incident answers this, "" as long as none is seen.
        heard: Alerts that came while no look showed that the server answers.
    """

    condition: Condition = Condition.UP
    failing: tuple[str, ...] = ()
    since: datetime | None = None
    candidate: Condition = Condition.UP
    candidate_failing: tuple[str, ...] = ()
    times: int = 0
    asked: int = 0
    taken_up: str = ""
    heard: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Moves:
    """What follows from a pass: the state to keep, whether to tell people, whether to ask."""

    after: AlertState
    tell: bool = False
    ask: bool = False


def listening(before: AlertState, found: Assessment, alert: Mark | None) -> AlertState:
    """Return the state with an alert that came; a server that answers forgets them all."""
    if _ends_the_loss(found):
        return replace(before, heard=())
    if alert is None or alert.text in [each.text for each in before.heard]:
        return before
    return replace(before, heard=(*before.heard, alert)[:HEARD])


def settle(
    before: AlertState, found: Assessment, under_way: str = "", *, busy: bool = False
) -> Moves:
    """Return what follows from one conclusion.

    Args:
        before: What was known.
        found: What is concluded now.
        under_way: The recovery of this server that runs or waits, "" if there is none.
        busy: Whether a run holds the server's lease; the recovery is asked for when it is done.
    """
    if found.condition is Condition.DOWN:
        return _down(before, found, under_way, busy=busy)
    if before.condition is Condition.DOWN and not _ends_the_loss(found):
        return Moves(replace(before, candidate=Condition.DOWN, candidate_failing=(), times=0))
    if (found.condition, found.failing) == (before.condition, before.failing):
        return Moves(replace(before, candidate=before.condition, candidate_failing=(), times=0))
    same = (before.candidate, before.candidate_failing) == (found.condition, found.failing)
    times = before.times + 1 if same else 1
    if times < HOLDS:
        waiting = replace(
            before, candidate=found.condition, candidate_failing=found.failing, times=times
        )
        return Moves(waiting)
    return Moves(_held(found), tell=True)


def _down(before: AlertState, found: Assessment, under_way: str, *, busy: bool) -> Moves:
    if before.condition is not Condition.DOWN:
        ask = not under_way and not busy
        opened = replace(_held(found), asked=int(ask), taken_up=under_way)
        return Moves(opened, tell=True, ask=ask)
    still = replace(before, candidate=Condition.DOWN, candidate_failing=(), times=0)
    if under_way or before.taken_up:
        return Moves(replace(still, taken_up=before.taken_up or under_way))
    if busy or before.asked >= ASKS:
        return Moves(still)
    return Moves(replace(still, asked=before.asked + 1), ask=True)


def _ends_the_loss(found: Assessment) -> bool:
    """A place that cannot see, or sees alone, does not bring a lost server back."""
    return found.condition in (Condition.UP, Condition.TROUBLE)


def _held(found: Assessment) -> AlertState:
    condition, failing = found.condition, found.failing
    return AlertState(condition, failing, found.since, condition, failing, 0)


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident as its journal shows it.

    Attributes:
        id: Its name.
        last_at: When its newest record was written.
        over: Whether it came to an end: a report, or last words.
    """

    id: str
    last_at: datetime
    over: bool


def under_way(now: datetime, unfinished: Sequence[str], incidents: Sequence[OpenIncident]) -> str:
    """Return the recovery of a server that runs, waits or was broken off, "" if there is none.

    A recovery that was broken off is taken up again by a person, not started anew beside itself.

    Args:
        now: The time.
        unfinished: Incidents of Prefect's runs that have not ended.
        incidents: The server's incidents.
    """
    if unfinished:
        return unfinished[0]
    left = [each for each in incidents if not each.over and now - each.last_at <= OPEN_FOR]
    return max(left, key=lambda each: each.last_at).id if left else ""
