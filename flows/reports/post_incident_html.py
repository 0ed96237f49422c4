"""The report of an incident as one HTML file without outside parts, made to be printed (French)."""

from __future__ import annotations

from jinja2 import Environment, StrictUndefined

from blocks.records import StepState
from flows.decisions.aftermath import Aftermath
from flows.decisions.verdict import Verdict
from flows.reports.incident_facts import (
    KEPT,
    REGISTER,
    UNPRICED,
    change_rows,
    clock_part,
    clock_text,
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
from flows.reports.outcome_report import STATES
from flows.reports.page_style import STYLE
from flows.reports.timeline_svg import timeline_pictures
from flows.reports.wording import moment

# What stands between backquotes is something to type.
_PAGE = """{% macro text(said) %}{% for part in said.split('`') %}\
{% if loop.index is even %}<code>{{ part }}</code>{% else %}{{ part }}{% endif %}{% endfor %}{% endmacro %}\
<!doctype html>
<html lang="fr"><head><meta charset="utf-8">
<title>Rapport d'incident : {{ server }}, {{ verdict }}</title>
<meta name="viewport" content="width=device-width"><style>{{ style|safe }}
 body{max-width:68rem} h2{margin:2rem 0 .3rem;break-after:avoid} tr,svg,.clock{break-inside:avoid}
 td{overflow-wrap:anywhere} .steps{font-size:.85rem} .steps td:first-child{white-space:nowrap}
 table.keep{break-inside:avoid}
 .keep th,.keep td:first-child{white-space:nowrap} .open{color:#8a5a00}
 .clock{border:1px solid #d5dbe5;border-radius:.6rem;padding:.7rem 1rem;margin:1rem 0}
 .clock b{font-size:1.2rem} .clock.late b{color:#b3261e}
 .run{height:.8rem;background:#eef1f6;border-radius:.4rem;overflow:hidden;margin:.5rem 0 .2rem}
 .run i{display:block;height:100%;background:#e07b00} .late .run i{background:#b3261e}
 .picture{margin:.7rem 0 1rem}
 @media print{body{font-size:11px;margin:0;max-width:none} .steps{font-size:9px} td,th{padding:.2rem .4rem} h2{margin-top:1.2rem}}
</style></head><body>
<h1>Rapport d'incident : {{ server }} <span class="state {{ 'good' if good else 'bad' }}">{{ verdict }}</span></h1>
<p><strong>{{ summary }}</strong></p>
<p><small>Incident <code>{{ incident }}</code>, rapport écrit le {{ written }}.</small></p>
<h2>Promesses et résultat</h2>
<table><tr><th>Site</th><th>Promesse</th><th>Hors ligne ou perdu</th><th></th></tr>
{% for row in promises %}<tr>{% for cell in row[:3] %}<td>{{ cell }}</td>{% endfor %}
<td class="{{ 'no' if row[3] == broken }}">{{ row[3] }}</td></tr>{% endfor %}</table>
<h2>Décisions</h2>
<ul>{% for each in decisions %}<li>{{ text(each) }}</li>{% endfor %}</ul>
<h2>Déroulement</h2>
{% for each in pictures %}<div class="picture">{{ each|safe }}</div>{% endfor %}
{% if marks %}<ol>{% for each in marks %}<li>{{ each }}</li>{% endfor %}</ol>{% endif %}
<h2>Coût, hors taxes</h2>
{% if costs is none %}<p>{{ text(unpriced) }}.</p>{% else %}
<table class="keep"><tr><th></th><th>Quantité</th><th>Montant</th><th>Source</th></tr>
{% for row in costs %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}
<tr><td><strong>total</strong></td><td></td><td><strong>{{ total }}</strong></td><td></td></tr></table>{% endif %}
<h2>À changer</h2>
{% if changes %}<table><tr><th>N°</th><th>Constat</th><th>Responsable</th><th>Pour le</th></tr>
{% for row in changes %}<tr><td>{{ row[0] }}</td><td>{{ text(row[1]) }}</td>
{% for cell in row[2:] %}<td class="{{ 'open' if cell.startswith('à ') }}">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>{% else %}<p>Rien n'est ressorti du journal.</p>{% endif %}
<h2>Fiche RGPD : violation de disponibilité</h2>
<p>{{ register_note }}</p>
<div class="clock {{ 'late' if part >= 1 }}"><b>CNIL : {{ clock }}</b>
<div class="run"><i style="width:{{ (part * 100)|round(1) }}%"></i></div>
<small>De {{ known }} à {{ until }}. À l'heure où ce rapport est écrit.</small></div>
<table>{% for name, value in register %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}</table>
<h2>Journal des étapes</h2>
<table class="steps"><tr><th>Heure</th><th>Étape</th><th></th><th>Durée</th><th>Détail</th></tr>
{% for row in steps %}<tr>{% for cell in row %}<td class="{{ 'no' if cell == failed }}">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
</body></html>
"""


def post_incident_html(facts: Aftermath) -> str:
    """Return the page."""
    report, breach = facts.report, facts.breach
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    return page.render(
        style=STYLE,
        server=report["server"],
        verdict=verdict_text(facts),
        good=report.get("verdict") == Verdict.RECOVERED,
        summary=report["summary"],
        incident=report["incident"],
        written=moment(facts.written_at),
        promises=[*promise_rows(facts), loss_row(facts)],
        broken=KEPT[False],
        decisions=decision_lines(facts),
        pictures=timeline_pictures(facts.timeline),
        marks=mark_lines(facts),
        costs=None if facts.spent is None else [cost_rows(each) for each in facts.spent],
        total="" if facts.spent is None else totals_text(facts.spent),
        unpriced=f"{UNPRICED[0].upper()}{UNPRICED[1:]}",
        changes=change_rows(facts),
        register_note=REGISTER,
        clock=clock_text(breach, facts.written_at),
        part=clock_part(breach, facts.written_at),
        known=moment(breach.known_at),
        until=moment(breach.notify_by),
        register=register_rows(facts),
        steps=step_rows(facts),
        failed=STATES[StepState.FAILED],
    )
