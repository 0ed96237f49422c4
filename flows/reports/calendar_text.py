"""Days and cron lines as people say them (French)."""

from __future__ import annotations

from datetime import datetime

from flows.reports.wording import PARIS

_DAYS = ("dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)


def day(at: datetime) -> str:
    """Write a day as people in Paris say it: `1er mars 2026`."""
    local = at.astimezone(PARIS)
    return f"{_number(local.day)} {_MONTHS[local.month - 1]} {local.year}"


def cron_text(cron: str) -> str:
    """Say when a job runs, in Paris; a line of another form is shown as it is."""
    minute, hour, days, months, weekday = cron.split()
    if hour == "*":
        return _often(minute) if (days, months, weekday) == ("*",) * 3 else _as_it_is(cron)
    if not (minute.isdigit() and hour.isdigit()):
        return _as_it_is(cron)
    at = f"à {hour} h {int(minute):02d}" if int(minute) else f"à {hour} h"
    if (days, months) == ("*", "*"):
        return f"chaque {_DAYS[int(weekday)] if weekday.isdigit() else 'jour'} {at}"
    if days.isdigit() and weekday == "*":
        return f"le {_number(int(days))} {_months(months)} {at}"
    return _as_it_is(cron)


def _often(minute: str) -> str:
    return "chaque minute" if minute == "*" else f"toutes les {minute.removeprefix('*/')} minutes"


def _as_it_is(cron: str) -> str:
    return f"selon la ligne cron `{cron}`"


def _number(day_of_month: int) -> str:
    return "1er" if day_of_month == 1 else str(day_of_month)


def _months(field: str) -> str:
    if field == "*":
        return "de chaque mois"
    names = [_MONTHS[int(each) - 1] for each in field.split(",")]
    said = [f"d'{name}" if name[0] in "ao" else f"de {name}" for name in names]
    return f"{', '.join(said[:-1])} et {said[-1]}" if said[1:] else said[0]
