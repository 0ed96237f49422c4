"""Read what was last proven of each site, and say whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flows.decisions.protection import CopyView
from flows.decisions.readiness import newest
from flows.decisions.recovery_plan import Purpose
from flows.decisions.site_proof import SiteStanding, Tried, site_standing
from flows.tasks.ending import reports
from flows.tasks.incident import Estate, now
from flows.tasks.site_facts import facts_by_site


def site_standings(estate: Estate, copies: Sequence[CopyView]) -> tuple[SiteStanding, ...]:
    """Say of each site whether it is proven, from the reports of drills and recoveries."""
    usable = newest(each for copy in copies for each in copy.usable())
    facts, tried = facts_by_site(estate, usable), _tried(estate)
    return tuple(site_standing(name, tried.get(name), facts[name], now()) for name in estate.sites)


def _tried(estate: Estate) -> dict[str, Tried]:
    """Return the newest attempt to bring each site back."""
    found: dict[str, Tried] = {}
    for incident, report in reports(estate, Purpose.DRILL, Purpose.RECOVERY).items():
        began = datetime.fromisoformat(str(report["down_since"]))
        sites = report["sites"]
        for site in sites if isinstance(sites, list) else []:
            facts = site.get("facts")
            found[str(site["name"])] = Tried(
                incident,
                datetime.fromisoformat(site["back_at"]) if site.get("back_at") else began,
                bool(site["proven"]),
                facts if isinstance(facts, Mapping) else None,
            )
    return found
