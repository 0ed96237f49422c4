"""The recovery document as one HTML file without outside parts, to read and to print (French)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from jinja2 import Environment, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token

from flows.decisions.pra import Pra
from flows.reports.calendar_text import day
from flows.reports.page_style import STYLE

_CHAPTER = re.compile(r"(\d+)\. ")
_BOX = re.compile(r"<li>(<p>)?\[ \] ")

_PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Plan de reprise d'activité : {{ agency }}</title>
<meta name="viewport" content="width=device-width"><style>{{ style|safe }}
 h1{font-size:2rem} h2{margin-top:2.5rem;border-bottom:2px solid #1d2430;padding-bottom:.2rem} h3{margin-top:1.8rem}
 h4{margin:1.2rem 0 .3rem} td{overflow-wrap:anywhere} th,td:first-child{overflow-wrap:normal} td strong{white-space:normal}
 pre{background:#f5f7fa;border:1px solid #e4e8ef;border-radius:.4rem;padding:.7rem;font:13px/1.45 ui-monospace,monospace;
 white-space:pre-wrap;overflow-wrap:anywhere} pre code{background:none;padding:0}
 nav{background:#f5f7fa;border-radius:.5rem;padding:.5rem 1.5rem;columns:2} nav ol{list-style:none;margin:0;padding:0}
 nav li{break-inside:avoid;padding:.15rem 0} a{color:#1d4ed8;text-decoration:none}
 ul.checks{list-style:none;padding-left:0} ul.checks>li{padding-left:1.9rem;text-indent:-1.9rem;margin:.35rem 0}
 ul.checks>li>*{text-indent:0} .box{display:inline-block;width:1rem;height:1rem;border:1.5px solid #5a6577;border-radius:.2rem;
 margin-right:.75rem;vertical-align:-.15rem;text-indent:0}
 @page{size:A4;margin:20mm 16mm 18mm;@top-left{content:"{{ running|safe }}";font:9px sans-serif;color:#5a6577}
 @top-right{content:"empreinte {{ digest }}";font:9px monospace;color:#5a6577}
 @bottom-left{content:"Ne contient aucun secret";font:9px sans-serif;color:#5a6577}}
 @media print{body{font-size:12px;max-width:none;margin:0;padding:0} h1{font-size:22px} nav{columns:1}
 h2{break-before:page;margin-top:0} h2,h3,h4{break-after:avoid} tr,li{break-inside:avoid}
 p:has(+table),p:has(+pre){break-after:avoid} pre{font-size:10px;break-inside:avoid} thead{display:table-header-group} a{color:inherit}
 .state{-webkit-print-color-adjust:exact}}
</style></head><body>
{{ title|safe }}
<nav aria-label="Sommaire"><ol>{% for anchor, text in chapters %}<li><a href="#{{ anchor }}">{{ text }}</a></li>
{% endfor %}</ol></nav>
{{ body|safe }}
</body></html>
"""


def pra_html(pra: Pra, markdown: str) -> str:
    """Return the page; `markdown` is what `pra_markdown` returned for the same facts."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    chapters = _name_chapters(tokens)
    rendered = _checks(parser.renderer.render(tokens, parser.options, {}))
    title, body = rendered.split("</h1>", 1)
    front, rest = body.split("<h2", 1)
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    return page.render(
        style=STYLE,
        agency=pra.agency,
        running=re.sub(r'["<>\\\n]', " ", f"PRA de {pra.agency}, établi le {day(pra.at)}"),
        digest=pra.versions[-1].digest,
        title=f"{title}</h1>{front}",
        chapters=chapters,
        body=f"<h2{rest}",
    )


def _name_chapters(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Give each chapter its number as anchor, for links; return anchors and titles."""
    found = []
    for heading, inline in pairwise(tokens):
        chapter = _CHAPTER.match(inline.content)
        if heading.type == "heading_open" and heading.tag == "h2" and chapter:
            heading.attrSet("id", chapter[1])
            found.append((chapter[1], inline.content))
    return found


def _checks(html: str) -> str:
    """Turn items that begin with `[ ]` into boxes to tick on paper."""
    boxed = _BOX.sub(r'<li>\1<span class="box"></span>', html)
    return re.sub(r'<ul>\n(<li>(?:<p>)?<span class="box">)', r'<ul class="checks">\n\1', boxed)
