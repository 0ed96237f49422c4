"""The agency's readiness as one HTML file without outside parts (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from jinja2 import Environment, StrictUndefined

from flows.decisions.readiness import State
from flows.reports.page_style import STYLE
from flows.reports.readiness_text import check_row, rows
from flows.reports.wording import counted, moment

_COLUMNS = {"Perte possible": "archive", "Dernier exercice": "exercice", "Preuve": "preuve"}
"""What the table of sites says of their server, each from the check of this name."""

_PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Prêt à reprendre ? {{ summary }}</title>
<meta name="viewport" content="width=device-width"><style>{{ style|safe }}
 body{max-width:80rem} td:first-child{white-space:nowrap} .warning{color:#8a5a00}
</style></head><body>
<h1>Prêt à reprendre ? <span class="state {{ 'good' if ready else 'bad' }}">{{ summary }}</span></h1>
<table><tr><th>Site</th><th>Serveur</th><th>Promesse</th><th>Note</th><th>État</th>
{% for each in columns %}<th>{{ each }}</th>{% endfor %}</tr>
{% for site in sites %}<tr><td>{{ site.title }}</td><td>{{ site.server }}</td><td>{{ site.tier }}</td>
<td>{{ site.score }} %</td>
<td class="{{ '' if site.ready else 'no' }}">{{ 'prêt' if site.ready else 'PAS PRÊT' }}</td>
{% for each in columns %}<td><small>{{ site.said[each] }}</small></td>{% endfor %}</tr>
{% endfor %}</table>
{% for server in servers %}<h2>{{ server.name }}</h2><p>Contrôlé le {{ server.at }}.</p>
<table><tr><th></th><th>Contrôle</th><th>Site</th><th>Constat</th><th>À faire</th></tr>
{% for state, row in server.checks %}<tr>
<td class="{{ 'no' if state in bad else state }}">{{ row[0] }}</td>
{% for cell in row[1:4] %}<td>{{ cell }}</td>{% endfor %}
<td>{% if row[4] %}<code>{{ row[4] }}</code>{% endif %}</td></tr>{% endfor %}</table>
{% endfor %}</body></html>
"""


def readiness_html(documents: Sequence[Mapping[str, object]]) -> str:
    """Return the page; `documents` are those of `readiness_document`, one for each server."""
    sites = [row for document in documents for row in _sites(document)]
    late = sum(not site["ready"] for site in sites)
    ready = bool(sites) and not late
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    return page.render(
        style=STYLE,
        ready=ready,
        summary=_summary(len(sites), late),
        columns=list(_COLUMNS),
        sites=sites,
        servers=[_server(document) for document in documents],
        bad=(State.FAILED, State.UNKNOWN),
    )


def _summary(sites: int, late: int) -> str:
    if not sites:
        return "aucun site"
    if late:
        return f"{counted(late, 'site')} sur {sites} pas {'prêts' if late > 1 else 'prêt'}"
    return f"{counted(sites, 'site')} {'prêts' if sites > 1 else 'prêt'}"


def _sites(document: Mapping[str, object]) -> list[dict[str, object]]:
    seen = {str(each["about"]): str(each["seen"]) for each in rows(document, "checks")}
    said = {title: seen.get(about, "inconnu") for title, about in _COLUMNS.items()}
    return [
        {**each, "server": document["server"], "said": said} for each in rows(document, "sites")
    ]


def _server(document: Mapping[str, object]) -> dict[str, object]:
    return {
        "name": document["server"],
        "at": moment(datetime.fromisoformat(str(document["at"]))),
        "checks": [(each["state"], check_row(each)) for each in rows(document, "checks")],
    }
