"""Gather what an incident left in the journal, and keep what was decided since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from blocks.errors import ConfigurationError, ContinuityError, NotFound
from blocks.records import StepRecord, StepState
from blocks.repositories.journal import Journal, incidents
from blocks.types import Tier
from flows.decisions.aftermath import (
    LOSS_WITH_ARCHIVE,
    LOSS_WITHOUT,
    Action,
    Aftermath,
    SitePromise,
    judge_breach,
    judge_promise,
)
from flows.decisions.incident_cost import Prices, Used, spent
from flows.decisions.machine_needs import restored_size
from flows.decisions.recovery_plan import Purpose
from flows.decisions.timeline import Passage, Timeline, build_timeline, waited
from flows.reports.incident_facts import change_rows
from flows.reports.post_incident import post_incident_markdown
from flows.reports.readiness_text import rows
from flows.tasks.approval import APPROVAL, PLAN
from flows.tasks.ending import REPORT, reports
from flows.tasks.incident import Estate, Incident, now
from flows.tasks.incident_marks import marks_of
from flows.tasks.look import usable_copies

_ACTION = "action-"


def newest_recovery(estate: Estate) -> str:
    """Return the recovery to report: the last that ended, else the last that did not.

    Raises:
        NotFound: There is none.
    """
    ended = list(reports(estate, Purpose.RECOVERY))
    found = ended or list(_unended(estate))
    if not found:
        raise NotFound(
            f"report of {estate.name}", "no recovery of it is known", "continuity status"
        )
    return found[-1]


def facts_of(estate: Estate, incident: str, prices: Prices | None = None) -> Aftermath:
    """Return all that is known of one recovery of this server, ended or not.

    Raises:
        NotFound: It is no recovery of this server.
    """
    journal = Journal(estate.state, incident)
    records, approval = journal.records(), journal.document(APPROVAL) or {}
    report = _report(estate, incident, journal, records, approval)
    began = datetime.fromisoformat(str(report["down_since"]))
    sites = rows(report, "sites")
    promises = _promises(estate, sites, began)
    downs = [each.down for each in promises]
    ended_at = None if None in downs else began + max(filter(None, downs), default=timedelta())
    passages = [Passage(str(s["name"]), str(s["title"]), _time(s["back_at"])) for s in sites]
    marks = marks_of(estate, incident, records)
    timeline = build_timeline(
        records, began, passages, marks, until=None if report.get("verdict") else now()
    )
    return Aftermath(
        report=report,
        approval=approval,
        records=records,
        promises=promises,
        loss_limit=LOSS_WITH_ARCHIVE if estate.archive else LOSS_WITHOUT,
        breach=judge_breach(
            began, records, ended_at, _time(report["data_as_of"]), [each.at for each in marks]
        ),
        timeline=timeline,
        spent=spent(_used(estate, report, records, approval, timeline), prices) if prices else None,
        actions=_actions(journal),
        written_at=now(),
    )


def record_action(estate: Estate, incident: str, what: str, owner: str, due: date) -> str:
    """Keep who changes what until when; return what. Again for the same: owner and date anew.

    Args:
        estate: Of the server.
        incident: The recovery.
        what: Text, or the number of a finding of the report.
        owner: Who answers for it.
        due: The day.

    Raises:
        ConfigurationError: No finding has this number, or a text is empty.
    """
    noted = {number: text for number, text, _, _ in change_rows(facts_of(estate, incident))}
    said, name = " ".join(what.split()), " ".join(owner.split())
    if said.isdigit():
        if said not in noted:
            cause = f"the report has {len(noted)} findings"
            raise ConfigurationError(f"action {said}", cause, f"continuity report {estate.name}")
        said = noted[said]
    if not said or not name:
        raise ConfigurationError("action", "says nothing, or has no owner", "continuity report -h")
    key = hashlib.sha256(said.encode()).hexdigest()[:12]
    document = {"what": said, "owner": name, "due": due.isoformat(), "at": now().isoformat()}
    Journal(estate.state, incident).put_document(f"{_ACTION}{key}.json", document)
    return said


def show_aftermath(incident: Incident) -> None:
    """Leave the post-incident report in Prefect; a failure is logged and stops nothing."""
    try:
        page = post_incident_markdown(facts_of(incident.estate, incident.id))
    except ContinuityError as error:
        get_run_logger().error("the post-incident report could not be written: %s", error)
        return
    create_markdown_artifact(
        key=f"post-incident-{incident.estate.name}",
        markdown=page,
        description=f"{incident.id} : rapport d'incident",
    )


def _report(
    estate: Estate,
    incident: str,
    journal: Journal,
    records: Sequence[StepRecord],
    approval: Mapping[str, object],
) -> Mapping[str, object]:
    found = journal.document(REPORT) or {}
    if (found.get("server"), found.get("purpose")) == (estate.name, Purpose.RECOVERY):
        return found
    plan = journal.document(PLAN) or {}
    ours = (plan.get("server"), plan.get("purpose")) == (estate.name, Purpose.RECOVERY)
    if found or not ours or not records:
        known = [*reports(estate, Purpose.RECOVERY), *_unended(estate)]
        cause = f"is no recovery of {estate.name}; known: {', '.join(known) or 'none'}"
        raise NotFound(f"incident {incident}", cause, f"continuity report {estate.name} INCIDENT")
    return _provisional(incident, plan, records, approval)


def _unended(estate: Estate) -> list[str]:
    """Return this server's recoveries without an outcome, in the order in which they began."""
    found = {}
    for each in incidents(estate.state):
        journal = Journal(estate.state, each)
        plan = journal.document(PLAN) or {}
        ours = (plan.get("server"), plan.get("purpose")) == (estate.name, Purpose.RECOVERY)
        if ours and not journal.document(REPORT) and (records := journal.records()):
            found[each] = records[0].started_at
    return sorted(found, key=lambda each: found[each])


def _provisional(
    incident: str,
    plan: Mapping[str, object],
    records: Sequence[StepRecord],
    approval: Mapping[str, object],
) -> dict[str, object]:
    """Return a report's document as far as it is known before there is an outcome."""
    began = min(each.started_at for each in records)
    specs = [each["site"] for each in rows(plan, "sites")]
    back = {r.step: r.ended_at for r in records if r.state is StepState.DONE and r.ended_at}
    sites = []
    for each in specs:
        if not isinstance(each, Mapping):
            raise TypeError("a plan's site is a mapping")
        at = back.get(f"visitors-{each['name']}")
        down = (at - began).total_seconds() if at else None
        sites.append({"name": each["name"], "title": each["title"], "down_seconds": down,
                      "back_at": at.isoformat() if at else None})  # fmt: skip
    done = sum(each["back_at"] is not None for each in sites)
    return {
        "incident": incident,
        "server": plan["server"],
        "summary": "Rapport provisoire : la reprise n'est pas arrivée à un résultat ; "
        f"{done} sur {len(sites)} de ses sites en ligne.",
        "plan_digest": approval.get("digest", ""),
        "approved_by": approval.get("operator", ""),
        "recovery_set": plan["set_id"],
        "down_since": began.isoformat(),
        "data_as_of": None,
        "rpo_seconds": None,
        "sites": sites,
        "problems": [],
        "to_do": [f"terminer cette reprise : `continuity recover {plan['server']} --incident "
                  f"{incident}`"],
        "to_check": [],
    }  # fmt: skip


def _promises(
    estate: Estate, sites: list[Mapping[str, object]], began: datetime
) -> list[SitePromise]:
    """Return the promises; a site that left the estate since keeps the usual one."""
    found = []
    for each in sites:
        seconds = each["down_seconds"]
        down = timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
        declared = estate.sites.get(str(each["name"]))
        tier = declared.tier if declared else Tier.HOURS_48
        found.append(judge_promise(str(each["title"]), tier, down, now() - began))
    return found


def _used(
    estate: Estate,
    report: Mapping[str, object],
    records: Sequence[StepRecord],
    approval: Mapping[str, object],
    timeline: Timeline,
) -> Used:
    made = [r for r in records if r.step == "machine" and r.state is StepState.DONE and r.ended_at]
    provider = next((str(r.data["provider"]) for r in made if "provider" in r.data), "")
    plan = approval.get("plan")
    targets = rows(plan, "targets") if isinstance(plan, Mapping) else []
    asked = next((str(each["size"]) for each in targets if each["provider"] == provider), "")
    size = next((str(r.data["size"]) for r in made if r.data.get("size")), asked)
    ended = made[0].ended_at if made else None
    running = now() - ended if ended else None
    return Used(
        provider, size, running, _restored(estate, str(report["recovery_set"])), waited(timeline)
    )


def _restored(estate: Estate, set_id: str) -> int | None:
    """Return the bytes that came back; None when the set is gone or nothing can be read."""
    try:
        sets = [each for copy in usable_copies(estate) for each in copy.usable()]
    except ContinuityError:
        return None
    return next((restored_size(each) for each in sets if each.id == set_id), None)


def _actions(journal: Journal) -> list[Action]:
    found = [journal.document(name) or {} for name in journal.documents(_ACTION)]
    actions = [
        Action(str(each["what"]), str(each["owner"]), date.fromisoformat(str(each["due"])))
        for each in sorted(found, key=lambda each: str(each["at"]))
    ]
    return sorted(actions, key=lambda each: each.due)


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
