"""Make the plan, or take up the one that was approved before the run was interrupted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from flows.decisions.failback import decide_failback, failback_again
from flows.decisions.recovery_again import taken_up
from flows.decisions.recovery_decision import decide_recovery, guard_recovery
from flows.decisions.recovery_plan import Observation, Purpose, RecoveryPlan, plan_from_document
from flows.reports.wording import counted
from flows.tasks.approval import PLAN, approved_document
from flows.tasks.incident import Incident, now

OLDEST_LOOK = timedelta(minutes=10)


def approved_plan(incident: Incident, recovery_set: str, point: str) -> RecoveryPlan | None:
    """Return the incident's approved plan, unless the operator now names another set or point."""
    document = approved_document(incident)
    plan = plan_from_document(document) if document else None
    if plan and recovery_set and recovery_set != plan.set_id:
        return None
    return None if plan and point and point != plan.point else plan


def decide(
    incident: Incident, seen: Observation, purpose: Purpose, known: RecoveryPlan | None
) -> RecoveryPlan:
    """Return the plan, written to the journal before anybody is asked about it."""
    with incident.step("plan") as note:
        if purpose is Purpose.FAILBACK:
            plan = failback_again(known, seen) if known else decide_failback(seen, incident.id)
        else:
            plan = taken_up(known, seen) if known else decide_recovery(seen, incident.id, purpose)
        note.did = f"plan {plan.digest} : jeu {plan.set_id}, {counted(len(plan.sites), 'site')}"
        note.why = _why(known, plan)
        note.data = {"digest": plan.digest}
        incident.journal.put_document(PLAN, asdict(plan))
    incident.plan = plan
    return plan


def _why(known: RecoveryPlan | None, plan: RecoveryPlan) -> str:
    if known is None:
        return ""
    if known.digest == plan.digest:
        return "déjà approuvé, la reprise continue"
    return f"complète le plan approuvé {known.digest} : des noms peuvent être changés à présent"


def guard(incident: Incident, plan: RecoveryPlan, seen: Observation) -> None:
    """Refuse a plan that reaches too far or rests on an old look; see `guard_recovery`."""
    guard_recovery(plan, seen, now(), OLDEST_LOOK)
