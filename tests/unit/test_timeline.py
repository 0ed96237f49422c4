"""An incident's time as rows of bars, and the picture that is made of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from blocks.records import StepState
from flows.decisions.timeline import Kind, Mark, Passage, build_timeline, stretches, waited
from flows.reports.timeline_svg import ROWS, timeline_pictures
from tests.unit.incident_samples import BACK, DOWN, WAITED, at, journal
from tests.unit.samples import NOON
from tests.unit.test_reports import record

SITES = (Passage("vitrine", "La vitrine", NOON + at(110)), Passage("boutique", "<Boutique>", BACK))
SVG = "{http://www.w3.org/2000/svg}"


def test_what_was_waited_for_is_told_from_work() -> None:
    timeline = build_timeline(journal(), DOWN, SITES)
    rows = {row.step or row.site: row for row in timeline.rows}
    assert rows["detection"].bars[0].ended == NOON
    asked, answered = rows["approve"].bars
    assert asked.kind is Kind.WAIT
    assert asked.ended == answered.began == NOON + at(3)
    assert waited(timeline) == at(3.2) - timedelta(seconds=4)
    assert [bar.failed for bar in rows["packages"].bars] == [True, False]
    assert [str(bar.kind) for bar in rows["La vitrine"].bars] == [
        "files", "changes", "smoke", "dns", "visitors",
    ]  # fmt: skip
    assert (timeline.began, timeline.ended) == (DOWN, NOON + at(135))


def test_a_killed_step_is_marked_and_the_time_until_somebody_came_is_nobodys() -> None:
    killed = (record(1, "observe"), record(3, "machine", StepState.STARTED))
    timeline = build_timeline((*killed, record(600, "machine")), NOON, [])
    rows = {row.step: row for row in timeline.rows}
    assert [bar.failed for bar in rows["machine"].bars] == [True, False]
    (idle,) = rows["nobody"].bars
    assert idle.ended - idle.began == timedelta(seconds=597)


def test_what_has_no_end_yet_goes_on_until_now() -> None:
    now = NOON + timedelta(hours=5)
    asked = [record(1, "observe"), record(2, "approve", StepState.STARTED)]
    timeline = build_timeline(asked, NOON, [], until=now)
    assert waited(timeline) == timedelta(hours=5, seconds=-2)
    killed = [record(1, "observe"), record(2, "machine", StepState.STARTED)]
    timeline = build_timeline(killed, NOON, [], until=now)
    (idle,) = next(row for row in timeline.rows if row.step == "nobody").bars
    assert idle.ended == timeline.ended == now


def test_long_waits_are_drawn_narrow_and_work_as_long_as_it_was() -> None:
    timeline = build_timeline(journal(), DOWN, SITES)
    parts = stretches(timeline)
    assert [part.idle for part in parts] == [True, False, True, False]
    assert parts[0].began == DOWN
    assert [a.ended == b.began for a, b in pairwise(parts)] == [True] * 3
    assert parts[2].weight < 30 < (parts[2].ended - parts[2].began).total_seconds() < 1500
    assert parts[3].weight == 135
    quick = build_timeline([record(1, "observe"), record(2, "plan")], NOON, [])
    assert [part.idle for part in stretches(quick)] == [False]


def test_steps_stand_below_the_name_of_their_phase() -> None:
    told = [record(1, "observe"), record(2, "last-writes"), record(3, "clients-back")]
    (picture,) = timeline_pictures(build_timeline(told, NOON, []))
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own
    texts = [(each.text or "").casefold() for each in root.iter(f"{SVG}text")]
    order = ["préparation", "constat", "relève", "derniers changements", "clients"]
    assert [each for each in texts if each in order] == order


def test_the_picture_is_well_formed_shows_all_and_stays_inside() -> None:
    (picture,) = timeline_pictures(build_timeline(journal(), DOWN, SITES))
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    texts = [each.text or "" for each in root.iter(f"{SVG}text")]
    for said in ("UTC", "heure de Paris", "Nouvelle machine", "<Boutique>", "✗ 55 s", "13:27:10"):
        assert said in texts
    assert "↔ 24 min 57 s" in texts
    for each in root.iter(f"{SVG}rect"):
        left, top = float(each.get("x", 0)), float(each.get("y", 0))
        assert 0 <= left <= left + float(each.attrib["width"]) <= width
        assert 0 <= top <= top + float(each.attrib["height"]) <= height


def test_events_are_flags_that_do_not_cover_each_other_and_widen_the_picture() -> None:
    moments = [DOWN - at(60), DOWN + at(90), DOWN + at(95), BACK + at(3), BACK + at(4 * 3600)]
    marks = [Mark(each, f"<{number}>") for number, each in enumerate(moments)]
    timeline = build_timeline(journal(), DOWN, SITES, marks)
    assert (timeline.began, timeline.ended) == (moments[0], moments[-1])
    (picture,) = timeline_pictures(timeline)
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own
    flags = [each for each in root.iter(f"{SVG}rect") if each.get("rx") == "8"]
    said = [title.text or "" for each in flags for title in each]
    assert "".join(said).count("<") == len(marks), "each event is told by one flag"
    spans = [(float(each.attrib["x"]), float(each.attrib["width"])) for each in flags]
    assert all(x + width <= after for (x, width), (after, _) in pairwise(spans))
    labels = [each.text for each in root.iter(f"{SVG}text")]
    assert "2–3" in labels  # noqa: RUF001 - a range, as French writes it


@pytest.mark.parametrize("later", [60, 4000, 100_000])
def test_clock_times_do_not_lie_over_each_other(later: int) -> None:
    killed = [record(1, "observe"), record(9, "approve", StepState.STARTED)]
    went_on = [record(later + n, step, seconds=25) for n, step in enumerate(["approve", "machine"])]
    (picture,) = timeline_pictures(build_timeline([*killed, *went_on], NOON - at(0), []))
    spans = []
    for each in ElementTree.fromstring(picture).iter(f"{SVG}text"):  # noqa: S314 - our own
        if each.get("y") == "32" and each.text != "heure de Paris":
            x, wide = float(each.attrib["x"]), 6.4 * len(each.text or "")
            left = x - wide / 2 if each.get("text-anchor") == "middle" else x
            spans.append((left, left + wide))
            assert ("/" in (each.text or "")) is (later == 100_000)
    assert len(spans) > 2
    assert all(a[1] <= b[0] for a, b in pairwise(sorted(spans)))


def test_many_sites_become_several_pictures() -> None:
    sites = [replace(SITES[0], name=f"s{n}", title=f"Site {n}") for n in range(100)]
    timeline = build_timeline(journal(), DOWN, sites)
    pictures = timeline_pictures(timeline)
    assert len(pictures) == -(-len(timeline.rows) // ROWS) == 4
    shown = "".join(pictures)
    assert all(f">Site {n}<" in shown for n in range(100))


def test_an_incident_of_one_moment_has_a_picture_too() -> None:
    only = record(1, "observe", seconds=0)
    (picture,) = timeline_pictures(build_timeline([only], NOON + WAITED, []))
    assert "Constat" in picture
