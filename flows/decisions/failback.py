"""Decide how a server that serves moves to another machine, and whether it may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from blocks.errors import UnsafePlan
from blocks.types import DatabaseContent
from flows.decisions.database_way import Way
from flows.decisions.floating import floating_note
from flows.decisions.recovery_again import with_checks
from flows.decisions.recovery_decision import decide_recovery
from flows.decisions.recovery_plan import Observation, Purpose, RecoveryPlan

SERVING = (22, 80, 443)
OLD_SET = timedelta(hours=24)
"""The configuration comes from the set: what was changed there since is not brought over."""
REOPEN_AT_LEAST, REOPEN_FACTOR = timedelta(minutes=5), 4
"""The closed server opens by itself after so long, or so many times what the rehearsal took."""
TOLD_OF_EVENTS = "event "
"""How the line of an event begins: a replica keeps them turned off until it takes over."""


def decide_failback(seen: Observation, incident: str) -> RecoveryPlan:
    """Plan the move of every site to a new machine, while the present one serves.

    Raises:
        UnsafePlan: The server does not serve, a zone cannot be read, or its databases cannot follow
            onto any of the targets.
    """
    name = seen.server
    silent = [port for port in SERVING if port not in seen.answering]
    if silent:
        raise UnsafePlan(
            f"server {name}",
            f"{seen.address} does not answer on port {', '.join(map(str, silent))}: it does not "
            "serve, so nothing can be moved from it",
            f"if it is lost: continuity recover {name}",
        )
    unread = [view for view in seen.zones if view.refused]
    if unread:
        raise UnsafePlan(
            f"zone {unread[0].zone}",
            f"cannot be read, so its names could not be moved: {unread[0].refused}",
            f"repair the access to it, then: continuity failback {name}",
        )
    plan = decide_recovery(seen, incident, Purpose.FAILBACK)
    position = seen.choice.chosen.position
    if seen.choice.chosen.database_facts and not (position and position.gtid):
        raise UnsafePlan(
            f"set {plan.set_id}",
            "does not say where it stands in the binary logs, so no replica can start from it",
            f"turn on log_bin on the server, then: continuity backup {name}",
        )
    return replace(_followable(plan), warnings=_warnings(plan, seen))


def _followable(plan: RecoveryPlan) -> RecoveryPlan:
    """Keep the targets whose MariaDB takes a physical copy: only such a one can follow."""
    pairs = list(zip(plan.targets, plan.readiness, strict=True))
    kept = [(t, way) for t, way in pairs if way.way not in (Way.LOGICAL, Way.IMPOSSIBLE)]
    if not kept:
        reasons = "; ".join(f"{target.provider}: {way.reason}" for target, way in pairs)
        raise UnsafePlan(
            f"server {plan.server}",
            f"its databases cannot follow onto any target: {reasons}",
            f"name a target with the same MariaDB: continuity failback {plan.server} --target …",
        )
    return replace(plan, targets=tuple(t for t, _ in kept), readiness=tuple(w for _, w in kept))


def _warnings(plan: RecoveryPlan, seen: Observation) -> tuple[str, ...]:
    moved = {move.name for each in plan.sites for move in each.moves}
    found = [f"jeu {name} écarté : {why}" for name, why in seen.choice.passed_over]
    in_set = {each.site.name for each in plan.sites}
    found += [
        f"le site {site.name} n'est pas dans le jeu : il ne sera pas emmené"
        for site in seen.sites
        if site.name not in in_set
    ]
    found += [
        f"{domain} ne mène pas à {seen.address} : son DNS reste tel quel"
        for each in plan.sites
        for domain in each.site.domains
        if domain not in moved
    ]
    if seen.floating:
        found.append(floating_note(seen.floating, plan.targets, moves=True))
    if seen.taken_at - plan.set_time > OLD_SET:
        found.append(
            f"le jeu a plus d'un jour : la configuration modifiée depuis ne suivra pas "
            f"(continuity backup {plan.server}, puis recommencer)"
        )
    return tuple(found)


def failback_again(known: RecoveryPlan, seen: Observation) -> RecoveryPlan:
    """Return the approved plan with today's checks: its names may have been moved already.

    Raises:
        UnsafePlan: The estate names another machine by now.
    """
    if seen.address != known.lost_address:
        raise UnsafePlan(
            f"incident {known.incident}",
            f"moved from {known.lost_address}, the estate file names {seen.address} by now",
            "it is over if its report says so: continuity status; to begin another one: "
            f"continuity failback {known.server}",
        )
    return replace(known, sites=tuple(with_checks(each, seen) for each in known.sites))


def content_problems(there: DatabaseContent, here: DatabaseContent) -> tuple[str, ...]:
    """Say what the new server does not hold as the old one does; events are settled later."""
    found = [f"base {name} absente" for name in sorted({*there.databases} - {*here.databases})]
    found += [f"base {name} en trop" for name in sorted({*here.databases} - {*there.databases})]
    old = {each.name: each for each in there.tables}
    new = {each.name: each for each in here.tables}
    found += [f"table {name} absente" for name in sorted({*old} - {*new})]
    found += [f"table {name} en trop" for name in sorted({*new} - {*old})]
    for name in sorted({*old} & {*new}):
        if old[name].rows != new[name].rows:
            found.append(f"table {name} : {new[name].rows} lignes au lieu de {old[name].rows}")
        elif old[name].checksum != new[name].checksum:
            found.append(f"table {name} : contenu différent")
    programs = {*there.programs} ^ {*here.programs}
    found += sorted({f"{each} diffère" for each in _names(programs)})
    return tuple(found)


def _names(programs: set[str]) -> list[str]:
    return [each.rpartition(" ")[0] for each in programs if not each.startswith(TOLD_OF_EVENTS)]


def file_problems(differences: Sequence[str], *, most: int = 5) -> tuple[str, ...]:
    """Say which files are not the same, the first few by name."""
    if not differences:
        return ()
    said = ", ".join(differences[:most])
    more = f" et {len(differences) - most} autres" if len(differences) > most else ""
    return (f"fichiers différents : {said}{more}",)


def reopen_after(rehearsed: timedelta) -> timedelta:
    """Return after how long a closed server opens by itself, if nobody says anything more."""
    return max(REOPEN_AT_LEAST, rehearsed * REOPEN_FACTOR)


def write_stop(closed_at: datetime, opened_at: datetime) -> timedelta:
    """Return how long nobody could write: from the first closed door to the first open one."""
    return opened_at - closed_at
