"""What people read of a plan, of whichever kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flows.decisions.dns_preparation import DnsPlan, dns_plan_from_document
from flows.decisions.recovery_plan import Purpose, RecoveryPlan, plan_from_document
from flows.decisions.retirement import RetirementPlan, retirement_from_document
from flows.decisions.site_restore import SiteRestorePlan, site_plan_from_document
from flows.reports.dns_preparation_text import dns_line, dns_markdown, dns_notice
from flows.reports.failback_text import failback_markdown, failback_notice
from flows.reports.plan_text import plan_line, plan_markdown, plan_notice
from flows.reports.retirement_text import retirement_markdown, retirement_notice
from flows.reports.site_restore_text import (
    site_restore_line,
    site_restore_markdown,
    site_restore_notice,
)

AnyPlan = RecoveryPlan | SiteRestorePlan | RetirementPlan | DnsPlan


def read_plan(document: Mapping[str, object]) -> AnyPlan:
    """Return the plan that was written to a journal. Raises ValueError if it is none."""
    if "retired" in document:
        return retirement_from_document(document)
    if "wanted_ttl" in document:
        return dns_plan_from_document(document)
    read = site_plan_from_document if "site" in document else plan_from_document
    return read(document)


def page(plan: AnyPlan, now: datetime) -> str:
    """Return the whole plan as a page."""
    if isinstance(plan, SiteRestorePlan):
        return site_restore_markdown(plan, now)
    if isinstance(plan, RetirementPlan):
        return retirement_markdown(plan, now)
    if isinstance(plan, DnsPlan):
        return dns_markdown(plan, now)
    if plan.purpose is Purpose.FAILBACK:
        return failback_markdown(plan, now)
    return plan_markdown(plan, now)


def told(plan: AnyPlan, link: str, *, asked: bool) -> str:
    """Return the plan for Slack: whole while somebody is asked about it, then one line."""
    if isinstance(plan, SiteRestorePlan):
        return (site_restore_notice if asked else site_restore_line)(plan, link)
    if isinstance(plan, RetirementPlan):
        return retirement_notice(plan, link) if asked else f"Plan `{plan.digest}`"
    if isinstance(plan, DnsPlan):
        return dns_notice(plan, link) if asked else dns_line(plan)
    notice = failback_notice if plan.purpose is Purpose.FAILBACK else plan_notice
    return (notice if asked else plan_line)(plan, link)
