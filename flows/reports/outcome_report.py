"""The end of a recovery or drill, as a document for machines and a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from blocks.records import StepRecord, StepState
from flows.decisions.recovery_plan import RecoveryPlan
from flows.decisions.verdict import Outcome, Verdict
from flows.reports.progress import latest
from flows.reports.wording import VERDICTS, counted, duration, moment, step_title

STATES = {
    StepState.STARTED: "en cours",
    StepState.DONE: "fait",
    StepState.FAILED: "ÉCHEC",
    StepState.SKIPPED: "sans objet",
}

SECTIONS = (
    ("problems", "Ce qui manque", "-"),
    ("to_do", "À faire", "1."),
    ("to_check", "À vérifier", "-"),
)


def outcome_document(
    outcome: Outcome,
    plan: RecoveryPlan,
    records: Sequence[StepRecord],
    operator: str,
    facts: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, object]:
    """Return the report as JSON values; durations in seconds, times in ISO 8601 UTC.

    `facts` are what the proof of each site rests on; see `flows.decisions.site_proof`.
    """
    return {
        "incident": outcome.incident,
        "server": outcome.server,
        "purpose": str(plan.purpose),
        "verdict": str(outcome.verdict),
        "sentence": outcome.sentence,
        "summary": outcome_sentence(outcome),
        "plan_digest": plan.digest,
        "approved_by": operator,
        "recovery_set": plan.set_id,
        "down_since": outcome.down_since.isoformat(),
        "data_as_of": _iso(outcome.data_as_of),
        "rto_seconds": _seconds(outcome.rto),
        "rpo_seconds": _seconds(outcome.rpo),
        "sites": [
            {
                "name": site.name,
                "title": site.title,
                "proven": site.proven,
                "restored": site.restored,
                "observed": site.observed,
                "back_at": _iso(site.back_at),
                "down_seconds": _seconds(site.back_at - outcome.down_since)
                if site.back_at
                else None,
                "newest_row": _iso(site.newest),
                "facts": (facts or {}).get(site.name),
            }
            for site in outcome.sites
        ],
        "problems": list(outcome.problems),
        "to_check": list(outcome.to_check),
        "to_do": list(outcome.to_do),
        "steps": [_step(record) for record in latest(records)],
    }


def outcome_sentence(outcome: Outcome) -> str:
    """Say in one French sentence what was done and what is missing."""
    proven = sum(site.proven for site in outcome.sites)
    parts = [
        f"{outcome.server} est {VERDICTS[outcome.verdict]} : {counted(proven, 'site')} "
        f"sur {len(outcome.sites)} {'prouvés' if proven > 1 else 'prouvé'}"
    ]
    if outcome.rto is not None:
        parts.append(f"le dernier au bout de {duration(outcome.rto)}")
    if outcome.rpo is not None:
        parts.append(f"{duration(outcome.rpo)} de données perdues")
    missing = [site.name for site in outcome.sites if not site.proven]
    if missing:
        parts.append(f"à reprendre : {', '.join(missing)}")
    return ", ".join([*parts, *outcome.problems]) + "."


def outcome_markdown(document: Mapping[str, object]) -> str:
    """Return the report as a page (French) from its document."""
    verdict = VERDICTS[Verdict(str(document["verdict"]))]
    lines = [
        f"# {document['server']} : {verdict}",
        "",
        str(document["summary"]),
        "",
        f"Incident `{document['incident']}`, jeu `{document['recovery_set']}`, "
        f"plan `{document['plan_digest']}` approuvé par {document['approved_by']}.",
        "",
        "| Mesure | Valeur |",
        "|---|---|",
        f"| En panne depuis | {moment(_time(document['down_since']))} |",
        f"| Données au | {moment(_time(document['data_as_of']))} |",
        f"| Durée de la panne (dernier site) | {duration(_span(document['rto_seconds']))} |",
        f"| Données perdues | {duration(_span(document['rpo_seconds']))} |",
        "",
        "| Site | Prouvé | Hors ligne | Constat |",
        "|---|---|---|---|",
    ]
    for site in _rows(document["sites"]):
        lines.append(
            f"| {site['title']} | {'oui' if site['proven'] else 'NON'} | "
            f"{duration(_span(site['down_seconds']))} | {site['observed']} |"
        )
    for key, title, mark in SECTIONS:
        listed = document[key]
        if isinstance(listed, list) and listed:
            lines += ["", f"## {title}", "", *(f"{mark} {each}" for each in listed)]
    lines += ["", "## Étapes", "", "| Étape | État | Durée | Détail |", "|---|---|---|---|"]
    for each in _rows(document["steps"]):
        detail = " ; ".join(str(each[key]) for key in ("saw", "did", "why") if each[key])
        lines.append(
            f"| {step_title(str(each['step']))} | {STATES[StepState(str(each['state']))]} | "
            f"{duration(_span(each['seconds']))} | {detail.replace('|', '/')} |"
        )
    return "\n".join(lines) + "\n"


def _step(record: StepRecord) -> dict[str, object]:
    spent = record.ended_at - record.started_at if record.ended_at else None
    return {
        "step": record.step,
        "state": str(record.state),
        "started_at": record.started_at.isoformat(),
        "seconds": _seconds(spent),
        "saw": record.saw,
        "did": record.did,
        "why": record.why,
    }


def _rows(value: object) -> list[dict[str, object]]:
    return [dict(each) for each in value] if isinstance(value, list) else []


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 3)


def _span(seconds: object) -> timedelta | None:
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) else None


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
