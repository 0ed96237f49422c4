"""Conclude a move from what was seen of it."""

from __future__ import annotations

from dataclasses import replace

from blocks.records import StepState
from flows.decisions.recovery_plan import RecoveryPlan
from flows.decisions.verdict import Outcome, SiteOutcome, conclude
from flows.reports.after_recovery import steps_after
from flows.reports.outcome_report import outcome_sentence
from flows.reports.progress import latest
from flows.reports.wording import step_title
from flows.tasks.incident import Incident, StepNote
from flows.tasks.rebuilt import Rebuilt
from flows.tasks.steps import step
from flows.tasks.takeover_steps import closed_at, opened_at


@step("verify")
def conclude_move(
    incident: Incident, note: StepNote, plan: RecoveryPlan, rebuilt: Rebuilt
) -> Outcome:
    """Weigh what the move came to.

    The time is that from the first closed door to pages through the old address, or to visitors'
    own when that does not lead on. Nothing is lost: else the comparison would have failed.
    """
    failed = {r.step: r.why for r in latest(incident.records) if r.state is StepState.FAILED}
    problems = [f"{step_title(each)} : {failed[each]}" for each in rebuilt.common if each in failed]
    closed = closed_at(incident) or incident.began_at
    outcome = conclude(
        incident.id,
        plan.server,
        [_site(incident, plan, rebuilt, each.site.name) for each in plan.sites],
        closed,
        closed if incident.done("match") else None,
        problems,
    )
    note.saw = outcome_sentence(outcome)
    estate = incident.estate
    to_do = steps_after(
        outcome, plan, rebuilt.machine, estate.server.address, archive=estate.archive is not None
    )
    return replace(outcome, to_do=to_do)


def _site(incident: Incident, plan: RecoveryPlan, rebuilt: Rebuilt, name: str) -> SiteOutcome:
    title = next(each.site.title for each in plan.sites if each.site.name == name)
    end = rebuilt.sites[name]
    if not end.healthy:
        whys = [r.why for r in latest(incident.records) if r.state is StepState.FAILED]
        return SiteOutcome(name, title, False, " ; ".join(whys) or "non vérifié", restored=True)
    seen = incident.done(f"visitors-{name}")
    back = opened_at(incident) or end.back_at
    return SiteOutcome(name, title, True, seen.saw if seen else "", back, restored=True)
