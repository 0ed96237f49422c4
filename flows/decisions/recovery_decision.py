"""Decide how a lost server comes back, and refuse a plan that reaches too far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from blocks.errors import ConfigurationError, OutOfScope, StaleObservation
from blocks.types import RecoverySet
from flows.decisions.database_way import (
    NO_REPLAY,
    SERIES,
    DatabaseWay,
    Way,
    can_replay,
    no_way_back,
    point_out_of_reach,
    restore_way,
)
from flows.decisions.floating import can_follow, floating_note
from flows.decisions.machine_needs import needs_for
from flows.decisions.other_release import expected
from flows.decisions.recovery_plan import (
    Observation,
    Purpose,
    RecordMove,
    RecoveryPlan,
    SitePlan,
    SiteSpec,
    TargetChoice,
    ZoneView,
)

LEFT_OUT = "le point demandé n'y est pas atteignable, les journaux n'y sont pas rejoués"


def decide_recovery(seen: Observation, incident: str, purpose: Purpose) -> RecoveryPlan:
    """Plan the way back of every site in the set, most important first.

    Raises:
        ConfigurationError: No place is declared where a machine could be made.
        UnsafePlan: The databases cannot come back at any of the targets, or not as of the wanted
            point.
    """
    if not seen.targets:
        raise ConfigurationError(
            f"server {seen.server}",
            "no target is declared where a new machine could be made",
            "add `targets` to the server in the estate file (Prefect: continuity estate apply)",
        )
    drill = purpose is Purpose.DRILL
    chosen = seen.choice.chosen
    files = {ref.subject: ref.tree for ref in chosen.snapshots if ref.part == "site"}
    ordered = sorted(seen.sites, key=lambda site: (site.priority, site.name))
    plans = tuple(
        SitePlan(site, files[site.name])
        if drill
        else SitePlan(site, files[site.name], moves_of(site, seen), unread_domains(site, seen))
        for site in ordered
        if site.name in files
    )
    readiness = ways_back(chosen, seen.targets)
    if all(each.way is Way.IMPOSSIBLE for each in readiness):
        raise no_way_back(chosen.id, readiness[0])
    useful = _useful(seen, readiness, purpose)
    return RecoveryPlan(
        incident=incident,
        purpose=purpose,
        server=seen.server,
        lost_address=seen.address,
        fence=not drill,
        set_id=chosen.id,
        set_time=chosen.consistent_at,
        targets=tuple(replace(each, needs=needs_for(each.needs, chosen)) for each, _ in useful),
        sites=plans,
        warnings=(*warnings(seen, plans, incident, drill=drill), *target_warnings(seen)),
        readiness=tuple(ready for _, ready in useful),
        point=seen.archive.wanted,
        end=seen.archive.end if seen.archive.wanted else None,
        reaches=seen.archive.reaches,
        cost=seen.cost,
        floating=seen.floating if purpose is Purpose.RECOVERY and _follows(seen) else None,
    )


def _follows(seen: Observation) -> bool:
    """Return whether the server's address may lead to the new machine."""
    return seen.floating is not None and can_follow(seen.floating, seen.targets)


def _useful(
    seen: Observation, ways: Sequence[DatabaseWay], purpose: Purpose
) -> Sequence[tuple[TargetChoice, DatabaseWay]]:
    """Return the targets where what is wanted can be had: a point in time needs a replay."""
    pairs = tuple(zip(seen.targets, ways, strict=True))
    point = seen.archive.wanted
    left = [each for each in pairs if can_replay(each[1])] if point else pairs
    if not left:
        reasons = "; ".join(f"{target.provider}: {ready.reason}" for target, ready in pairs)
        command = "drill" if purpose is Purpose.DRILL else "recover"
        raise point_out_of_reach(seen.server, command, point, reasons)
    return left


def ways_back(chosen: RecoverySet, targets: Sequence[TargetChoice]) -> tuple[DatabaseWay, ...]:
    """Decide how the set's databases come back, a target each."""
    facts = chosen.database_facts
    return tuple(restore_way(facts, SERIES.get(each.release, "")) for each in targets)


def guard_recovery(
    plan: RecoveryPlan, seen: Observation, now: datetime, oldest: timedelta = timedelta(minutes=10)
) -> None:
    """Refuse a plan that reaches beyond what was declared, or rests on an old look.

    Raises:
        StaleObservation: The world was looked at longer ago than `oldest`.
        OutOfScope: A record to change belongs to none of the sites' domains, or does not lead
            to the lost server.
    """
    if now - seen.taken_at > oldest:
        raise StaleObservation(
            f"plan {plan.digest}",
            f"the world was looked at {now - seen.taken_at} ago",
            f"run it again: continuity recover {plan.server} --incident {plan.incident}",
        )
    declared = {domain for site in seen.sites for domain in site.domains}
    for site in plan.sites:
        for move in site.moves:
            if move.name not in declared or (
                move.type == "A" and plan.lost_address not in move.old
            ):
                raise OutOfScope(
                    f"record {move.name} {move.type}",
                    f"is not declared, or does not lead to {plan.lost_address}",
                    "correct the site's domains in the estate file",
                )


def moves_of(site: SiteSpec, seen: Observation) -> tuple[RecordMove, ...]:
    """Return the site's records that lead to the lost server, and AAAA beside them."""
    moves = []
    for domain in site.domains:
        held = [(view, rec) for view in seen.zones for rec in view.records if rec.name == domain]
        leads_there = any(seen.address in rec.values for _, rec in held)
        moves += [
            RecordMove(view.block, rec.name, rec.type, rec.values, rec.ttl)
            for view, rec in held
            if leads_there and (seen.address in rec.values or rec.type == "AAAA")
        ]
    return tuple(moves)


def unread_domains(site: SiteSpec, seen: Observation) -> tuple[str, ...]:
    """Return the site's domains whose zone could not be read."""
    return tuple(each for each in site.domains if _is_unread(each, seen.zones))


def _is_unread(domain: str, zones: Sequence[ZoneView]) -> bool:
    """Return whether the innermost zone that covers the domain could not be read."""
    covering = [view for view in zones if f".{domain}".endswith(f".{view.zone.rstrip('.')}")]
    return bool(covering) and bool(max(covering, key=lambda view: len(view.zone)).refused)


def warnings(
    seen: Observation, plans: Sequence[SitePlan], incident: str, *, drill: bool
) -> tuple[str, ...]:
    """Say what a person should know before approving."""
    found = [f"zone {view.zone} illisible : {view.refused}" for view in seen.zones if view.refused]
    out_of_reach = [plan for plan in plans if plan.unread]
    if out_of_reach:
        names = ", ".join(domain for plan in out_of_reach for domain in plan.unread)
        unless = " si l'adresse flottante ne suit pas" if _follows(seen) and not drill else ""
        found.append(
            f"{', '.join(plan.site.name for plan in out_of_reach)} : restauré mais hors d'atteinte"
            f"{unless}, {names} menant encore à {seen.address} ; une fois la zone lisible : "
            f"continuity recover {seen.server} --incident {incident}"
        )
    found += seen.notes
    found += [f"jeu {name} écarté : {why}" for name, why in seen.choice.passed_over]
    in_set = {plan.site.name for plan in plans}
    found += [
        f"le site {site.name} n'est pas dans le jeu : il ne reviendra pas"
        for site in seen.sites
        if site.name not in in_set
    ]
    if seen.archive.problem:
        found.append(f"archive continue : {seen.archive.problem}")
    found += seen.archive.notes
    if drill:
        return tuple(found)
    if seen.floating and (note := floating_note(seen.floating, seen.targets, moves=False)):
        found.append(note)
    moved = {move.name for plan in plans for move in plan.moves}
    found += [
        f"{domain} ne mène pas à {seen.address} : son DNS reste tel quel"
        for plan in plans
        for domain in plan.site.domains
        if domain not in moved and domain not in plan.unread
    ]
    if seen.answering:
        ports = ", ".join(str(port) for port in seen.answering)
        found.append(f"l'ancien serveur répond encore (port {ports}) : il est d'abord arrêté")
    return tuple(found)


def target_warnings(seen: Observation) -> tuple[str, ...]:
    """Say what is different on a machine of another release, and which target is left out."""
    chosen, found = seen.choice.chosen, list[str]()
    for target, ready in zip(seen.targets, ways_back(chosen, seen.targets), strict=True):
        if seen.archive.wanted and not can_replay(ready):
            found.append(f"{target.provider} écarté : {LEFT_OUT} ({ready.reason})")
            continue
        said = list(expected(chosen.server_facts, target.release))
        if ready.way in (Way.LOGICAL, Way.IMPOSSIBLE):
            said.append(f"bases : {ready.reason}")
        if ready.way is Way.LOGICAL and seen.archive.reaches is not None:
            said.append(NO_REPLAY)
        found += [f"{target.provider}, {each}" for each in said]
    return tuple(found)
