"""Look once more, weigh what was found, and write the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from prefect.artifacts import create_markdown_artifact

from blocks.errors import ContinuityError, VerificationFailed
from blocks.records import StepRecord, StepState
from blocks.repositories.journal import Journal, incidents
from blocks.servers.base import Server
from blocks.types import RecoverySet
from flows.decisions.recovery_plan import Purpose, RecoveryPlan, SitePlan
from flows.decisions.verdict import Outcome, SiteOutcome, Verdict, conclude
from flows.reports.after_recovery import steps_after
from flows.reports.drill_report import drill_section
from flows.reports.outcome_report import outcome_document, outcome_markdown, outcome_sentence
from flows.reports.progress import latest
from flows.reports.wording import VERDICTS, answering_text, step_title
from flows.tasks.incident import Estate, Incident, StepNote
from flows.tasks.look import ports_of_lost
from flows.tasks.proof import record_proof
from flows.tasks.rebuilt import Rebuilt
from flows.tasks.site_facts import facts_by_site
from flows.tasks.steps import step

REPORT = "report.json"


@step("verify")
def verify(
    incident: Incident,
    note: StepNote,
    plan: RecoveryPlan,
    chosen: RecoverySet,
    rebuilt: Rebuilt,
    down_since: datetime,
) -> Outcome:
    """Look again at old and new, and conclude only from what was seen."""
    problems = []
    if plan.purpose is Purpose.RECOVERY:
        served = [port for port in ports_of_lost(incident) if port != 22]
        if served:
            problems.append(f"l'ancien serveur {answering_text(served)}")
    failed = {r.step: r.why for r in latest(incident.records) if r.state is StepState.FAILED}
    problems += [
        f"{step_title(each)} : {failed[each]}" for each in rebuilt.common if each in failed
    ]
    problems += [r.why for r in latest(incident.records) if _incomplete(r)]
    problems += _out_of_reach(incident, plan, rebuilt)
    outcome = conclude(
        incident.id,
        plan.server,
        [_site_outcome(incident, rebuilt, each) for each in plan.sites],
        down_since,
        _data_as_of(incident, chosen),
        problems,
        _to_check(incident),
    )
    note.saw = outcome_sentence(outcome)
    estate = incident.estate
    to_do = steps_after(
        outcome,
        plan,
        rebuilt.machine,
        estate.server.address,
        archive=estate.archive is not None,
        floating=rebuilt.floating,
    )
    return replace(outcome, to_do=to_do)


def write_report(
    incident: Incident, plan: RecoveryPlan, outcome: Outcome, operator: str
) -> dict[str, object]:
    """Keep the report in the journal, show it in Prefect and in the live message; return it."""
    incident.outcome = outcome
    incident.refresh()
    facts = facts_by_site(incident.estate, incident.sources[0].chosen if incident.sources else None)
    document = outcome_document(outcome, plan, incident.records, operator, facts)
    if plan.purpose is Purpose.DRILL:
        document["drill"] = drill_section(incident.records)
    incident.journal.put_document(REPORT, document)
    record_proof(incident, plan, outcome)
    create_markdown_artifact(
        key=f"report-{plan.server}",
        markdown=outcome_markdown(document),
        description=f"{incident.id} : {VERDICTS[outcome.verdict]}",
    )
    return document


def reports(estate: Estate, *purposes: Purpose) -> dict[str, dict[str, object]]:
    """Return the reports of this server's recoveries, drills, or both, by incident, oldest first.

    Restores of one site leave reports of another form, which are left out.
    """
    found = {
        each: Journal(estate.state, each).document(REPORT) or {} for each in incidents(estate.state)
    }
    ours = [
        (str(report["down_since"]), name)
        for name, report in found.items()
        if report.get("server") == estate.name and report.get("purpose") in purposes
    ]
    return {name: found[name] for _, name in sorted(ours)}


def raise_unless_recovered(outcome: Outcome, again: str) -> None:
    """End red unless everything is proven.

    Raises:
        VerificationFailed: The outcome's sentence, and the command that goes on.
    """
    if outcome.verdict is not Verdict.RECOVERED:
        raise VerificationFailed(
            f"incident {outcome.incident}",
            outcome.sentence,
            f"mend what is named, then: {again}",
        )


def _incomplete(record: StepRecord) -> bool:
    """Return whether a step ended well and yet could not do all that it should."""
    looked = record.step in ("rows", "replay") or record.step.startswith("changes-")
    return looked and record.state is StepState.DONE and bool(record.why)


def _data_as_of(incident: Incident, chosen: RecoverySet) -> datetime | None:
    """Return the moment that the restored data itself shows; None if it was not proven."""
    proof, replayed = incident.done("data"), incident.done("replay")
    if proof is None:
        return None
    moments = [chosen.consistent_at]
    for record, name in ((proof, "data_as_of"), (replayed, "at")):
        said = record.data.get(name) if record else None
        moments += [datetime.fromisoformat(str(said))] if said else []
    return max(moments)


def _to_check(incident: Incident) -> list[str]:
    """Return what the steps left for a person to look at."""
    lists = (record.data.get("to_check", ()) for record in latest(incident.records))
    return [str(each) for listed in lists if isinstance(listed, list) for each in listed]


def _site_outcome(incident: Incident, rebuilt: Rebuilt, plan: SitePlan) -> SiteOutcome:
    site = plan.site
    end = rebuilt.sites[site.name]
    if not end.healthy:
        restored = _passed(incident, f"smoke-{site.name}")
        why = _why(incident, rebuilt, site.name)
        if restored and plan.unread and not rebuilt.floating:
            why = f"conforme sur {rebuilt.server.address}, mais ses visiteurs n'y sont pas menés"
        return SiteOutcome(site.name, site.title, False, why, restored=restored)
    newest = _newest(incident, rebuilt.server, plan)
    back_at = end.back_at or _ended(incident, f"smoke-{site.name}")
    proof = incident.done(f"visitors-{site.name}") or incident.done(f"smoke-{site.name}")
    observed = proof.saw if proof else ""
    return SiteOutcome(site.name, site.title, True, observed, back_at, newest, restored=True)


def _out_of_reach(incident: Incident, plan: RecoveryPlan, rebuilt: Rebuilt) -> list[str]:
    """Say which names nobody could change, and what to type."""
    names = [domain for each in plan.sites for domain in each.unread]
    if not names or rebuilt.floating:
        return []
    return [
        f"zone illisible, noms inchangés : {', '.join(names)} ; une fois la zone lisible : "
        f"continuity recover {plan.server} --incident {incident.id} ; "
        f"ou les mener à la main à {rebuilt.server.address}"
    ]


def _passed(incident: Incident, name: str) -> bool:
    """Return whether a step ended well the last time it ran."""
    return any(r.step == name and r.state is StepState.DONE for r in latest(incident.records))


def _ended(incident: Incident, name: str) -> datetime | None:
    record = incident.done(name)
    return record.ended_at if record else None


def _why(incident: Incident, rebuilt: Rebuilt, site: str) -> str:
    """Return what stopped a site: its own failed step, else a failed step of the server."""
    failed = {r.step: r.why for r in latest(incident.records) if r.state is StepState.FAILED}
    own = [why for name, why in failed.items() if name.partition("-")[2] == site]
    shared = [f"{step_title(each)} : {failed[each]}" for each in rebuilt.common if each in failed]
    return " ; ".join(own or shared) or "une étape précédente n'a pas abouti"


def _newest(incident: Incident, server: Server, plan: SitePlan) -> datetime | None:
    database, site = incident.estate.database, plan.site
    if database is None or not site.freshness_query:
        return None
    try:
        return database.newest(server, site.freshness_database, site.freshness_query)
    except ContinuityError:
        return None
