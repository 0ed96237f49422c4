"""What continuity costs as tables, for a terminal, Markdown and one HTML file (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jinja2 import Environment, StrictUndefined

from flows.reports.cost_text import amount_text, source_text, total_text
from flows.reports.page_style import STYLE
from flows.reports.readiness_text import rows
from flows.reports.wording import counted

TITLE = "Ce que coûte la continuité, hors taxes"
NO_PROVIDER = (
    "Aucun prix n'est lu en direct : avec --data, ou sans hébergeur à API dans le parc, "
    "aucun n'est interrogé"
)
DATED = (
    "Chaque autre prix vient de prices.yaml, avec sa source et le jour où il a été lu ; au-delà de "
    "90 jours il est dit ANCIEN. Euros et dollars ne sont jamais additionnés."
)


def live_text(document: Mapping[str, object]) -> str:
    """Say which prices were read from providers just now, and which provider gave none."""
    live = document["live"]
    if not isinstance(live, Mapping):
        raise TypeError("what was asked live is a mapping")
    told, silent = [list(map(str, live[name])) for name in ("told", "silent")]
    parts = [f"Prix des machines lus à l'instant chez {', '.join(told)}" if told else NO_PROVIDER]
    return ". ".join([*(parts if told or not silent else []), *silent, DATED])


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table; `sum` is one that the lines below it make up."""

    cells: tuple[str, ...]
    sum: bool = False


Table = tuple[str, tuple[str, ...], Sequence[Line]]


def cost_tables(document: Mapping[str, object]) -> tuple[Table, ...]:
    """Return title, heads and lines of each table, from what `cost_document` returned."""
    return (
        (TITLE, ("", "Montant", "Offre", "Source"), _estimates(document)),
        (
            "À côté des chiffres de l'étude de continuité",
            ("", "Étude", "Ici", "Remarque"),
            [_beside(each) for each in rows(document, "study")],
        ),
        (
            "Toutes les offres, par mois",
            ("Offre", "Par mois", "Source", "Remarque"),
            [_offer(each) for each in rows(document, "offers")],
        ),
    )


def basis_text(document: Mapping[str, object]) -> str:
    """Say what the estimate was made for."""
    need = document["need"]
    if not isinstance(need, Mapping):
        raise TypeError("the need is a mapping")
    servers = counted(int(str(need["servers"])), "serveur")
    return (
        f"Calculé le {date.fromisoformat(str(document['at'])):%d/%m/%Y} pour {servers}, le plus "
        f"grand avec {_gb(need['largest_gb'])} de données ; par dépôt {_gb(need['stored_gb'])} "
        f"(--stored), dont {_gb(need['written_gb_per_day'])} neufs par jour ; par machine "
        f"{_gb(need['disk_gb'])} de disque. Minimums des stockages compris (Wasabi : 1 To et "
        "90 jours, même pour moins)."
    )


def cost_markdown(document: Mapping[str, object]) -> str:
    """Return the estimate as Markdown."""
    lines = [f"# {TITLE}", "", basis_text(document), "", live_text(document)]
    for title, heads, table in cost_tables(document):
        lines += [""] if title == TITLE else ["", f"## {title}", ""]
        lines += [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        lines += [f"| {' | '.join(_cells(each))} |" for each in table]
    return "\n".join(lines) + "\n"


_PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width"><style>{{ style|safe }}
 td:first-child{white-space:nowrap} tr.part td:first-child{padding-left:1.8rem} tr{break-inside:avoid}
 tr.sum td{font-weight:700;border-top:2px solid #d5dbe5} td:nth-child(2){white-space:nowrap}
 @media print{body{font-size:11px;margin:0;max-width:none}}
</style></head><body><h1>{{ title }}</h1><p>{{ basis }}</p><p><small>{{ live }}</small></p>
{% for name, heads, lines in tables %}{% if name != title %}<h2>{{ name }}</h2>{% endif %}
<table><tr>{% for each in heads %}<th>{{ each }}</th>{% endfor %}</tr>
{% for line in lines %}<tr class="{{ 'sum' if line.sum else 'part' if line.cells[0].startswith(' ') }}">
{% for cell in line.cells %}<td class="{{ 'no' if '(ANCIEN)' in cell }}">{{ cell.strip() }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}</body></html>
"""


def cost_html(document: Mapping[str, object]) -> str:
    """Return the estimate as one HTML file without outside parts."""
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    return page.render(
        style=STYLE,
        title=TITLE,
        basis=basis_text(document),
        live=live_text(document),
        tables=cost_tables(document),
    )


def _estimates(document: Mapping[str, object]) -> list[Line]:
    found = []
    for each in rows(document, "estimates"):
        found.append(Line((str(each["title"]), total_text(each), "", ""), sum=True))
        for line in rows(each, "lines"):
            cells = f"  {line['what']}", _amount(line), str(line["offer"]), source_text(line)
            found.append(Line(cells))
    return found


def _beside(each: Mapping[str, object]) -> Line:
    study = amount_text((Decimal(str(each["low"])), Decimal(str(each["high"]))), "EUR")
    ours = each["ours"]
    said = total_text(ours) if isinstance(ours, Mapping) else "—"
    title = str(each["title"])
    return Line((f"  {title}" if title.startswith("dont ") else title, study, said,
                 str(each["note"])))  # fmt: skip


def _offer(each: Mapping[str, object]) -> Line:
    month = Decimal(str(each["month"]))
    said = amount_text((month, month), str(each["currency"]))
    return Line((str(each["offer"]), said, source_text(each), str(each["note"])))


def _cells(line: Line) -> list[str]:
    cells = [each.strip().replace("|", "/") for each in line.cells]
    return [f"**{each}**" if line.sum and each else each for each in cells]


def _amount(line: Mapping[str, object]) -> str:
    amount = line["amount"]
    if not isinstance(amount, list):
        return "prix inconnu"
    return amount_text((Decimal(amount[0]), Decimal(amount[1])), str(line["currency"]))


def _gb(text: object) -> str:
    return f"{Decimal(str(text)):.1f} Go".replace(".", ",")
