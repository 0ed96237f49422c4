"""Whether everything would come back today, as people and machines read it (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flows.decisions.readiness import Check, SiteReadiness, State, weigh
from flows.decisions.recovery_plan import SiteSpec
from flows.reports.readiness_figures import TITLES, figures, measured
from flows.reports.wording import moment

MARKS = {State.READY: "✓", State.WARNING: "!", State.FAILED: "✗", State.UNKNOWN: "?"}
WORDS = {
    State.READY: "prêt",
    State.WARNING: "à surveiller",
    State.FAILED: "ÉCHEC",
    State.UNKNOWN: "INCONNU",
}


def readiness_document(
    server: str,
    at: datetime,
    sites: Sequence[SiteSpec],
    checks: Sequence[Check],
    *,
    archived: bool = False,
) -> dict[str, object]:
    """Return one server's readiness as JSON values; texts are for people.

    Args:
        server: Its name.
        at: When it was looked at.
        sites: Its sites.
        checks: Of the server and of its sites.
        archived: Whether it has a continuous archive: then less is promised to be lost.
    """
    weighed = [(site, weigh(site.name, checks)) for site in sites]
    return {
        "server": server,
        "at": at.isoformat(),
        "ready": bool(weighed) and all(each.ready for _, each in weighed),
        "sites": [_site(spec, each, checks, archived) for spec, each in weighed],
        "checks": [
            {
                "site": each.site,
                "about": each.about,
                "state": str(each.state),
                "seen": each.seen,
                "hint": each.hint,
            }
            for each in checks
        ],
    }


def _site(
    spec: SiteSpec, found: SiteReadiness, checks: Sequence[Check], archived: bool
) -> dict[str, object]:
    return {
        "name": spec.name,
        "title": spec.title,
        "tier": str(spec.tier),
        "score": found.score,
        "ready": found.ready,
        **measured(spec, checks, archived=archived),
    }


def readiness_markdown(documents: Sequence[Mapping[str, object]]) -> str:
    """Return the agency's page: every site with its score, then what is to be done."""
    lines = ["# Prêt à reprendre ?", ""]
    titles = ("Site", "Serveur", "Palier", "Note", "État", *TITLES)
    lines += [_line(titles), "|---" * len(titles) + "|"]
    for document in documents:
        lines += [_line(_site_row(document, each)) for each in rows(document, "sites")]
    for document in documents:
        at = datetime.fromisoformat(str(document["at"]))
        lines += ["", f"## {document['server']}", "", f"Contrôlé le {moment(at)}.", ""]
        lines += ["| | Contrôle | Site | Constat | À faire |", "|---|---|---|---|---|"]
        lines += [_line(check_row(check)) for check in rows(document, "checks")]
    return "\n".join(lines) + "\n"


def _site_row(document: Mapping[str, object], site: Mapping[str, object]) -> Sequence[str]:
    return (
        str(site["title"]),
        str(document["server"]),
        str(site["tier"]),
        f"{site['score']} %",
        "prêt" if site["ready"] else "**PAS PRÊT**",
        *(cell if kept else f"**{cell}**" for cell, kept in figures(site)),
    )


def check_row(check: Mapping[str, object]) -> tuple[str, str, str, str, str]:
    """Return a check's state, name, site, finding and what to do."""
    state = State(str(check["state"]))
    return (
        f"{MARKS[state]} {WORDS[state]}",
        str(check["about"]),
        str(check["site"]) or "tous",
        str(check["seen"]),
        str(check["hint"]),
    )


def problems(document: Mapping[str, object]) -> list[str]:
    """Return a line for each check that keeps a site from being ready."""
    bad = (State.FAILED, State.UNKNOWN)
    return [
        f"{each['about']}{' (' + str(each['site']) + ')' if each['site'] else ''} : {each['seen']}"
        for each in rows(document, "checks")
        if State(str(each["state"])) in bad
    ]


def rows(document: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """Return a list of the document."""
    found = document[name]
    return list(found) if isinstance(found, list) else []


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(each) for each in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
