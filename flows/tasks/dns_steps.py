"""Look at the records of a server's sites, change them, and ask every name server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict

from blocks.errors import NotFound
from blocks.repositories.journal import Journal
from flows.decisions.dns_preparation import (
    DnsPlan,
    DnsSight,
    RecordStep,
    decide_preparation,
    decide_return,
    recorded,
)
from flows.reports.wording import counted
from flows.tasks.approval import PLAN
from flows.tasks.fronted import fronted
from flows.tasks.incident import Incident, StepNote
from flows.tasks.look import zone_view
from flows.tasks.sites import await_answers
from flows.tasks.steps import step


@step("look")
def look(incident: Incident, note: StepNote) -> DnsSight:
    """Read the zones of the server's sites."""
    estate = incident.estate
    domains = tuple(name for site in estate.sites.values() for name in site.domains)
    zones = tuple(zone_view(reference, estate) for reference in estate.zones)
    note.saw = f"{counted(len(zones), 'zone')}, serveur à {estate.server.address}"
    hidden = fronted(estate, domains)
    return DnsSight(estate.name, estate.server.address, domains, zones, hidden)


def decide_ttls(incident: Incident, seen: DnsSight, ttl: int) -> DnsPlan:
    """Return the plan of a preparation, written to the journal."""
    return _written(incident, lambda: decide_preparation(incident.id, seen, ttl))


def decide_way_back(incident: Incident, seen: DnsSight, back_to: str) -> DnsPlan:
    """Return the plan that puts back what another incident changed, written to the journal.

    Raises:
        NotFound: There is no such incident, or it changed no record.
    """
    journal = Journal(incident.estate.state, back_to)
    records = journal.records()
    if not records:
        raise NotFound(f"incident {back_to}", "has no journal here", "continuity status")
    made = recorded(each.data for each in records)
    return _written(incident, lambda: decide_return(incident.id, back_to, seen, made))


def _written(incident: Incident, decide: Callable[[], DnsPlan]) -> DnsPlan:
    with incident.step("plan") as note:
        plan = decide()
        note.did = f"plan {plan.digest} : {counted(len(plan.records), 'enregistrement')}"
        incident.journal.put_document(PLAN, asdict(plan))
    incident.plan = plan
    return plan


@step("records")
def change_records(incident: Incident, note: StepNote, plan: DnsPlan) -> tuple[str, ...]:
    """Change the records of each zone at once; return the names whose TTL is not ours to set.

    Raises:
        UpdateRefused: Somebody edited one of them, or the server refuses our key.
    """
    note.data = {"records": [asdict(each) for each in plan.records]}
    by_zone: dict[str, list[RecordStep]] = defaultdict(list)
    for each in plan.records:
        by_zone[each.block].append(each)
    left: list[str] = []
    for reference, steps in by_zone.items():
        zone = incident.estate.zones[reference]
        zone.replace([each.change for each in steps if each.old != each.new])
        kept = zone.set_ttl([each.record for each in steps if each.new])
        left += [record.name for record in kept]
    note.did = counted(len(plan.records), "enregistrement changé", "enregistrements changés")
    return tuple(left)


@step("answers")
def ask_all(incident: Incident, note: StepNote, plan: DnsPlan) -> None:
    """Require the addresses at every name server of each record.

    Raises:
        VerificationFailed: One still answers differently.
    """
    for each in plan.records:
        await_answers(incident, each.block, each.change)
    note.saw = "tous les serveurs DNS répondent les adresses voulues"
