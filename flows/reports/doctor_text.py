"""What the doctor found, as people and machines read it (French)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from flows.decisions.doctor import Costing, Diagnosis, Health, Thing, all_good
from flows.reports.cost_text import CENT, SIGNS, amount_text
from flows.reports.wording import counted

MARKS = {
    Health.GOOD: "✓",
    Health.DOUBT: "!",
    Health.BAD: "✗",
    Health.SILENT: "?",
    Health.UNTRIED: "·",
}
WORDS = {
    Health.GOOD: "bon",
    Health.DOUBT: "bon, avec un doute",
    Health.BAD: "REFUSÉ OU INCOMPLET",
    Health.SILENT: "PAS DE RÉPONSE",
    Health.UNTRIED: "non essayé",
}
NOTHING = "—"
_PARTS = {"database": "base"}


def name_of(thing: Thing) -> str:
    """Return a thing's name within its section: `web1`, `web1 (base)`."""
    return f"{thing.name} ({_PARTS.get(thing.part, thing.part)})" if thing.part else thing.name


def row(found: Diagnosis) -> tuple[str, str, str, str, str, str]:
    """Return the cells of one line: mark, thing, who, may, what is missing, cost."""
    lacks = (*found.missing, *found.doubts)
    return (
        MARKS[found.health],
        name_of(found.thing),
        found.who or NOTHING,
        " ; ".join(found.may) or NOTHING,
        " ; ".join(lacks) or NOTHING,
        _short(found.costs),
    )


def details(found: Diagnosis) -> list[str]:
    """Return all that is known of a thing: a headline, then a line for each part of it."""
    lines = [
        f"{MARKS[found.health]} {found.thing.section} {name_of(found.thing)} : "
        f"{WORDS[found.health]}"
    ]
    told = (
        ("qui", [found.who] if found.who else []),
        ("peut", found.may),
        ("manque", found.missing),
        ("non vu" if found.health is not Health.UNTRIED else "pourquoi", found.doubts),
        ("à faire", [found.hint] if found.hint else []),
    )
    return lines + [f"    {title} : {each}" for title, texts in told for each in texts]


def cost_lines(found: Diagnosis) -> list[str]:
    """Return what a thing costs, a line for each offer, and what a drill there costs at most."""
    title = f"{found.thing.section} {name_of(found.thing)}"
    lines = []
    for each in found.costs:
        read = f" (relevé du {each.read_on:%d/%m/%Y})" if each.read_on else ""
        lines.append(f"{title}, {each.about} : {_long(each)}{read}")
        if each.drill:
            lines.append(f"    un exercice y coûte {each.drill}")
    return lines


def summary(found: Sequence[Diagnosis]) -> str:
    """Return one sentence: how many things are as they must be, and how many are not."""
    count = Counter(each.health for each in found)
    parts = [
        f"{count[health]} {word}"
        for health, word in (
            (Health.GOOD, "bon" if count[Health.GOOD] == 1 else "bons"),
            (Health.DOUBT, "avec un doute"),
            (Health.BAD, "en rouge"),
            (Health.SILENT, "sans réponse"),
            (Health.UNTRIED, "non essayé" if count[Health.UNTRIED] == 1 else "non essayés"),
        )
        if count[health]
    ]
    return f"{counted(len(found), 'élément')} du fichier du parc : {', '.join(parts)}."


def doctor_document(found: Sequence[Diagnosis], at: datetime) -> dict[str, object]:
    """Return everything as JSON values; amounts are decimal texts without VAT."""
    return {
        "at": at.isoformat(),
        "good": all_good(found),
        "things": [
            {
                "section": each.thing.section,
                "name": each.thing.name,
                "part": each.thing.part,
                "state": str(each.health),
                "who": each.who,
                "may": each.may,
                "missing": each.missing,
                "doubts": each.doubts,
                "costs": [_cost(cost) for cost in each.costs],
                "hint": each.hint,
            }
            for each in found
        ],
    }


def _cost(cost: Costing) -> dict[str, object]:
    return {
        "about": cost.about,
        "hour": None if cost.hour is None else str(cost.hour),
        "month": None if cost.month is None else str(cost.month.quantize(CENT, ROUND_HALF_UP)),
        "currency": cost.currency,
        "per_tb": cost.per_tb,
        "read_on": cost.read_on.isoformat() if cost.read_on else None,
        "drill": cost.drill,
    }


def _short(costs: Sequence[Costing]) -> str:
    """Return the first offer's price; the others are told below the table."""
    if not costs:
        return NOTHING
    first, more = costs[0], " …" if len(costs) > 1 else ""
    if first.month is None:
        return f"inconnu{more}"
    if first.per_tb:
        return f"{amount_text((first.month, first.month), first.currency)}/To{more}"
    if not first.month:
        return f"0{more}"
    month = amount_text((first.month, first.month), first.currency)
    return f"{_hour(first.hour)} · {month}{more}"


def _long(cost: Costing) -> str:
    if cost.month is None:
        return "prix inconnu"
    month = amount_text((cost.month, cost.month), cost.currency)
    if cost.per_tb:
        return f"{month} par To et par mois"
    if not cost.month:
        return "rien"
    return f"{_hour(cost.hour)} {SIGNS.get(cost.currency, cost.currency)} l'heure, {month} par mois"


def _hour(hour: Decimal | None) -> str:
    return f"{hour or Decimal(0):.4f}".rstrip("0").rstrip(".").replace(".", ",")
