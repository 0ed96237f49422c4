"""Prove each site on the new machine and lead its visitors there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blocks.errors import ContinuityError
from blocks.servers.base import Server
from blocks.types import Machine
from flows.decisions.floating import in_reach, out_of_reach
from flows.decisions.recovery_plan import Purpose, RecoveryPlan, SitePlan
from flows.tasks.drill_pages import check_links
from flows.tasks.floating import leave_address, move_address
from flows.tasks.incident import Incident
from flows.tasks.sites import flip_dns, see_as_visitor, smoke
from flows.tasks.work import Future, submit


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Each site's last step, and the floating address that leads there, "" if none does."""

    sites: Mapping[str, Future]
    floating: str = ""


def lead_visitors(
    incident: Incident,
    server: Server,
    machine: Machine,
    plan: RecoveryPlan,
    needs: Mapping[str, Sequence[Future]],
    data: Future,
) -> Arrivals:
    """Queue each site's last steps; each runs only when the one before it ended well.

    Where the plan has a floating address and the machine is in its reach, all sites come by it:
    returns then when it has moved, or cannot be. Otherwise each site's names follow when the site
    is healthy. A drill leads nobody anywhere.
    """
    if plan.floating and in_reach(plan.floating, machine):
        healthy = {each.site.name: _prove(incident, server, each, needs) for each in plan.sites}
        floating = _by_address(incident, server, machine, plan, healthy, data)
        return Arrivals(
            {
                each.site.name: _by_names(incident, server, each, healthy[each.site.name], floating)
                for each in plan.sites
            },
            floating,
        )
    if plan.floating:
        leave_address(incident, out_of_reach(plan.floating, machine))
    last = _only_look if plan.purpose is Purpose.DRILL else _by_names
    # One site after the other: the first one's last step waits for no worker.
    return Arrivals(
        {
            each.site.name: last(incident, server, each, _prove(incident, server, each, needs))
            for each in plan.sites
        }
    )


def _by_address(
    incident: Incident,
    server: Server,
    machine: Machine,
    plan: RecoveryPlan,
    healthy: Mapping[str, Future],
    data: Future,
) -> str:
    """Lead the address there once the data is proven and the most important site is healthy.

    It carries all sites at once. Waiting for the last one would keep the first one down; a site
    whose files are still coming is closed by their modes, one that fails its checks was down
    anyway. But nobody may write while logs are replayed, or into data that is not what was saved.
    Returns "" where the names must follow by DNS, site by site.
    """
    if plan.floating is None or not _ended_well(data):
        leave_address(incident, "données non prouvées : bascule par le DNS, site par site")
        return ""
    first = next((each for each in plan.sites if _ended_well(healthy[each.site.name])), None)
    if first is None:
        leave_address(incident, "aucun site conforme : personne n'est mené à la nouvelle machine")
        return ""
    try:
        return move_address(incident, server, machine, plan.floating, first)
    except ContinuityError:
        return ""  # The journal and the report say why.


def _ended_well(future: Future) -> bool:
    future.wait()
    return future.state.is_completed()


def _prove(
    incident: Incident, server: Server, plan: SitePlan, needs: Mapping[str, Sequence[Future]]
) -> Future:
    name = plan.site.name
    return submit(smoke, incident, server, plan, subject=name, after=needs[name])


def _only_look(incident: Incident, server: Server, plan: SitePlan, healthy: Future) -> Future:
    name = plan.site.name
    return submit(check_links, incident, server, plan, subject=name, after=[healthy])


def _by_names(
    incident: Incident, server: Server, plan: SitePlan, healthy: Future, floating: str = ""
) -> Future:
    name = plan.site.name
    flipped = submit(flip_dns, incident, server, plan, floating, subject=name, after=[healthy])
    return submit(see_as_visitor, incident, server, plan, floating, subject=name, after=[flipped])
