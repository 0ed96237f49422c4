"""Decide, check by check, whether a server and its sites would come back today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from blocks.types import MachineSize, RecoverySet
from flows.decisions.archive_state import ArchiveCondition, ArchiveState
from flows.decisions.database_way import DatabaseWay, Way
from flows.decisions.machine_needs import needs_for, restored_size, why_none
from flows.decisions.protection import Digit
from flows.decisions.recovery_plan import TargetChoice
from flows.decisions.standing import Standings
from flows.decisions.verification_plan import NEXT_RUN
from flows.reports.wording import duration, moment, size

SKEW_WARNING, SKEW_LIMIT = timedelta(seconds=2), timedelta(seconds=60)
"""From the first on points in time are doubtful; S3 refuses requests that are 15 minutes off."""
DRILL_WITHIN = timedelta(days=100)
"""A quarter, and some days for one that was put off."""


class State(StrEnum):
    """How one check ended."""

    READY = "ready"
    WARNING = "warning"
    """Recovery would work, but not as well as it could."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Could not be looked at: never green without proof."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table.

    Attributes:
        about: What was looked at, in French: "dernier jeu".
        seen: What was found, in French.
        hint: What to type or do next, "" when all is well.
        site: The site that it is about, "" for all sites of the server.
        span: The time that was measured, where there is one: the archive's lag, a drill's length.
        at: When the thing happened that it tells of, where there is one: the last proof.
    """

    about: str
    state: State
    seen: str
    hint: str = ""
    site: str = ""
    span: timedelta | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SiteReadiness:
    """What may be said of one site today.

    Attributes:
        score: Share of its checks that are ready, in percent, rounded down: 100 means all.
        ready: Whether nothing failed and nothing is unknown.
    """

    site: str
    score: int
    ready: bool


def weigh(site: str, checks: Sequence[Check]) -> SiteReadiness:
    """Weigh a site's own checks and those of its whole server; without any it is not ready."""
    ours = [each for each in checks if each.site in ("", site)]
    good = sum(each.state is State.READY for each in ours)
    bad = any(each.state in (State.FAILED, State.UNKNOWN) for each in ours)
    return SiteReadiness(site, good * 100 // len(ours) if ours else 0, bool(ours) and not bad)


def judge_newest_set(server: str, known: Standings) -> Check:
    """Say how old the newest set is that a recovery could take."""
    again = f"continuity backup {server}"
    usable = [each for each in known.sets if each.id not in known.refused]
    if not usable:
        return Check("dernier jeu", State.FAILED, "aucun jeu utilisable", again)
    newest = max(usable, key=lambda each: each.consistent_at)
    age = known.taken_at - newest.consistent_at
    seen = f"{newest.id}, il y a {duration(age)}"
    if age > NEXT_RUN:
        return Check("dernier jeu", State.FAILED, seen, again, span=age)
    return Check("dernier jeu", State.READY, seen, span=age)


def judge_proof(server: str, known: Standings) -> Check:
    """Say whether the sets are proven in every repository."""
    weighed = known.weighed()
    if weighed.green:
        seen = f"prouvé le {moment(known.proven_at)}"
        return Check("preuve", State.READY, seen, at=known.proven_at)
    hint, problems = f"continuity verify {server}", " ; ".join(weighed.problems)
    return Check("preuve", State.FAILED, problems, hint, at=known.proven_at)


def judge_archive_lag(state: ArchiveState | None) -> Check:
    """Say how much would be lost now."""
    if state is None:
        seen = "pas d'archive continue : tout ce qui suit le dernier jeu serait perdu"
        return Check("archive", State.WARNING, seen, "archive: NOM, dans le fichier du parc")
    states = {
        ArchiveCondition.CURRENT: State.READY,
        ArchiveCondition.DEGRADED: State.WARNING,
        ArchiveCondition.UNKNOWN: State.UNKNOWN,
    }
    found = states.get(state.condition, State.FAILED)
    seen = f"retard {duration(state.lag)}"
    if found is State.READY:
        return Check("archive", found, seen, span=state.lag)
    hint = "continuity archive status"
    return Check("archive", found, f"{seen} ; {state.detail}", hint, span=state.lag)


def judge_rule(server: str, digits: Sequence[Digit]) -> Check:
    """Say whether 3-2-1-1-0 holds."""
    broken = [f"{each.rule} : {each.evidence}" for each in digits if each.holds is False]
    unknown = [f"{each.rule} : {each.evidence}" for each in digits if each.holds is None]
    state = State.FAILED if broken else State.UNKNOWN if unknown or not digits else State.READY
    hint = "" if state is State.READY else f"continuity sets {server}"
    return Check(
        "règle 3-2-1-1-0",
        state,
        " ; ".join([*broken, *unknown]) or ("tenue" if digits else "pas calculée"),
        hint,
    )


def judge_clock(there: datetime, before: datetime, after: datetime) -> Check:
    """Compare a server's clock with ours, which was read before and after it."""
    skew = max(before - there, there - after, timedelta())
    seen = f"écart {duration(skew)}"
    if skew < SKEW_WARNING:
        return Check("horloge", State.READY, seen)
    state = State.WARNING if skew < SKEW_LIMIT else State.FAILED
    return Check("horloge", state, seen, "sur le serveur : timedatectl set-ntp true")


def judge_target(
    target: TargetChoice,
    offered: Sequence[MachineSize],
    tried: Sequence[MachineSize],
    made: RecoverySet,
    way: DatabaseWay,
) -> Check:
    """Say whether a set's data would come back on a machine of this target.

    Args:
        target: The declared provider and size.
        offered: What the provider says that can be ordered there.
        tried: Those of them that a recovery would try, in its order.
        made: The set with the newest data.
        way: How its databases would come back there.
    """
    about = f"machine {target.provider}"
    data = restored_size(made)
    if not tried:
        names, needs = [each.name for each in offered], needs_for(target.needs, made)
        seen = why_none(target.size, names, needs, made)
        return Check(
            about, State.FAILED, seen, "targets: une autre taille, dans le fichier du parc"
        )
    seen = f"{tried[0].name} : {size(tried[0].disk)} de disque pour {size(data)} de données"
    if len(tried) > 1:
        seen += f", sinon {', '.join(each.name for each in tried[1:])}"
    if way.way is Way.IMPOSSIBLE:
        return Check(about, State.FAILED, f"{seen} ; bases : {way.reason}", "targets: une autre")
    state = State.WARNING if way.way in (Way.LOGICAL, Way.ON_MACHINE) else State.READY
    return Check(about, state, f"{seen} ; bases : {way.reason}")


@dataclass(frozen=True, slots=True)
class Practised:
    """A drill that brought everything back: when it began, and how long it took."""

    at: datetime
    took: timedelta | None


def judge_drill(server: str, last: Practised | None, now: datetime) -> Check:
    """Say when the recovery was last practised with success."""
    if last is None:
        return Check("exercice", State.FAILED, "jamais réussi", f"continuity drill {server}")
    seen = f"réussi il y a {duration(now - last.at)}, en {duration(last.took)}"
    if now - last.at > DRILL_WITHIN:
        again = f"continuity drill {server}"
        return Check("exercice", State.FAILED, seen, again, span=last.took, at=last.at)
    return Check("exercice", State.READY, seen, span=last.took, at=last.at)


def newest(sets: Iterable[RecoverySet]) -> RecoverySet | None:
    """Return the set whose data are the newest, None without any."""
    return max(sets, key=lambda each: each.consistent_at, default=None)
