"""Keep a drill within what the estate allows: money before it begins, hours while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from blocks.errors import ContinuityError, OverCeiling
from blocks.servers.protected import DrillLimits
from blocks.types import RecoverySet
from flows.decisions.drill_cost import DrillCost, Limits, affordable, cost_at, dearest, over_ceiling
from flows.decisions.machine_needs import needs_for, restored_size
from flows.decisions.recovery_plan import Observation, TargetChoice
from flows.reports.drill_cost_text import cost_document, cost_line, left_out
from flows.tasks.incident import Estate, Incident, StepNote, now
from flows.tasks.steps import step


def limits_of(estate: Estate) -> Limits:
    """Return what the estate allows a drill of this server."""
    return limits_in(estate.declared.drill)


def limits_in(said: DrillLimits) -> Limits:
    """Return declared limits as decisions take them."""
    return Limits(said.ceiling, said.currency, said.hours, said.egress_gb)


@step("cost", retries=0)
def within_ceiling(incident: Incident, note: StepNote, seen: Observation) -> Observation:
    """Return what was seen with those targets alone where the drill may be made.

    Raises:
        OverCeiling: There is none. Nothing was made.
    """
    estate, limits = incident.estate, limits_of(incident.estate)
    made = seen.choice.chosen
    costs = [_cost(estate, each, made, limits) for each in seen.targets]
    left = affordable(costs, limits)
    if not left and costs:
        note.saw = " ; ".join(left_out(each, limits) for each in costs)
        raise over_ceiling(estate.name, costs, limits)
    dear = [left_out(each, limits) for each in costs if each not in left]
    if left:
        most = dearest(left)
        note.saw, note.data = cost_line(most, limits), cost_document(most, limits)
    note.why = " ; ".join(dear)
    targets = tuple(
        target for target, cost in zip(seen.targets, costs, strict=True) if cost in left
    )
    return replace(seen, targets=targets, cost=note.saw, notes=(*seen.notes, *dear))


def _cost(estate: Estate, target: TargetChoice, made: RecoverySet, limits: Limits) -> DrillCost:
    declared = estate.declared.targets
    prices = [each.price for each in declared if _is(target, each.provider, each.size, each.region)]
    listed = prices[0].value() if prices and prices[0] else None
    try:
        needs = needs_for(target.needs, made)
        tried = estate.providers[target.provider].candidates(target.size, target.region, needs)
    except ContinuityError as error:
        cause = f"le fournisseur n'a pas pu être interrogé ({error.cause})"
        return DrillCost(target.provider, limits.currency, unknown=cause, hint=error.hint)
    return cost_at(target, tried, listed, restored_size(made), limits)


def _is(target: TargetChoice, *place: str) -> bool:
    return (target.provider, target.size, target.region) == place


@contextmanager
def within_hours(incident: Incident) -> Iterator[None]:
    """Let no step begin once the drill has used up its hours, while the block lasts."""
    hours = incident.estate.declared.drill.hours
    until, earlier = now() + timedelta(hours=hours), incident.check_lease

    def check() -> None:
        earlier()
        if now() >= until:
            raise OverCeiling(
                f"drill {incident.id}",
                f"is not done after {hours} h; its machine is destroyed",
                "see which step took so long (continuity status), or raise drill: {hours: ...}",
            )

    incident.check_lease = check
    try:
        yield
    finally:
        incident.check_lease = earlier
