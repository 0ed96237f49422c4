"""Gather what an incident left in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from blocks.errors import NotFound
from blocks.repositories.journal import Journal
from blocks.types import Tier
from flows.decisions.aftermath import (
    LOSS_WITH_ARCHIVE,
    LOSS_WITHOUT,
    SitePromise,
    judge_breach,
    judge_promise,
)
from flows.decisions.recovery_plan import Purpose
from flows.reports.post_incident import post_incident_markdown
from flows.reports.readiness_text import rows
from flows.tasks.approval import APPROVAL
from flows.tasks.ending import reports
from flows.tasks.incident import Estate, now


def report_of(estate: Estate, incident: str) -> str:
    """Return the post-incident report of one incident of this server.

    Raises:
        NotFound: It is no recovery of this server, or has not come to an outcome yet.
    """
    found = reports(estate, Purpose.RECOVERY)
    if incident not in found:
        cause = f"is no recovery of {estate.name} that came to an outcome; "
        cause += f"ended: {', '.join(found) or 'none'}"
        raise NotFound(f"incident {incident}", cause, f"continuity report {estate.name} INCIDENT")
    report, journal = found[incident], Journal(estate.state, incident)
    records = journal.records()
    began = datetime.fromisoformat(str(report["down_since"]))
    promises = _promises(estate, rows(report, "sites"), began)
    downs = [each.down for each in promises]
    ended_at = None if None in downs else began + max(filter(None, downs), default=timedelta())
    as_of = report["data_as_of"]
    return post_incident_markdown(
        report,
        journal.document(APPROVAL) or {},
        records,
        promises,
        LOSS_WITH_ARCHIVE if estate.archive else LOSS_WITHOUT,
        judge_breach(
            began, records, ended_at, datetime.fromisoformat(str(as_of)) if as_of else None
        ),
    )


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
