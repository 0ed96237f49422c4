"""How our pages look: one style for all, so that none needs a file beside it."""

from __future__ import annotations

STYLE = """
 body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1d2430}
 h1{margin:0} .state{display:inline-block;padding:.1rem .7rem;border-radius:1rem;color:#fff}
 .good{background:#1a7f4b}.bad{background:#b3261e}
 table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem} td,th{text-align:left;padding:.35rem .6rem;
 border-bottom:1px solid #e4e8ef;vertical-align:top} th{color:#5a6577;font-weight:600}
 code{background:#eef1f6;border-radius:.3rem;padding:0 .3rem}
 td.no{color:#b3261e;font-weight:700} small{color:#5a6577}
"""
