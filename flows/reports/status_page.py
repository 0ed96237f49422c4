"""The public status page as one HTML file without outside parts."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from blocks.types.clients import Language, Severity, StatusIncident
from flows.reports.client_texts import when
from flows.reports.page_style import STYLE

_WORDS = {
    Language.FRENCH: {
        "title": "État des services", "well": "Tout fonctionne", "now": "Incident en cours",
        "past": "Incidents passés", "none": "Aucun incident passé.", "sites": "Sites concernés",
        "since": "Depuis le", "from": "Du", "to": "au", "closed": "clos",
        Severity.DOWN: "sites hors ligne", Severity.DISRUPTED: "perturbations",
        Severity.NOTICE: "sites revenus, surveillance",
    },
    Language.ENGLISH: {
        "title": "Service status", "well": "All systems work", "now": "Incident in progress",
        "past": "Past incidents", "none": "No past incident.", "sites": "Sites concerned",
        "since": "Since", "from": "From", "to": "to", "closed": "closed",
        Severity.DOWN: "sites down", Severity.DISRUPTED: "disruptions",
        Severity.NOTICE: "sites back, under watch",
    },
}  # fmt: skip

_PAGE = """<!doctype html>
<html lang="{{ language }}"><head><meta charset="utf-8"><title>{{ words.title }} — {{ agency }}</title>
<meta name="viewport" content="width=device-width"><style>{{ style|safe }}
 body{max-width:46rem} .some{background:#8a5a00} article{border:1px solid #e4e8ef;border-radius:.6rem;
 padding:1rem 1.3rem;margin:1rem 0} article h3{margin:0 0 .3rem} article p{margin:.8rem 0}
 article time{color:#5a6577;font-size:.9rem;display:block}
</style></head><body>
<h1>{{ words.title }}</h1><p>{{ agency }}</p>
<p><span class="state {{ 'bad' if now else 'good' }}">{{ words.now if now else words.well }}</span></p>
{% for each in now %}{{ incident(each) }}{% endfor %}
<h2>{{ words.past }}</h2>
{% for each in past %}{{ incident(each) }}{% else %}<p>{{ words.none }}</p>{% endfor %}
</body></html>
"""

_INCIDENT = """<article><h3>{{ each.title }} <span class="state {{ colour }}">{{ state }}</span></h3>
<small>{{ period }}</small>
{% if each.affected %}<p><strong>{{ words.sites }}</strong>{{ ' : ' if language == 'fr' else ': ' }}{{ each.affected|join(', ') }}</p>{% endif %}
{% for said in each.paragraphs %}<p>{% if said.at %}<time datetime="{{ said.at.isoformat() }}">\
{{ when(said.at, language) }}</time>{% endif %}
{% if said.heading %}<strong>{{ said.heading }}.</strong> {% endif %}{{ said.text }}</p>
{% endfor %}</article>
"""
_COLOURS = {Severity.DOWN: "bad", Severity.DISRUPTED: "some", Severity.NOTICE: "some"}


def status_html(found: Sequence[StatusIncident], agency: str, language: Language) -> str:
    """Return the page of all incidents, newest first."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    words = _WORDS[language]
    part = environment.from_string(_INCIDENT)

    def incident(each: StatusIncident) -> Markup:
        colour = "good" if each.resolved else _COLOURS[each.severity]
        state = words["closed"] if each.resolved else words[each.severity]
        made = part.render(
            each=each, colour=colour, state=state, words=words, when=when, language=language,
            period=_period(each, language),
        )  # fmt: skip
        return Markup(made)  # noqa: S704 - rendered with escaping just above

    return environment.from_string(_PAGE).render(
        style=STYLE,
        language=language.value,
        agency=agency,
        words=words,
        incident=incident,
        now=[each for each in found if not each.resolved],
        past=[each for each in found if each.resolved],
    )


def _period(each: StatusIncident, language: Language) -> str:
    words, began = _WORDS[language], when(each.began_at, language)
    if each.resolved_at is None:
        return f"{words['since']} {began}"
    return f"{words['from']} {began} {words['to']} {when(each.resolved_at, language)}"
