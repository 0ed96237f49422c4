"""The report of a recovery as one HTML file without outside parts (French)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from jinja2 import Environment, StrictUndefined

from flows.decisions.verdict import Verdict
from flows.reports.page_style import STYLE
from flows.reports.wording import VERDICTS, duration, moment, step_title

# What stands between backquotes is something to type.
_PAGE = """{% macro text(said) %}{% for part in said.split('`') %}\
{% if loop.index is even %}<code>{{ part }}</code>{% else %}{{ part }}{% endif %}{% endfor %}{% endmacro %}\
<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>{{ d.server }} : {{ verdict }}</title>
<meta name="viewport" content="width=device-width">
<style>{{ style|safe }}
 .figures{display:flex;gap:1rem;flex-wrap:wrap;margin:1.5rem 0}
 .figure{flex:1 1 10rem;border:1px solid #d5dbe5;border-radius:.6rem;padding:.7rem 1rem}
 .figure b{display:block;font-size:1.7rem;line-height:1.3} .figure span{color:#5a6577}
 .bar{position:relative;height:.8rem;background:#eef1f6;border-radius:.4rem;min-width:14rem}
 .bar i{position:absolute;top:0;bottom:0;border-radius:.4rem;background:#2f6fde;min-width:2px}
 .failed i{background:#b3261e}
</style></head><body>
<h1>{{ d.server }} <span class="state {{ 'good' if green else 'bad' }}">{{ verdict }}</span></h1>
<p><strong>{{ d.summary }}</strong></p>
<p>Incident <code>{{ d.incident }}</code>, jeu <code>{{ d.recovery_set }}</code>,
plan <code>{{ d.plan_digest }}</code> approuvé par {{ d.approved_by }}.</p>
<div class="figures">
 <div class="figure"><b>{{ span(d.rto_seconds) }}</b><span>de la panne au dernier site prouvé</span></div>
 <div class="figure"><b>{{ span(d.rpo_seconds) }}</b><span>de données perdues</span></div>
 {% for name, value in extra.items() %}
 <div class="figure"><b>{{ value }}</b><span>{{ name }}</span></div>{% endfor %}
</div>
<p>En panne depuis {{ at(d.down_since) }}. Données restaurées au {{ at(d.data_as_of) }}.</p>
<h2>Sites</h2>
<table><tr><th>Site</th><th>Prouvé</th><th>Hors ligne</th><th>Données perdues</th><th>Constat</th></tr>
{% for site in d.sites %}<tr><td>{{ site.title }}</td>
<td class="{{ '' if site.proven else 'no' }}">{{ 'oui' if site.proven else 'NON' }}</td>
<td>{{ span(site.down_seconds) }}</td><td>{{ span(d.rpo_seconds) }}</td><td>{{ site.observed }}</td></tr>
{% endfor %}</table>
{% if d.problems %}<h2>Ce qui manque</h2><ul>{% for each in d.problems %}<li>{{ text(each) }}</li>{% endfor %}</ul>
{% endif %}{% if d.to_do %}<h2>À faire</h2>
<ol>{% for each in d.to_do %}<li>{{ text(each) }}</li>{% endfor %}</ol>
{% endif %}{% if d.to_check %}<h2>À vérifier</h2>
<ul>{% for each in d.to_check %}<li>{{ text(each) }}</li>{% endfor %}</ul>
{% endif %}<h2>Étapes</h2>
<table><tr><th>Étape</th><th>Durée</th><th></th><th>Détail</th></tr>
{% for step in steps %}<tr><td>{{ step.title }}</td><td>{{ step.spent }}</td>
<td><div class="bar {{ step.state }}"><i style="left:{{ step.left }}%;width:{{ step.width }}%"></i></div></td>
<td><small>{{ step.detail }}</small></td></tr>{% endfor %}</table>
</body></html>
"""


def outcome_html(document: Mapping[str, object], extra: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        document: What `outcome_document` returned.
        extra: Further figures to show on top, by their name.
    """
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    verdict = Verdict(str(document["verdict"]))
    return page.render(
        style=STYLE,
        d=document,
        verdict=VERDICTS[verdict],
        green=verdict is Verdict.RECOVERED,
        extra=extra,
        steps=_steps(document),
        span=lambda s: duration(timedelta(seconds=s)) if s is not None else duration(None),
        at=lambda text: moment(datetime.fromisoformat(text)) if text else moment(None),
    )


def _steps(document: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the steps as bars on one time axis, in percent."""
    listed = document["steps"]
    rows = [dict(each) for each in listed] if isinstance(listed, list) else []
    if not rows:
        return []
    starts = [datetime.fromisoformat(str(row["started_at"])) for row in rows]
    spans = [timedelta(seconds=float(row["seconds"] or 0)) for row in rows]
    first = min(starts)
    whole = max(
        (start + span - first for start, span in zip(starts, spans, strict=True)),
        default=timedelta(seconds=1),
    )
    total = max(whole.total_seconds(), 0.001)
    return [
        {
            "title": step_title(str(row["step"])),
            "spent": duration(span),
            "state": row["state"],
            "left": round((start - first).total_seconds() / total * 100, 2),
            "width": round(span.total_seconds() / total * 100, 2),
            "detail": " ; ".join(str(row[key]) for key in ("saw", "did", "why") if row[key]),
        }
        for row, start, span in zip(rows, starts, spans, strict=True)
    ]
