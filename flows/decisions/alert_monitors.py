"""Decide what a monitor's answers are worth as a look at a server's sites. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from blocks.types import MonitorCondition, MonitorState
from flows.decisions.alert import PageSeen, PlaceLook, Sight
from flows.reports.wording import ago, clock

UP_FOR = timedelta(seconds=90)
"""For so long after a check a page counts as answering: two checks of a monitor that looks each
minute are never further apart, and no longer is the conclusion put off by a check that is over."""
DOWN_FOR = timedelta(minutes=10)
"""For so long after its last check a monitor's DOWN counts: two checks of one that looks each five
minutes. Older, or with no time at all, it may be of a monitor that has stopped looking."""
AHEAD = timedelta(minutes=1)
"""So much may the service's clock be ahead of ours."""


def said_by(
    place: str, states: Sequence[MonitorState], hosts: Mapping[str, str], now: datetime
) -> PlaceLook:
    """Return what a monitor says of these hosts as one place's look; blind if it is worth nothing.

    Args:
        place: What the monitor is called.
        states: All that it answers.
        hosts: The site of each host name of the server.
        now: The time.
    """
    ours = [each for each in states if each.page and each.host in hosts]
    pages = [_page(each, hosts[each.host], now) for each in ours]
    counting = tuple(page for page in pages if page.sight is not Sight.UNSEEN)
    if counting:
        return PlaceLook(place, counting, told=True)
    why = pages[0].observed if pages else "ne surveille aucun site de ce serveur"
    return PlaceLook(place, blind=why, told=True)


def silence(place: str, why: str) -> PlaceLook:
    """Return the look of a monitor that could not be asked, and why."""
    return PlaceLook(place, blind=why, told=True)


def _page(state: MonitorState, site: str, now: datetime) -> PageSeen:
    sight, said = _worth(state, now)
    return PageSeen(site, state.url or state.host, sight, said)


def _worth(state: MonitorState, now: datetime) -> tuple[Sight, str]:
    """Return what one monitor's answer is worth, and say it in French."""
    match state.condition:
        case MonitorCondition.PAUSED:
            return Sight.UNSEEN, "surveillance en pause"
        case MonitorCondition.UNKNOWN:
            return Sight.UNSEEN, "ne se prononce pas"
    age = _age(state, now)
    if age is None:
        return Sight.UNSEEN, "ne dit pas quand il a regardé"
    down = state.condition is MonitorCondition.DOWN
    if not -AHEAD <= age <= (DOWN_FOR if down else UP_FOR):
        at_most = "" if state.checked_at else ", au plus"
        return Sight.UNSEEN, f"dernier contrôle trop ancien pour en juger ({ago(age)}{at_most})"
    if not down:
        return Sight.ANSWERED, "répond, selon lui"
    since = f" depuis {clock(state.since)}" if state.since else ""
    return Sight.SILENT, f"en panne{since}, selon lui"


def _age(state: MonitorState, now: datetime) -> timedelta | None:
    """Return how old the last check may be; without its time it lies one interval back at most."""
    if state.checked_at is not None:
        return now - state.checked_at
    if state.every is not None:
        return now - state.read_at + state.every
    return None
