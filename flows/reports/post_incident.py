"""What is kept of an incident: for the team, the clients and the register of breaches (French)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flows.decisions.aftermath import Aftermath
from flows.reports.incident_facts import (
    REGISTER,
    UNPRICED,
    change_rows,
    cost_rows,
    decision_lines,
    loss_row,
    mark_lines,
    promise_rows,
    register_rows,
    step_rows,
    totals_text,
    verdict_text,
)
from flows.reports.wording import moment


def post_incident_markdown(facts: Aftermath, pictures: Sequence[str] = ()) -> str:
    """Return the report as Markdown; `pictures` are the names of the timeline's files."""
    report = facts.report
    lines = [
        f"# Rapport d'incident : {report['server']}, {verdict_text(facts)}",
        "",
        str(report["summary"]),
        "",
        f"Incident `{report['incident']}`, rapport écrit le {moment(facts.written_at)}.",
        "",
        "## Promesses et résultat",
        "",
        *_table(("Site", "Promesse", "Hors ligne ou perdu", ""), _bold(facts)),
        "",
        "## Décisions",
        "",
        *(f"- {each}" for each in decision_lines(facts)),
        "",
        "## Déroulement",
        "",
        *(line for name in pictures for line in (f"![Déroulement]({name})", "")),
        *(f"{number}. {each}" for number, each in enumerate(mark_lines(facts), 1)),
        *([""] if facts.timeline.marks else []),
        *_table(("Heure", "Étape", "", "Durée", "Détail"), step_rows(facts)),
        "",
        "## Coût, hors taxes",
        "",
        *_cost(facts),
        "",
        "## À changer",
        "",
        *_changes(facts),
        "",
        "## Fiche RGPD : violation de disponibilité",
        "",
        REGISTER,
        "",
        *_table(("", ""), register_rows(facts)),
    ]
    return "\n".join(lines) + "\n"


def _bold(facts: Aftermath) -> list[tuple[str, ...]]:
    return [
        (*row[:3], f"**{row[3]}**" if row[3].isupper() else row[3])
        for row in (*promise_rows(facts), loss_row(facts))
    ]


def _cost(facts: Aftermath) -> list[str]:
    if facts.spent is None:
        return [f"{UNPRICED[0].upper()}{UNPRICED[1:]}."]
    rows = [cost_rows(each) for each in facts.spent]
    total = ("**total**", "", f"**{totals_text(facts.spent)}**", "")
    return _table(("", "Quantité", "Montant", "Source"), [*rows, total])


def _changes(facts: Aftermath) -> list[str]:
    rows = change_rows(facts)
    if not rows:
        return ["Rien n'est ressorti du journal."]
    return _table(("N°", "Constat", "Responsable", "Pour le"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    found = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return found + [f"| {' | '.join(_cell(each) for each in row)} |" for row in rows]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
