"""The agency's readiness as one HTML file without outside parts (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from jinja2 import Environment, StrictUndefined

from flows.decisions.readiness import State
from flows.reports.page_style import STYLE
from flows.reports.readiness_figures import TITLES, figures
from flows.reports.readiness_text import check_row, rows
from flows.reports.wording import counted, moment

COMMANDS = ("continuity ", "prefect ")
"""How a hint begins that can be typed as it is."""
URGENCY = (State.FAILED, State.UNKNOWN, State.WARNING, State.READY)

_PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Prêt à reprendre ? {{ summary }}</title>
<meta name="viewport" content="width=device-width"><style>{{ style|safe }}
 body{max-width:84rem} td.figure,td.state-word{white-space:nowrap} td:first-child{white-space:nowrap} .warning{color:#8a5a00}
 td.cell{white-space:normal;overflow-wrap:anywhere} td.seen{min-width:20rem}
 td code{overflow-wrap:anywhere} tr.late{background:#fdf3f2} summary{cursor:pointer;color:#5a6577}
 .ok{color:#1a7f4b}
</style></head><body>
<h1>Prêt à reprendre ? <span class="state {{ 'good' if ready else 'bad' }}">{{ summary }}</span></h1>
<p><small>La note est la part des contrôles réussis, du site et de son serveur. Un seul échec, ou un
seul contrôle impossible, suffit pour n'être « pas prêt ». RTO : indisponibilité, mesurée par
le dernier exercice jusqu'au dernier site du serveur. RPO : données qui seraient perdues à l'instant du contrôle.</small></p>
<table><tr><th>Site</th><th>Serveur</th><th>Palier</th><th>Note</th><th>État</th>
{% for each in titles %}<th>{{ each }}</th>{% endfor %}</tr>
{% for site in sites %}<tr class="{{ '' if site.ready else 'late' }}">
<td class="cell">{{ site.title }}</td><td>{{ site.server }}</td><td>{{ site.tier }}</td>
<td>{{ site.score }} %</td>
<td class="state-word {{ 'ok' if site.ready else 'no' }}">{{ 'prêt' if site.ready else 'PAS PRÊT' }}</td>
{% for text, kept in site.figures %}<td class="{{ 'figure' if kept else 'figure no' }}">{{ text }}</td>{% endfor %}
</tr>
{% endfor %}</table>
{% macro table(checks) %}
<table><tr><th></th><th>Contrôle</th><th>Site</th><th>Constat</th><th>À faire</th></tr>
{% for state, row in checks %}<tr>
<td class="{{ 'no' if state in bad else state }}">{{ row[0] }}</td>
<td>{{ row[1] }}</td><td>{{ row[2] }}</td><td class="seen">{{ row[3] }}</td>
<td>{% if row[4].startswith(commands) %}<code>{{ row[4] }}</code>{% else %}{{ row[4] }}{% endif %}</td></tr>{% endfor %}</table>
{% endmacro %}
{% for server in servers %}<h2>{{ server.name }}</h2><p>Contrôlé le {{ server.at }}.</p>
{% if server.todo %}{{ table(server.todo) }}{% else %}<p class="ok">Rien à faire.</p>{% endif %}
<details><summary>Les {{ server.checks|length }} contrôles de {{ server.name }}</summary>
{{ table(server.checks) }}</details>
{% endfor %}</body></html>
"""


def readiness_html(documents: Sequence[Mapping[str, object]]) -> str:
    """Return the page; `documents` are those of `readiness_document`, one for each server."""
    found = [row for document in documents for row in _sites(document)]
    sites = sorted(found, key=lambda site: bool(site["ready"]))
    late = sum(not site["ready"] for site in sites)
    ready = bool(sites) and not late
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    return page.render(
        style=STYLE,
        ready=ready,
        summary=_summary(len(sites), late),
        titles=TITLES,
        sites=sites,
        servers=[_server(document) for document in documents],
        bad=(State.FAILED, State.UNKNOWN),
        commands=COMMANDS,
    )


def _summary(sites: int, late: int) -> str:
    if not sites:
        return "aucun site"
    if late:
        return f"{counted(late, 'site')} sur {sites} pas {'prêts' if late > 1 else 'prêt'}"
    return f"{counted(sites, 'site')} {'prêts' if sites > 1 else 'prêt'}"


def _sites(document: Mapping[str, object]) -> list[dict[str, object]]:
    found = rows(document, "sites")
    return [{**each, "server": document["server"], "figures": figures(each)} for each in found]


def _server(document: Mapping[str, object]) -> dict[str, object]:
    checks = [(State(str(each["state"])), check_row(each)) for each in rows(document, "checks")]
    ordered = sorted(checks, key=lambda check: URGENCY.index(check[0]))
    return {
        "name": document["server"],
        "at": moment(datetime.fromisoformat(str(document["at"]))),
        "todo": [each for each in ordered if each[0] is not State.READY],
        "checks": checks,
    }
