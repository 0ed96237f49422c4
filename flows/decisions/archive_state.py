"""Decide what is to be said of a server's archive: never current without proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

LIMIT = timedelta(seconds=60)
"""Longest lag of an archive that needs no word, unless somebody chose another."""


class ArchiveCondition(StrEnum):
    """How an archive is."""

    CURRENT = "current"
    LATE = "late"
    """Nothing newer than the limit lies in the bucket."""
    BROKEN = "broken"
    """New pieces arrive, but they do not lead on from the newest set: a new set is needed."""
    UNKNOWN = "unknown"
    """No bucket could be read."""
    DEGRADED = "degraded"
    """All is there, but not in every bucket: what one of them lacks only another one has."""


@dataclass(frozen=True, slots=True)
class PlaceState:
    """What one look at one bucket found.

    Attributes:
        name: The archive's name.
        reaches: Moment up to which it alone brings the newest set; None if it does not.
        problem: Why that is not now (French), "" when all is well.
    """

    name: str
    reaches: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """What one look at an archive found.

    Attributes:
        lag: Age of the newest moment that can be recovered; None if there is none.
        reaches: That moment.
        detail: One sentence (French) with the cause and what to do, "" when all is well.
    """

    server: str
    condition: ArchiveCondition
    lag: timedelta | None
    reaches: datetime | None
    detail: str
    places: tuple[PlaceState, ...] = ()


def judge_place(
    name: str,
    now: datetime,
    limit: timedelta,
    seen_until: datetime | None,
    reaches: datetime | None,
    gap: str,
) -> PlaceState:
    """Weigh what one bucket holds; arguments as for `judge_archive`."""
    problem = gap
    if seen_until is None:
        problem = "rien n'y est encore arrivé"
    elif now - seen_until > limit:
        problem = f"rien n'y est arrivé depuis {(now - seen_until).total_seconds():.0f} s"
    elif reaches is None and not gap:
        problem = "aucun jeu de sauvegarde n'y a d'archive à sa suite"
    return PlaceState(name, reaches, problem)


def judge_archive(
    server: str,
    now: datetime,
    limit: timedelta,
    seen_until: datetime | None,
    reaches: datetime | None,
    gap: str,
    agent: str,
    places: Sequence[PlaceState] = (),
) -> ArchiveState:
    """Weigh what the buckets hold and what the agent says of itself.

    Args:
        server: Its name.
        now: Time of the look.
        limit: Longest lag that needs no word.
        seen_until: Newest moment of any piece, None if there is none.
        reaches: Moment up to which the newest set can be brought; None without a set.
        gap: Why it cannot be brought further, "" if nothing lacks.
        agent: What the agent complains of, "" for nothing.
        places: The same of each bucket alone.
    """
    found = _judge(server, now, limit, seen_until, reaches, gap, agent)
    behind = [each for each in places if each.problem]
    if found.condition is ArchiveCondition.CURRENT and behind:
        said = " ; ".join(f"{each.name} : {each.problem}" for each in behind)
        detail = f"{said} ; une reprise lit le reste ailleurs{f' ({agent})' if agent else ''}"
        found = replace(found, condition=ArchiveCondition.DEGRADED, detail=detail)
    return replace(found, places=tuple(places))


def _judge(
    server: str,
    now: datetime,
    limit: timedelta,
    seen_until: datetime | None,
    reaches: datetime | None,
    gap: str,
    agent: str,
) -> ArchiveState:
    lag = now - seen_until if seen_until else None
    if lag is None or lag > limit:
        age = f"depuis {lag.total_seconds():.0f} s" if lag else "jusqu'ici"
        cause = agent or "l'agent ne dit rien : systemctl status archive-agent, sur le serveur"
        detail = f"rien n'est arrivé {age} ({cause})"
        return ArchiveState(server, ArchiveCondition.LATE, lag, reaches, detail)
    if gap or reaches is None:
        cause = gap or "aucun jeu de sauvegarde n'a d'archive à sa suite"
        detail = f"{cause} ; prendre un jeu : continuity backup {server}"
        return ArchiveState(server, ArchiveCondition.BROKEN, lag, reaches, detail)
    return ArchiveState(server, ArchiveCondition.CURRENT, lag, reaches, "")
