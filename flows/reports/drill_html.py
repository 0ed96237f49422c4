"""A drill as one HTML file without outside parts: figures, trend, pictures before and after."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from jinja2 import Environment, StrictUndefined

from flows.decisions.trend import Practice, Targets
from flows.decisions.verdict import Verdict
from flows.reports.drill_report import part, picture_text, sites_of
from flows.reports.page_style import STYLE
from flows.reports.trend_svg import promise
from flows.reports.trend_text import trend_pictures
from flows.reports.wording import VERDICTS, duration, moment

Pictures = Mapping[str, tuple[bytes, bytes]]
"""By site: in production and on the drill machine; empty where there is none."""

_PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Exercice de reprise de {{ d.server }}</title>
<meta name="viewport" content="width=device-width">
<style>{{ style|safe }}
 .figures{display:flex;gap:1rem;flex-wrap:wrap;margin:1.5rem 0}
 .figure{flex:1 1 10rem;border:1px solid #d5dbe5;border-radius:.6rem;padding:.7rem 1rem}
 .figure b{display:block;font-size:1.7rem;line-height:1.3} .figure span{color:#5a6577}
 .figure.over b{color:#b3261e} section{break-inside:avoid;margin:1.5rem 0 2rem}
 .pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem} figure{margin:0}
 figure img,.none{width:100%;box-sizing:border-box;border:1px solid #d5dbe5;border-radius:.4rem;display:block}
 .none{padding:4rem 1rem;text-align:center;color:#5a6577} figcaption{color:#5a6577;margin-bottom:.3rem}
 h3{margin-bottom:.2rem} svg{display:block;margin:1rem 0}
</style></head><body>
<h1>Exercice de reprise de {{ d.server }}
<span class="state {{ 'good' if green else 'bad' }}">{{ verdict }}</span></h1>
<p><strong>{{ d.summary }}</strong></p>
<p>Exercice <code>{{ d.incident }}</code> du {{ at(d.down_since) }}, jeu <code>{{ d.recovery_set }}</code>.
La machine d'exercice a été détruite.</p>
<div class="figures">{% for each in figures %}
 <div class="figure{{ ' over' if each.over }}"><b>{{ each.value }}</b><span>{{ each.name }}</span></div>{% endfor %}
</div>
<p>Coût : {{ cost }}.</p>
{% for title, listed in lists %}<h2>{{ title }}</h2><ul>{% for each in listed %}<li>{{ each }}</li>{% endfor %}</ul>
{% endfor %}
<h2>Exercices passés</h2>
{{ rto|safe }}{{ rpo|safe }}
<p><small>Point plein : tout a été prouvé. Cercle vide : une partie seulement. Croix : rien n'est revenu, ou rien n'a pu
être mesuré. Rouge : hors objectif. L'échelle est logarithmique.</small></p>
<h2>Sites, avant et après</h2>
{% for site in sites %}<section><h3>{{ site.title }}
<span class="state {{ 'good' if site.proven else 'bad' }}">{{ 'prouvé' if site.proven else 'NON prouvé' }}</span></h3>
<p>{{ site.observed }}<br>Liens et connexion : {{ site.links }}<br>Première page : {{ site.score }}</p>
<div class="pair">{% for name, picture in site.pictures %}
<figure><figcaption>{{ name }}</figcaption>{% if picture %}<img alt="{{ site.title }}, {{ name }}" src="{{ picture }}">
{% else %}<div class="none">pas de capture</div>{% endif %}</figure>{% endfor %}</div></section>
{% endfor %}</body></html>
"""


def drill_html(
    document: Mapping[str, object],
    known: Sequence[Practice],
    targets: Targets,
    pictures: Pictures,
) -> str:
    """Return the page.

    Args:
        document: The drill's report.
        known: All drills of the server so far, this one among them, oldest first.
        targets: What was promised.
        pictures: What was kept of them.
    """
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    verdict = Verdict(str(document["verdict"]))
    rto, rpo = trend_pictures(known, targets)
    return page.render(
        style=STYLE,
        d=document,
        verdict=VERDICTS[verdict],
        green=verdict is Verdict.RECOVERED,
        at=lambda text: moment(datetime.fromisoformat(str(text))),
        figures=_figures(document, targets),
        cost=part(document, "cost").get("text") or "inconnu",
        lists=_lists(document),
        rto=rto,
        rpo=rpo,
        sites=[_site(document, each, pictures) for each in sites_of(document)],
    )


def _figures(document: Mapping[str, object], targets: Targets) -> list[dict[str, object]]:
    measured = (
        ("durée de reprise", "rto_seconds", targets.rto),
        ("de données perdues", "rpo_seconds", targets.rpo),
    )
    found: list[dict[str, object]] = []
    for name, key, target in measured:
        seconds = document[key]
        span = timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
        over = span is None or span > target
        told = f"{name} (objectif : {promise(target)})"
        found.append({"name": told, "value": duration(span), "over": over})
    return found


def _lists(document: Mapping[str, object]) -> list[tuple[str, list[object]]]:
    named = (("problems", "Ce qui manque"), ("to_check", "À vérifier"))
    listed = [(title, document[key]) for key, title in named]
    return [(title, each) for title, each in listed if isinstance(each, list) and each]


def _site(
    document: Mapping[str, object], site: Mapping[str, object], pictures: Pictures
) -> dict[str, object]:
    name = str(site["name"])
    found = part(document, "pictures").get(name)
    before, after = pictures.get(name, (b"", b""))
    return {
        "title": site["title"],
        "proven": site["proven"],
        "observed": site["observed"],
        "links": part(document, "links").get(name, "pas contrôlés"),
        "score": picture_text(found if isinstance(found, Mapping) else None),
        "pictures": (("En production", _data(before)), ("Sur la machine d'exercice", _data(after))),
    }


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}" if png else ""
