"""Decide up to which transaction binary logs are replayed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from blocks.archives.binlog import Gtid, LogHead, Transaction
from blocks.errors import ConfigurationError
from blocks.types import LogId, LogPoint, Position

_GTID = re.compile(r"(?P<before>before\s+)?(?P<gtid>\d+-\d+-\d+)", re.I)


@dataclass(frozen=True, slots=True)
class WantedPoint:
    """Where an operator wants to go back to; all defaults: as far as possible.

    Attributes:
        before: Transactions of this second and later ones are left out.
        gtid: The transaction that is the last one, or with `excluded` the first one left out.
    """

    before: datetime | None = None
    gtid: str = ""
    excluded: bool = False

    @property
    def latest(self) -> bool:
        """Whether nothing in particular is wanted."""
        return self.before is None and not self.gtid


def parse_point(text: str, zone: tzinfo) -> WantedPoint:
    """Read `2026-11-23 10:26:18`, `0-1-4711` (included) or `before 0-1-4711`; "" is the latest.

    A time without an offset is in `zone`.

    Raises:
        ConfigurationError: It is none of them.
    """
    words = text.strip()
    if not words:
        return WantedPoint()
    if found := _GTID.fullmatch(words):
        return WantedPoint(gtid=found["gtid"], excluded=bool(found["before"]))
    try:
        moment = datetime.fromisoformat(words)
    except ValueError as wrong:
        raise ConfigurationError(
            f"point in time '{text}'",
            "is neither a time nor a transaction",
            'write --at "2026-11-23 10:26:18" or --at 0-1-4711 or --at "before 0-1-4711"',
        ) from wrong
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return WantedPoint(before=aware.astimezone(UTC))


def find_end(
    log: LogId, events: Iterable[LogHead | Transaction], wanted: WantedPoint
) -> tuple[LogPoint, bool]:
    """Return the last point of a log that is not behind what is wanted, and whether it is there.

    The second value is False if the whole log comes before it.
    """
    newest: dict[int, Gtid] = {}
    point = LogPoint(log, 0, "", (), None)
    for each in events:
        if isinstance(each, LogHead):
            newest |= {gtid.domain: gtid for gtid in each.gtids}
            point = LogPoint(log, 0, "", _texts(newest), None)
            continue
        if _is_behind(each, wanted):
            return _replaced(point, offset=each.start), True
        newest[each.gtid.domain] = each.gtid
        point = LogPoint(log, each.end, str(each.gtid), _texts(newest), each.at)
        if str(each.gtid) == wanted.gtid:
            return point, True
    return point, False


def comes_before(point: LogPoint, begin: Position) -> bool:
    """Return whether a set that stands at `begin` holds transactions from behind the point."""
    there = point.log == begin.log and point.offset < begin.offset
    return there and point.gtid not in begin.gtid.split(",")


def _is_behind(each: Transaction, wanted: WantedPoint) -> bool:
    if wanted.before is not None and each.at >= wanted.before:
        return True
    return wanted.excluded and str(each.gtid) == wanted.gtid


def _replaced(point: LogPoint, offset: int) -> LogPoint:
    return LogPoint(point.log, offset, point.gtid, point.gtids, point.at)


def _texts(newest: dict[int, Gtid]) -> tuple[str, ...]:
    return tuple(str(newest[domain]) for domain in sorted(newest))


def find_statements(events: Iterable[LogHead | Transaction], text: str) -> Iterator[Transaction]:
    """Yield the transactions with a statement that contains the text, whatever its case."""
    sought = text.lower()
    for each in events:
        if isinstance(each, Transaction) and any(sought in s.lower() for s in each.statements):
            yield each
