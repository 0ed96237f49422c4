"""Past drills against their targets: figures, table, picture."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree

import pytest

from blocks.types import Tier
from flows.decisions.trend import Practice, Targets, practices, targets_of_tiers
from flows.reports.trend_svg import BAD, GOOD, HEIGHT, WIDTH, Mark, trend_svg
from flows.reports.trend_text import SHOWN, trend_markdown, trend_pictures
from tests.unit.samples import NOON

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
TARGETS = Targets(timedelta(hours=48), MINUTE)


def drill(number: int = 0, rto: float | None = 58, rpo: float | None = 12) -> Practice:
    spans = [None if each is None else timedelta(seconds=each) for each in (rto, rpo)]
    return Practice(f"inc-{number}", NOON + DAY * number, *spans, proven=rto is not None)


def marks(count: int) -> list[Mark]:
    return [Mark(NOON + DAY * number, MINUTE, proven=True) for number in range(count)]


def elements(svg: str, tag: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own text
    return root.findall(f".//{{http://www.w3.org/2000/svg}}{tag}")


def test_the_strictest_site_and_the_archive_make_the_targets():
    both = [Tier.HOURS_48, Tier.HOUR_1]
    assert targets_of_tiers(both, archive=True) == Targets(timedelta(hours=1), MINUTE)
    assert targets_of_tiers([], archive=False) == Targets(timedelta(hours=48), timedelta(hours=24))


def test_reports_become_figures_and_what_was_not_measured_stays_unknown():
    report = {"down_since": NOON.isoformat(), "rto_seconds": 58.0, "rpo_seconds": None}
    (found,) = practices({"inc-0": report | {"verdict": "partly recovered"}})
    assert found == Practice("inc-0", NOON, timedelta(seconds=58), None, proven=False)


@pytest.mark.parametrize("count", [1, 2, 20])
def test_each_drill_has_a_mark_and_all_of_it_lies_in_the_picture(count: int):
    svg = trend_svg("Durée", marks(count), timedelta(hours=48))
    circles = elements(svg, "circle")
    assert len(circles) == count
    for each in [*circles, *elements(svg, "text")]:
        assert 0 <= float(each.get("cx") or each.get("x") or -1) <= WIDTH
        assert 0 <= float(each.get("cy") or each.get("y") or -1) <= HEIGHT
    assert "objectif : 48 h" in [each.text for each in elements(svg, "text")]


def test_a_missed_target_is_red_and_nothing_back_is_a_cross():
    late, lost = Mark(NOON, MINUTE * 2, proven=True), Mark(NOON, None, proven=False)
    svg = trend_svg("Perte", [Mark(NOON, MINUTE, proven=True), late, lost], MINUTE)
    assert [each.get("stroke") for each in elements(svg, "circle")] == [GOOD, BAD]
    assert len(elements(svg, "path")) == 1


def test_a_higher_value_stands_higher_and_above_the_target_when_over_it():
    both = [Mark(NOON, each, proven=True) for each in (MINUTE / 2, MINUTE * 2)]
    svg = trend_svg("D", both, MINUTE)
    low, high = (float(each.get("cy") or 0) for each in elements(svg, "circle"))
    (line,) = [each for each in elements(svg, "line") if each.get("stroke-dasharray")]
    assert high < float(line.get("y1") or 0) < low


def test_what_people_name_cannot_break_the_picture():
    assert "&lt;b&gt;" in trend_svg("<b>", marks(1), MINUTE)


def test_the_table_has_the_newest_first_and_says_what_missed():
    table = trend_markdown([drill(0), drill(1, rpo=90), drill(2, rto=None, rpo=None)], TARGETS)
    rows = table.splitlines()[2:]
    assert rows[0] == "| **objectif** | | **48 h** | **60 s** | |"
    assert "**inconnue, hors objectif**" in rows[1]
    assert rows[1].endswith("| NON |")
    assert "| 58 s | **90 s, hors objectif** | oui |" in rows[2]


def test_only_the_newest_are_shown():
    known = [drill(number) for number in range(30)]
    assert len(trend_markdown(known, TARGETS).splitlines()) == SHOWN + 3
    assert len(elements(trend_pictures(known, TARGETS)[0], "circle")) == SHOWN
