"""What a drill adds to its report: cost, links, pictures (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blocks.records import StepRecord, StepState
from flows.reports.progress import latest


def drill_section(records: Sequence[StepRecord]) -> dict[str, object]:
    """Return it as JSON values, from the drill's journal."""
    done = {each.step: each for each in latest(records) if each.state is not StepState.STARTED}
    cost, pictures = done.get("cost"), done.get("pictures")
    return {
        "cost": dict(cost.data) if cost else {},
        "pictures": pictures.data.get("pictures", {}) if pictures else {},
        "links": {
            name.removeprefix("links-"): each.saw or each.why
            for name, each in done.items()
            if name.startswith("links-")
        },
    }


def picture_text(found: Mapping[str, object] | None) -> str:
    """Return a site's score beside its threshold: `3 % de différence (seuil 25 %)`."""
    if not found or found["difference"] is None:
        return "pas comparée"
    score, threshold = (float(str(found[key])) for key in ("difference", "threshold"))
    said = f"{score * 100:.1f} % de différence (seuil {threshold * 100:.0f} %)".replace(".", ",")
    return said if score <= threshold else f"{said}, à vérifier"


def part(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return a part of a report's drill section; empty for reports that were made without."""
    section = document.get("drill")
    found = section.get(name) if isinstance(section, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def drill_markdown(document: Mapping[str, object], trend: str) -> str:
    """Return the page for Prefect: cost, sites, past drills."""
    cost = part(document, "cost").get("text") or "inconnu"
    pictures, links = part(document, "pictures"), part(document, "links")
    lines = [f"# Exercice de reprise de {document['server']}", "", str(document["summary"]), ""]
    lines += [f"Coût : {cost}.", ""]
    lines += ["| Site | Prouvé | Capture | Liens et connexion |", "|---|---|---|---|"]
    for site in sites_of(document):
        found = pictures.get(str(site["name"]))
        text = picture_text(found if isinstance(found, Mapping) else None)
        said = str(links.get(str(site["name"]), "pas contrôlés")).replace("|", "/")
        proven = "oui" if site["proven"] else "NON"
        lines.append(f"| {site['title']} | {proven} | {text} | {said} |")
    lines += ["", "## Exercices passés", "", trend, ""]
    page = f"continuity drills {document['server']} --html exercice.html"
    return "\n".join([*lines, f"Page avec captures et courbes : `{page}`", ""])


def sites_of(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return a report's sites."""
    found = document["sites"]
    return list(found) if isinstance(found, list) else []
