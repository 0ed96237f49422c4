"""What the visitors saw: their log read back, and what it says about outages and orders. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from blocks.errors import DamagedData


class VisitKind(StrEnum):
    """What a visitor did."""

    PAGE = "page"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request and how it ended.

    Attributes:
        at: When the answer, or the failure, was there.
        address: Where the name led to, "" if it could not be resolved.
        observed: What was seen, for people.
        reference: Of an order: made by the visitor before asking, unique.
        order: Of an acknowledged order: the number that the shop answered after its commit.
    """

    at: datetime
    kind: VisitKind
    site: str
    ok: bool
    seconds: float
    address: str
    observed: str
    reference: str = ""
    order: int = 0

    @property
    def started(self) -> datetime:
        """Return when the visitor asked."""
        return self.at - timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Outage:
    """A time during which a site answered no page request.

    Attributes:
        last_success: Answer of the last page that came, None if there was none before.
        first_success: Answer of the first page afterwards, None if the site is still down.
        failures: Page requests that failed in between.
    """

    site: str
    last_success: datetime | None
    first_success: datetime | None
    failures: int

    @property
    def duration(self) -> timedelta | None:
        """Return how long visitors saw it, None if it has no beginning or no end in the log."""
        if self.last_success is None or self.first_success is None:
            return None
        return self.first_success - self.last_success


def to_line(visit: Visit) -> str:
    """Return the visit as one line of the log."""
    return json.dumps({**asdict(visit), "at": visit.at.isoformat()}, ensure_ascii=False) + "\n"


def read_log(text: str) -> tuple[Visit, ...]:
    """Return the visits of a log in the order in which they were made.

    A last line without its end is still being written and is left out.

    Raises:
        DamagedData: A line is not what `to_line` writes.
    """
    lines = text.split("\n")[:-1]
    visits = [_visit(number, line) for number, line in enumerate(lines, start=1)]
    return tuple(sorted(visits, key=lambda visit: visit.started))


def _visit(number: int, line: str) -> Visit:
    try:
        fields = json.loads(line)
        at = datetime.fromisoformat(fields.pop("at"))
        return Visit(at=at, kind=VisitKind(fields.pop("kind")), **fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedData(
            f"visitors' log, line {number}",
            f"is not a visit: {line[:80]!r}",
            "start the visitors with a fresh --log file",
        ) from error


def outages(visits: Iterable[Visit]) -> tuple[Outage, ...]:
    """Return every outage of every site, by site and time.

    Only pages count, and each stands where it was asked for: a request that hung on the dead server
    may fail after a later one was already answered by the new server.
    """
    pages = [visit for visit in visits if visit.kind is VisitKind.PAGE]
    pages.sort(key=lambda visit: (visit.site, visit.started))
    return tuple(
        outage
        for site, own in groupby(pages, key=lambda visit: visit.site)
        for outage in _outages_of(site, list(own))
    )


def _outages_of(site: str, pages: list[Visit]) -> list[Outage]:
    found: list[Outage] = []
    last_success: datetime | None = None
    for ok, run in groupby(pages, key=lambda visit: visit.ok):
        same = list(run)
        if ok:
            if found and found[-1].first_success is None:
                found[-1] = Outage(site, found[-1].last_success, same[0].at, found[-1].failures)
            last_success = same[-1].at
        else:
            found.append(Outage(site, last_success, None, len(same)))
    return found


def acknowledged_orders(visits: Iterable[Visit]) -> tuple[Visit, ...]:
    """Return the orders that the shop confirmed, oldest first."""
    orders = [visit for visit in visits if visit.kind is VisitKind.ORDER and visit.ok]
    return tuple(sorted(orders, key=lambda visit: visit.at))


def lost_orders(visits: Iterable[Visit], stored: Collection[str]) -> tuple[Visit, ...]:
    """Return the confirmed orders whose reference is not among the stored ones, oldest first."""
    return tuple(visit for visit in acknowledged_orders(visits) if visit.reference not in stored)
