"""Look at a site's pages after its databases went back, and write the report."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.artifacts import create_markdown_artifact

from blocks.errors import VerificationFailed
from flows.decisions.recovery_plan import SitePlan
from flows.decisions.site_restore import SiteRestorePlan
from flows.reports.site_restore_text import site_restore_document, site_restore_report
from flows.tasks.ending import REPORT
from flows.tasks.incident import Incident
from flows.tasks.look import site_spec
from flows.tasks.sites import smoke


def wrong_pages(incident: Incident, plan: SiteRestorePlan) -> str:
    """Return what is wrong with the site's pages now, "" for nothing; the report comes first."""
    way = SitePlan(site_spec(plan.site, incident.estate), "")
    try:
        smoke(incident, incident.estate.server, way, subject=plan.site)
    except VerificationFailed as error:
        return error.cause
    return ""


def raise_unless_answering(plan: SiteRestorePlan, document: Mapping[str, object]) -> None:
    """End red when the databases are what they should be and the site's pages are not.

    Raises:
        VerificationFailed: What a page showed, and how to undo.
    """
    if document["problem"]:
        undo = document["undo"]
        back = undo.get("command", "") if isinstance(undo, Mapping) else ""
        hint = f"look at the site (its files were not touched); to undo: {back}"
        raise VerificationFailed(f"site {plan.site}", str(document["problem"]), hint)


def write_report(
    incident: Incident, plan: SiteRestorePlan, operator: str, problem: str
) -> dict[str, object]:
    """Keep the report in the journal, show it in Prefect and in the live message; return it."""
    saved, compared = incident.done("undo"), incident.done("compare")
    closed = None
    if saved and saved.ended_at and compared and compared.ended_at:
        closed = compared.ended_at - saved.started_at
    listed = compared.data.get("to_check", []) if compared else []
    checks = tuple(str(each) for each in listed) if isinstance(listed, list) else ()
    undo = saved.data if saved else {"command": "", "snapshots": {}}
    document = site_restore_document(plan, operator, closed, undo, checks, problem)
    incident.journal.put_document(REPORT, document)
    incident.ended = "" if problem else str(document["summary"])
    incident.refresh()
    create_markdown_artifact(
        key=f"report-{plan.server}",
        markdown=site_restore_report(document),
        description=f"{incident.id} : {plan.site}",
    )
    return document
