"""Take up a plan that was approved before: the same changes, with what can be seen only now."""

from __future__ import annotations

from dataclasses import replace

from blocks.errors import UnsafePlan
from flows.decisions.recovery_decision import (
    moves_of,
    target_warnings,
    unread_domains,
    warnings,
)
from flows.decisions.recovery_plan import CHECKS, Observation, RecoveryPlan, SitePlan


def taken_up(known: RecoveryPlan, seen: Observation) -> RecoveryPlan:
    """Return the approved plan with today's checks, and with the names of zones that answer again.

    Checks are not part of what was approved: one that was mended since is used. Names that can be
    changed only now are new, and so is then the digest: they must be approved.

    Raises:
        UnsafePlan: The estate names another machine by now: fencing would stop the new one.
    """
    if seen.adopted:
        raise UnsafePlan(
            f"incident {known.incident}",
            f"is over: the estate file says that {known.server} is its machine {seen.adopted}",
            f"if that one is lost as well: continuity recover {known.server}",
        )
    if seen.address != known.lost_address:
        raise UnsafePlan(
            f"incident {known.incident}",
            f"is about {known.lost_address}, the estate file names {seen.address} by now",
            f"to go on with it, put {known.lost_address} back and: continuity estate apply; "
            f"if {seen.address} is lost as well: continuity recover {known.server}",
        )
    sites = tuple(_with_names(with_checks(each, seen), seen) for each in known.sites)
    told = (*warnings(seen, sites, known.incident, drill=False), *target_warnings(seen))
    return replace(known, sites=sites, warnings=told)


def with_checks(plan: SitePlan, seen: Observation) -> SitePlan:
    """Return a site's plan with the checks that the estate has for it now."""
    for site in seen.sites:
        if site.name == plan.site.name:
            checks = {name: getattr(site, name) for name in CHECKS}
            return replace(plan, site=replace(plan.site, **checks))
    return plan


def _with_names(plan: SitePlan, seen: Observation) -> SitePlan:
    """Add the records of domains that could not be read before; those already planned stay."""
    still = tuple(set(plan.unread) & set(unread_domains(plan.site, seen)))
    readable = set(plan.unread) - set(still)
    found = tuple(move for move in moves_of(plan.site, seen) if move.name in readable)
    return replace(plan, moves=plan.moves + found, unread=tuple(sorted(still)))
