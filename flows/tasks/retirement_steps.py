"""Look at the machines that a server left behind, and destroy those that nobody needs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from urllib.parse import urlsplit

from blocks.errors import VerificationFailed
from blocks.records import StepState
from blocks.repositories.journal import Journal
from blocks.types import SmokeResult
from flows.decisions.readiness import newest
from flows.decisions.recovery_plan import Purpose
from flows.decisions.retirement import LEFT_BY, RetirementPlan, RetirementSight, decide_retirement
from flows.reports.wording import counted
from flows.tasks.approval import PLAN
from flows.tasks.ending import reports
from flows.tasks.fronted import fronted
from flows.tasks.incident import Estate, Incident, StepNote
from flows.tasks.look import usable_copies, zone_view
from flows.tasks.machines import find_machines
from flows.tasks.steps import step


@step("look")
def look(incident: Incident, note: StepNote) -> RetirementSight:
    """Look at the machines, the zones, the pages as visitors see them, and the sets."""
    estate = incident.estate
    with ThreadPoolExecutor(max_workers=4) as pool:
        machines = pool.submit(find_machines, estate, {"managed-by": "continuity"})
        zones = [pool.submit(zone_view, reference, estate) for reference in estate.zones]
        pages = pool.submit(_pages, estate)
        copies = pool.submit(usable_copies, estate)
    usable = [s for copy in copies.result() for s in copy.sets if s.id not in dict(copy.refused)]
    seen = RetirementSight(
        estate.name,
        estate.server.address,
        tuple(machines.result()),
        tuple(each.result() for each in zones),
        tuple(pages.result()),
        newest(usable),
        _moved_at(estate),
    )
    note.saw = f"{counted(len(seen.machines), 'machine')} à nous, serveur à {seen.address}"
    return seen


def _pages(estate: Estate) -> list[SmokeResult]:
    """Look as visitors do; behind a provider's own addresses, only the server itself can tell."""
    checks = [page.value() for site in estate.sites.values() for page in site.smoke]
    hidden = fronted(estate, {str(urlsplit(each.url).hostname) for each in checks})
    return [
        estate.probe.check(each, estate.server.address)
        if urlsplit(each.url).hostname in hidden
        else estate.probe.check_through_dns(each)
        for each in checks
    ]


def _moved_at(estate: Estate) -> datetime | None:
    """Return when a recovery or a move to the declared machine ended, None if none did."""
    found: list[datetime] = []
    for purpose in LEFT_BY:
        for name in reports(estate, Purpose(purpose)):
            records = Journal(estate.state, name).records()
            made = [r for r in records if r.step == "machine" and r.state is StepState.DONE]
            if estate.server.address in [r.data.get("address") for r in made]:
                found += [r.ended_at for r in records if r.step == "verify" and r.ended_at]
    return max(found, default=None)


def decide(incident: Incident, seen: RetirementSight) -> RetirementPlan:
    """Return the plan, written to the journal before anybody is asked about it."""
    with incident.step("plan") as note:
        plan = decide_retirement(incident.id, seen)
        note.did = f"plan {plan.digest} : {', '.join(each.name for each in plan.retired)}"
        incident.journal.put_document(PLAN, asdict(plan))
    incident.plan = plan
    return plan


@step("retire")
def destroy(incident: Incident, note: StepNote, plan: RetirementPlan) -> None:
    """Destroy the machines of the plan, and look whether they are gone.

    Raises:
        VerificationFailed: A provider still lists one of them.
    """
    providers = incident.estate.providers
    for machine in plan.retired:
        providers[machine.provider].destroy(machine.id)
    wanted = {(each.provider, each.id) for each in plan.retired}
    still = [
        m.name
        for m in find_machines(incident.estate, {"managed-by": "continuity"})
        if (m.provider, m.id) in wanted
    ]
    if still:
        raise VerificationFailed(
            f"machines of {plan.server}", f"{', '.join(still)} are still there", plan.again
        )
    note.did = f"{', '.join(each.name for each in plan.retired)} : plus là"
