"""Decide what an incident's time was spent on: rows of bars, and which stretches were idle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from blocks.records import StepRecord, StepState

IDLE = timedelta(seconds=30)
"""A shorter pause between two steps is no waiting."""
SQUEEZED = 0.14
"""How wide a long idle stretch is drawn, as a part of the time that work took."""
SITE_STEPS = ("files", "changes", "smoke", "dns", "visitors")


class Kind(StrEnum):
    """What a bar stands for. A site's own steps are kinds of their own."""

    DETECTION = "detection"
    WAIT = "wait"
    NOBODY = "nobody"
    STEP = "step"
    FILES = "files"
    CHANGES = "changes"
    SMOKE = "smoke"
    DNS = "dns"
    VISITORS = "visitors"


WAITING = (Kind.DETECTION, Kind.WAIT, Kind.NOBODY)


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of a row."""

    began: datetime
    ended: datetime
    kind: Kind = Kind.STEP
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture.

    Attributes:
        step: Name of the step; "" for a site and for what is no step.
        site: Title of the site, "" for the server's own rows.
        back_at: When the site was seen by visitors again.
    """

    bars: tuple[Bar, ...]
    step: str = ""
    site: str = ""
    back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened beside the steps, such as an alert or a message to clients."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A site's way, as the timeline needs it."""

    name: str
    title: str
    back_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """All rows in the order in which they began, the sites' last but for the end."""

    began: datetime
    ended: datetime
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the time axis; `weight` is its width, `idle` whether nothing but waiting was."""

    began: datetime
    ended: datetime
    weight: float
    idle: bool = False


def build_timeline(
    records: Sequence[StepRecord],
    down_since: datetime,
    sites: Sequence[Passage],
    marks: Sequence[Mark] = (),
    until: datetime | None = None,
) -> Timeline:
    """Put an incident on rows: steps of the server, then sites.

    Args:
        records: Its journal, at least one.
        down_since: When the server went down.
        sites: Their ways.
        marks: What happened beside the steps.
        until: The present, for an incident without an outcome: what it waits for goes on.
    """
    known = min(each.started_at for each in records)
    bars = _bars(records, {each.name for each in sites}, until)
    rows = [Row(tuple(found), step) for step, found in bars.items() if "/" not in step]
    rows += [
        Row(tuple(bars.get(f"/{each.name}", ())), site=each.title, back_at=each.back_at)
        for each in sites
    ]
    if known - down_since >= timedelta(seconds=1):
        rows.insert(0, Row((Bar(down_since, known, Kind.DETECTION),), "detection"))
    if idle := _gaps([bar for row in rows for bar in row.bars], until):
        rows.insert(1, Row(tuple(Bar(*each, Kind.NOBODY) for each in idle), "nobody"))
    backs = [each.back_at for each in sites if each.back_at]
    told = [each.at for each in marks]
    shown = [each for each in (until, *backs, *told) if each]
    ended = max([bar.ended for row in rows for bar in row.bars] + shown)
    return Timeline(min([down_since, known, *told]), ended, tuple(rows), tuple(marks))


def stretches(timeline: Timeline) -> tuple[Stretch, ...]:
    """Cut the axis where long waiting begins and ends: it is drawn narrow, work stays readable."""
    bars = [bar for row in timeline.rows for bar in row.bars]
    work = _merged((bar.began, bar.ended) for bar in bars if bar.kind not in WAITING)
    worked = max(sum((end - began).total_seconds() for began, end in work), 1.0)
    idle = [
        each
        for each in _between(timeline.began, work, timeline.ended)
        if (each[1] - each[0]).total_seconds() > max(2 * SQUEEZED * worked, IDLE.total_seconds())
    ]
    found, at = [], timeline.began
    for began, ended in idle:
        if began > at:
            found.append(Stretch(at, began, (began - at).total_seconds()))
        found.append(Stretch(began, ended, worked * SQUEEZED, idle=True))
        at = ended
    if timeline.ended > at or not found:
        found.append(Stretch(at, timeline.ended, max((timeline.ended - at).total_seconds(), 1e-3)))
    return tuple(found)


def waited(timeline: Timeline) -> timedelta:
    """Return how long approval was waited for."""
    spans = (bar.ended - bar.began for row in timeline.rows for bar in row.bars
             if bar.kind is Kind.WAIT)  # fmt: skip
    return sum(spans, timedelta())


def _bars(
    records: Sequence[StepRecord], sites: set[str], until: datetime | None
) -> dict[str, list[Bar]]:
    """Return the bars by step, those of a site by `/site`, in the order in which each began."""
    ended = {(each.step, each.started_at) for each in records if each.ended_at}
    found: dict[str, list[Bar]] = {}
    for each in sorted(records, key=lambda each: each.started_at):
        if each.state is StepState.SKIPPED or (
            each.state is StepState.STARTED and (each.step, each.started_at) in ended
        ):
            continue
        kind, _, subject = each.step.partition("-")
        of_site = subject in sites and kind in SITE_STEPS
        shown = Kind(kind) if of_site else Kind.WAIT if kind == "approve" else Kind.STEP
        end = each.ended_at or (
            _answered(each, records, until) if shown is Kind.WAIT else each.started_at
        )
        cut_off = each.state is StepState.STARTED and shown is not Kind.WAIT
        failed = cut_off or each.state is StepState.FAILED
        row = found.setdefault(f"/{subject}" if of_site else each.step, [])
        row.append(Bar(each.started_at, end, shown, failed))
    return found


def _answered(asked: StepRecord, records: Sequence[StepRecord], until: datetime | None) -> datetime:
    """Return until when a suspended run waited: until it went on, else until now."""
    later = [each.started_at for each in records if each.started_at > asked.started_at]
    again = [r.started_at for r in records if r.step == asked.step and r.started_at in later]
    return min(again, default=max(later, default=until or asked.started_at))


def _gaps(bars: Sequence[Bar], until: datetime | None) -> list[tuple[datetime, datetime]]:
    covered = _merged((bar.began, bar.ended) for bar in bars)
    between = _between(covered[0][0], covered, until or covered[-1][1])
    return [(began, ended) for began, ended in between if ended - began >= IDLE]


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    found: list[tuple[datetime, datetime]] = []
    for began, ended in sorted(spans):
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((began, ended))
    return found


def _between(
    first: datetime, covered: Sequence[tuple[datetime, datetime]], last: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the stretches from first to last that are not covered."""
    starts = [first, *(ended for _, ended in covered)]
    ends = [*(began for began, _ in covered), last]
    return [(began, ended) for began, ended in zip(starts, ends, strict=True) if ended > began]
