"""Decide what is to be said of a server's archive: never current without proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ArchiveCondition(StrEnum):
    """How an archive is."""

    CURRENT = "current"
    LATE = "late"
    """Nothing newer than the limit lies in the bucket."""
    BROKEN = "broken"
    """New pieces arrive, but they do not lead on from the newest set: a new set is needed."""
    UNKNOWN = "unknown"
    """The bucket could not be read."""


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


def judge_archive(
    server: str,
    now: datetime,
    limit: timedelta,
    seen_until: datetime | None,
    reaches: datetime | None,
    gap: str,
    agent: str,
) -> ArchiveState:
    """Weigh what the bucket holds and what the agent says of itself.

    Args:
        server: Its name.
        now: Time of the look.
        limit: Longest lag that needs no word.
        seen_until: Newest moment of any piece, None if there is none.
        reaches: Moment up to which the newest set can be brought; None without a set.
        gap: Why it cannot be brought further, "" if nothing lacks.
        agent: What the agent complains of, "" for nothing.
    """
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
