"""Show a drill beside those before it: in Prefect, and as a page with its pictures."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.artifacts import create_markdown_artifact

from blocks.errors import NotFound
from blocks.repositories.journal import Journal
from flows.decisions.recovery_plan import Purpose
from flows.decisions.trend import Targets, practices, targets_of_tiers
from flows.reports.drill_html import drill_html
from flows.reports.drill_report import drill_markdown, sites_of
from flows.reports.trend_text import trend_markdown
from flows.tasks.ending import reports
from flows.tasks.incident import Estate


def show_drill(estate: Estate, document: Mapping[str, object]) -> None:
    """Put the drill with the trend of those before it where people look."""
    known = practices(reports(estate, Purpose.DRILL))
    create_markdown_artifact(
        key=f"drill-{estate.name}",
        markdown=drill_markdown(document, trend_markdown(known, promised(estate))),
        description=f"{document['incident']}",
    )


def promised(estate: Estate) -> Targets:
    """Return what was promised for a server's sites."""
    tiers = [each.tier for each in estate.sites.values()]
    return targets_of_tiers(tiers, archive=estate.archive is not None)


def drill_page(estate: Estate, incident: str = "") -> str:
    """Return the page of one drill, the last one unless named.

    Raises:
        NotFound: There is no such drill that came to an outcome.
    """
    found = reports(estate, Purpose.DRILL)
    wanted = incident or next(reversed(found), "")
    if wanted not in found:
        hint = f"continuity drill {estate.name}, or one of: {', '.join(found) or 'none'}"
        raise NotFound(f"drill {wanted} of {estate.name}".replace("  ", " "), "is not known", hint)
    document, journal = found[wanted], Journal(estate.state, wanted)
    pictures = {
        name: (journal.file(f"before-{name}.png"), journal.file(f"after-{name}.png"))
        for name in (str(each["name"]) for each in sites_of(document))
    }
    return drill_html(document, practices(found), promised(estate), pictures)
