"""An incident's timeline as a picture: one SVG, UTC and Paris on its axis (French)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from flows.decisions.timeline import Bar, Kind, Mark, Row, Stretch, Timeline, stretches
from flows.reports.wording import PARIS, PHASES, duration, step_title

WIDTH, LEFT, RIGHT, HEAD, LINE = 1040, 250, 96, 64, 22
TICK = 104
"""Pixels that a pair of clock times needs."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
FLAG = 34
"""Pixels between two flags."""
ROWS = 40
"""Rows of one picture: more make another, so that each fits on a page."""

COLOURS = {
    Kind.DETECTION: ("url(#down)", "en panne, pas encore constatée"),
    Kind.WAIT: ("url(#wait)", "attente d'une personne"),
    Kind.NOBODY: ("url(#nobody)", "rien en cours"),
    Kind.STEP: ("#5471a6", "étape du serveur"),
    Kind.FILES: ("#2f6fde", "fichiers"),
    Kind.CHANGES: ("#16a3a3", "rejeu"),
    Kind.SMOKE: ("#7a4fd0", "pages"),
    Kind.DNS: ("#e07b00", "DNS"),
    Kind.VISITORS: ("#1a7f4b", "contrôle en ligne"),
}
RED = "#b3261e"
TITLES = {"detection": "Détection", "nobody": "Rien en cours", "approve": "Accord d'une personne"}
_WAITS = "Attentes"
_DEFS = (
    "<defs>"
    + "".join(
        f'<pattern id="{name}" width="8" height="8" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="8" height="8" fill="{light}"/>'
        f'<rect width="4" height="8" fill="{dark}"/></pattern>'
        for name, light, dark in (
            ("down", "#f3c9c6", "#d9827c"),
            ("wait", "#fbe3a6", "#e5b12e"),
            ("nobody", "#e4e8ef", "#aab4c3"),
        )
    )
    + "</defs>"
)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a moment lies across the picture."""

    parts: tuple[Stretch, ...]

    def scale(self) -> float:
        return (WIDTH - LEFT - RIGHT) / sum(each.weight for each in self.parts)

    def said(self, at: datetime) -> tuple[str, str]:
        """Return a moment in UTC and in Paris, with its day when there are several."""
        days = self.parts[-1].ended - self.parts[0].began > timedelta(hours=20)
        form = "%d/%m %H:%M" if days else "%H:%M:%S"
        return at.astimezone(UTC).strftime(form), at.astimezone(PARIS).strftime(form)

    def x(self, at: datetime) -> float:
        left, scale = float(LEFT), self.scale()
        for each in self.parts:
            span = (each.ended - each.began).total_seconds()
            if at <= each.ended or each is self.parts[-1]:
                part = (at - each.began).total_seconds() / span if span else 0.0
                return round(left + min(max(part, 0.0), 1.0) * each.weight * scale, 1)
            left += each.weight * scale
        return left


def timeline_pictures(timeline: Timeline) -> tuple[str, ...]:
    """Return the picture, or several with the same axis when there are many rows."""
    rows = _grouped(timeline.rows)
    return tuple(
        _picture(timeline, rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)
    )


def _grouped(rows: Sequence[Row]) -> list[tuple[str, Row]]:
    """Return the rows by phase, in the order in which the phases come."""
    order = [_WAITS, *(each for each in PHASES if each != "Fin"), "Sites", "Fin"]
    named = [(_phase(row), row) for row in rows]
    return sorted(named, key=lambda each: order.index(each[0]))


def _phase(row: Row) -> str:
    if row.site:
        return "Sites"
    if row.step in TITLES:
        return _WAITS
    known = {row.step, row.step.partition("-")[0]}
    return next((phase for phase, steps in PHASES.items() if known & {*steps}), "Serveur")


def _picture(timeline: Timeline, rows: Sequence[tuple[str, Row]]) -> str:
    axis = _Axis(stretches(timeline))
    top, body, phase = HEAD + (LINE if timeline.marks else 0), [], ""
    for group, row in rows:
        if group != phase:
            body.append(_text(8, top + 16, group.upper(), "phase"))
            top, phase = top + LINE, group
        body.append(_row(axis, row, top))
        top += LINE
    idle = any(each.idle for each in axis.parts)
    legend = _legend(rows, top + 12, idle=idle)
    parts = [*_frame(axis, top), *body, *_marks(axis, timeline, top), *legend]
    height = top + 64
    style = (
        "text{font:12px 'DejaVu Sans',system-ui,sans-serif;fill:#1d2430}"
        ".phase{font-size:10px;font-weight:700;fill:#5a6577;letter-spacing:.06em}"
        ".small{font-size:10.5px;fill:#5a6577}.bad{fill:#b3261e;font-weight:700}"
        ".back{fill:#1a7f4b;font-weight:700}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
        f'role="img" aria-label="Déroulement de l\'incident"><style>{style}</style>{_DEFS}'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _frame(axis: _Axis, bottom: float) -> list[str]:
    """Draw the clock times, and what is drawn narrower than it was long."""
    found = [_text(8, 16, "UTC", "small"), _text(8, 32, "heure de Paris", "small")]
    taken = 0.0
    for each in axis.parts:
        right = axis.x(each.ended)
        if each.idle:
            found.append(_idle(axis, each, bottom))
            taken = max(taken, right)
            continue
        for at in _ticks(each, axis.scale()):
            x = axis.x(at)
            room = WIDTH if each is axis.parts[-1] else right
            if min(x - taken, room - x) < TICK / 2 - 14:
                continue
            found += _tick(axis.said(at), x, bottom)
            taken = x + TICK / 2 - 14
    return found


def _idle(axis: _Axis, each: Stretch, bottom: float) -> str:
    left, right = axis.x(each.began), axis.x(each.ended)
    utc, paris = axis.said(each.began)
    return (
        f'<rect x="{left}" y="{HEAD - 8}" width="{right - left}" height="{bottom - HEAD + 8}" '
        f'fill="#f6f2e6"/><path d="M{left} {HEAD - 8}V{bottom}M{right} {HEAD - 8}V{bottom}" '
        'stroke="#c9bd97" stroke-dasharray="3 3"/>'
        + _text(left + 3, 16, utc, "small")
        + _text(left + 3, 32, paris, "small")
        + _text(left + 3, 47, f"↔ {duration(each.ended - each.began)}", "small")
    )


def _tick(said: tuple[str, str], x: float, bottom: float) -> list[str]:
    return [
        f'<path d="M{x} {HEAD - 12}V{bottom}" stroke="#e4e8ef"/>',
        _text(x, 16, said[0], "small", "middle"),
        _text(x, 32, said[1], "small", "middle"),
    ]


def _ticks(part: Stretch, scale: float) -> list[datetime]:
    """Return round moments of a stretch, far enough from each other to be read."""
    span = (part.ended - part.began).total_seconds()
    wanted = TICK * span / max(part.weight * scale, 1)
    step = next((each for each in STEPS if each >= wanted), STEPS[-1])
    first = int(-(-part.began.timestamp() // step) * step)
    moments = range(first, int(part.ended.timestamp()) + 1, step)
    return [datetime.fromtimestamp(each, UTC) for each in moments]


def _row(axis: _Axis, row: Row, top: float) -> str:
    title = row.site or TITLES.get(row.step) or step_title(row.step)
    shown = title if len(title) <= 34 else title[:33] + "…"
    bad = any(bar.failed for bar in row.bars)
    said = [_text(16, top + 15, shown, "bad" if bad else "")]
    said += [_bar(axis, bar, top, title) for bar in row.bars]
    end = max((axis.x(bar.ended) for bar in row.bars), default=float(LEFT))
    if row.back_at:
        x = max(axis.x(row.back_at), LEFT)
        said.append(
            f'<path d="M{x} {top + 3}l7 8l-7 8l-7 -8z" fill="#1a7f4b" stroke="#fff">'
            f"<title>{escape(title)} : de retour à {_both(row.back_at)}</title></path>"
        )
        at = row.back_at.astimezone(PARIS)
        said.append(_text(max(end, x + 7) + 5, top + 15, f"{at:%H:%M:%S}", "small back"))
    elif row.site:
        said.append(_text(end + 6, top + 15, "pas rétabli", "small bad"))
    else:
        spent = sum((bar.ended - bar.began for bar in row.bars), timedelta())
        said.append(_text(end + 6, top + 15, ("✗ " if bad else "") + duration(spent), "small"))
    return "".join(said)


def _bar(axis: _Axis, bar: Bar, top: float, title: str) -> str:
    left, right = axis.x(bar.began), axis.x(bar.ended)
    width = max(right - left, 3)
    fill = RED if bar.failed else COLOURS[bar.kind][0]
    kind = "" if bar.kind is Kind.STEP else f", {COLOURS[bar.kind][1]}"
    said = f"{title}{kind}{', échec' if bar.failed else ''} : {_both(bar.began)}, "
    cross = ""
    if bar.failed:
        cross = f'<path d="M{left - 1} {top + 4}V{top + 18}" stroke="{RED}" stroke-width="3"/>'
    return (
        f'<rect x="{left}" y="{top + 5}" width="{width:.1f}" height="12" rx="2" fill="{fill}">'
        f"<title>{escape(said + duration(bar.ended - bar.began))}</title></rect>{cross}"
    )


def _marks(axis: _Axis, timeline: Timeline, bottom: float) -> list[str]:
    """Draw a flag for the events beside the steps, with numbers that the page's list explains.

    Those that would cover each other share one.
    """
    found = [_text(16, HEAD + 13, "Alertes et messages", "")] if timeline.marks else []
    number = 1
    for each in _flags(axis, timeline.marks):
        x, last = axis.x(each[0].at), number + len(each) - 1
        label = str(number) if last == number else f"{number}–{last}"
        half = 8 + 5 * (len(label) > 1) + 2.5 * max(len(label) - 2, 0)
        said = escape("\n".join(f"{_both(one.at)} : {one.text}" for one in each))
        found.append(
            f'<path d="M{x} {HEAD + 4}V{bottom}" stroke="#5a6577" stroke-dasharray="1 4"/>'
            f'<rect x="{x - half}" y="{HEAD + 1}" width="{2 * half}" height="16" rx="8" '
            f'fill="#1d2430"><title>{said}</title></rect>'
            f'<text x="{x}" y="{HEAD + 13}" text-anchor="middle" '
            f'style="fill:#fff;font-size:10px">{label}</text>'
        )
        number = last + 1
    return found


def _flags(axis: _Axis, marks: Sequence[Mark]) -> list[list[Mark]]:
    """Return the events in their order, those together that lie closer than a flag is wide."""
    found: list[list[Mark]] = []
    for each in marks:
        if found and axis.x(each.at) - axis.x(found[-1][0].at) < FLAG:
            found[-1].append(each)
        else:
            found.append([each])
    return found


def _legend(rows: Sequence[tuple[str, Row]], top: float, *, idle: bool) -> list[str]:
    kinds = {bar.kind for _, row in rows for bar in row.bars}
    shown = [(fill, said) for kind, (fill, said) in COLOURS.items() if kind in kinds]
    if any(bar.failed for _, row in rows for bar in row.bars):
        shown.append((RED, "échec ou interruption"))
    if any(row.back_at for _, row in rows):
        shown.append(("#1a7f4b", "◆ de retour (heure de Paris)"))
    if idle:
        shown.append(("#f6f2e6", "↔ attente dessinée plus étroite qu'elle n'a duré"))
    found, x = [], 16.0
    for fill, said in shown:
        if x + 22 + len(said) * 7 > WIDTH:
            x, top = 16.0, top + 20
        if not said.startswith("◆"):
            found.append(f'<rect x="{x}" y="{top}" width="14" height="10" rx="2" fill="{fill}"/>')
        found.append(_text(x + (0 if said.startswith("◆") else 19), top + 10, said, "small"))
        x += 36 + len(said) * 6.6
    return found


def _text(x: float, y: float, said: str, style: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(said)}</text>'


def _both(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S} UTC ({at.astimezone(PARIS):%H:%M:%S} à Paris)"
