"""Past drills as a picture: one mark a drill, the target as a line, red where it was missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from math import log10

from flows.reports.wording import PARIS, duration

WIDTH, HEIGHT = 720, 250
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 40, 42
GOOD, BAD, INK, PALE = "#2f6fde", "#b3261e", "#5a6577", "#e4e8ef"
TICKS = (
    (0.1, "0,1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"),
    (6 * 3600, "6 h"), (24 * 3600, "24 h"), (48 * 3600, "48 h"), (7 * 86400, "7 j"),
)  # fmt: skip
CLOSE = 15
"""Two lines of text nearer than that would touch."""
DATES = 6
"""Dates below the picture, at most."""
LABELLED = 6
"""Up to so many drills each has its value written at its mark; then only the last one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One drill: when, what was measured (None: nothing came back), and whether it was proven."""

    at: datetime
    value: timedelta | None
    proven: bool


def trend_svg(title: str, marks: Sequence[Mark], target: timedelta) -> str:
    """Return the picture as an SVG element; the axis is logarithmic: minutes against days.

    Args:
        title: What is measured.
        marks: The drills, oldest first; at least one.
        target: What was promised.
    """
    scale = _Scale.around([each.value for each in marks], target)
    xs = _places(len(marks))
    said = f"{title} ; objectif : {promise(target)}"
    return "".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(said)}" style="max-width:100%;font:12px system-ui,sans-serif">',
        f'<text x="0" y="16" font-size="14" font-weight="600" fill="#1d2430">{escape(title)}</text>',
        *_grid(scale), _target(scale, target), _line(xs, marks, scale),
        *(_mark(x, each, scale, target, number >= len(marks) - 1 or len(marks) <= LABELLED)
          for number, (x, each) in enumerate(zip(xs, marks, strict=True))),
        *_dates(xs, marks), "</svg>",
    ])  # fmt: skip


def promise(target: timedelta) -> str:
    """Write a target as it was promised: `48 h`, not `2 jours`."""
    hours, rest = divmod(target, timedelta(hours=1))
    return duration(target) if rest or not hours else f"{hours} h"


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a duration lies, between two bounds in powers of ten seconds."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[timedelta | None], target: timedelta) -> _Scale:
        known = [_seconds(each) for each in (*values, target) if each is not None]
        return cls(log10(min(known)) - 0.35, log10(max(known)) + 0.35)

    def y(self, seconds: float) -> float:
        share = (log10(seconds) - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def holds(self, seconds: float) -> bool:
        return self.low <= log10(seconds) <= self.high


def _seconds(span: timedelta) -> float:
    return max(span.total_seconds(), 0.1)


def _places(count: int) -> list[float]:
    """Return where the marks stand: evenly, whatever time lies between two drills."""
    room = WIDTH - LEFT - RIGHT
    return [round(LEFT + room * (number + 0.5) / count, 1) for number in range(count)]


def _grid(scale: _Scale) -> list[str]:
    lines, last = list[str](), float(HEIGHT)
    for at, name in TICKS:
        y = scale.y(at)
        if not scale.holds(at) or last - y < CLOSE:
            continue
        last = y
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{PALE}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{INK}">{name}</text>'
        )
    return lines


def _target(scale: _Scale, target: timedelta) -> str:
    y = scale.y(_seconds(target))
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{BAD}" '
        f'stroke-width="1.5" stroke-dasharray="6 4"/><text x="{WIDTH - RIGHT}" y="{y - 6}" '
        f'text-anchor="end" fill="{BAD}">objectif : {promise(target)}</text>'
    )


def _line(xs: Sequence[float], marks: Sequence[Mark], scale: _Scale) -> str:
    points = " ".join(
        f"{x},{scale.y(_seconds(each.value))}"
        for x, each in zip(xs, marks, strict=True)
        if each.value is not None
    )
    return f'<polyline points="{points}" fill="none" stroke="{GOOD}" stroke-opacity=".35"/>'


def _mark(x: float, mark: Mark, scale: _Scale, target: timedelta, labelled: bool) -> str:
    told = f"<title>{_day(mark.at)} : {duration(mark.value)}</title>"
    if mark.value is None:
        y = HEIGHT - BOTTOM - 8
        cross = f"M{x - 5},{y - 5}l10,10m0,-10l-10,10"
        return f'<g>{told}<path d="{cross}" stroke="{BAD}" stroke-width="2.5"/></g>'
    height, over = scale.y(_seconds(mark.value)), mark.value > target
    colour = BAD if over else GOOD
    fill = colour if mark.proven else "#fff"
    text = (
        f'<text x="{x}" y="{height + 20}" text-anchor="middle" fill="{colour}" font-weight="600">'
        f"{duration(mark.value)}</text>"
    )
    dot = f'<circle cx="{x}" cy="{height}" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
    return f"<g>{told}{dot}{text if labelled else ''}</g>"


def _dates(xs: Sequence[float], marks: Sequence[Mark]) -> list[str]:
    every = -(-len(marks) // DATES)
    last = len(marks) - 1
    return [
        f'<text x="{xs[number]}" y="{HEIGHT - 14}" text-anchor="middle" fill="{INK}">'
        f"{_day(marks[number].at)}</text>"
        for number in range(last, -1, -every)
    ]


def _day(at: datetime) -> str:
    return f"{at.astimezone(PARIS):%d/%m/%y}"
