"""Look how far the archive leads on from a recovery set; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from blocks.archives.base import Archive
from blocks.archives.binlog import LogHead, Transaction, transactions
from blocks.errors import ContinuityError, NotFound
from blocks.types import LogPoint, LogSpan, RecoverySet
from flows.decisions.log_chain import LogChain, chain_logs, cut_chain
from flows.decisions.point_in_time import WantedPoint, comes_before, find_end, parse_point
from flows.decisions.recovery_plan import NO_ARCHIVE, ArchiveView
from flows.reports.wording import moment
from flows.tasks.incident import Estate

ZONE = ZoneInfo("Europe/Paris")
"""In which operators write times."""
EARLIER = timedelta(minutes=2)
"""A pass that began before a backup may hold the beginning of its log."""


def wanted_point(text: str) -> WantedPoint:
    """Read what an operator wrote; see `parse_point`."""
    return parse_point(text, ZONE)


def look_at_archive(estate: Estate, chosen: RecoverySet, text: str, again: str) -> ArchiveView:
    """Return how far the archive reaches from this set, up to the wanted point.

    `again` is the command that hints give, without its options.

    Raises:
        NotFound: The wanted point cannot be reached; the hint names the furthest one.
    """
    wanted = wanted_point(text)
    if estate.archive is None or chosen.position is None or not chosen.position.identity:
        if wanted.latest:
            return NO_ARCHIVE
        raise NotFound(
            f"point in time {text}",
            f"set {chosen.id} has no archive of binary logs behind it",
            f"recover the set as it is: continuity recover {estate.name} --set {chosen.id}",
        )
    try:
        chain = chain_behind(estate, chosen)
        if not chain.spans:
            return _nothing(chosen, chain, text, again)
        end, found = find_point(estate.archive, chain.spans, wanted)
    except ContinuityError as error:
        if not wanted.latest or isinstance(error, NotFound):
            raise
        return ArchiveView("", None, None, f"illisible ({error.cause}) : données du jeu seulement")
    if not found and not _within(wanted, chain):
        raise _too_far(chain, end, text, again)
    if found and comes_before(end, chosen.position):
        raise NotFound(
            f"point in time {text}",
            f"set {chosen.id} already holds later transactions",
            f'{again} --at "{text}" --set OLDER; see: continuity sets {estate.name}',
        )
    problem = f"{chain.gap} ; rejeu jusqu'au {moment(chain.reaches)}" if chain.gap else ""
    return ArchiveView(text, end, end.at if found else chain.reaches, problem)


def chain_behind(estate: Estate, chosen: RecoverySet) -> LogChain:
    """Return the logs that lead on from a set that has an archive."""
    assert estate.archive is not None  # noqa: S101 - the callers checked
    assert chosen.position is not None  # noqa: S101
    listing = estate.archive.listing(estate.name, chosen.started_at - EARLIER)
    return chain_logs(listing, chosen.position)


def find_point(
    archive: Archive, spans: Sequence[LogSpan], wanted: WantedPoint
) -> tuple[LogPoint, bool]:
    """Return the end of the replay, and whether the wanted point was met before the end of all.

    Only logs that may hold it are read: the last one when nothing in particular is wanted.
    """
    for span in spans[_first_to_read(spans, wanted) :]:
        point, found = find_end(span.log, log_events(archive, span), wanted)
        if found:
            break
    return point, found


def _first_to_read(spans: Sequence[LogSpan], wanted: WantedPoint) -> int:
    if wanted.latest:
        return len(spans) - 1
    if wanted.before is None:
        return 0
    begun = [n for n, span in enumerate(spans) if span.pieces[0].at <= wanted.before]
    return begun[-1] if begun else 0


def log_events(archive: Archive, span: LogSpan) -> Iterator[LogHead | Transaction]:
    """Yield head and transactions of a log, from its first byte to the span's end."""
    return transactions(log_bytes(archive, span), f"archive of {span.log.name}")


def log_bytes(archive: Archive, span: LogSpan) -> Iterator[bytes]:
    """Yield the bytes of a log up to the span's end, each once."""
    held = 0
    for piece in span.pieces:
        at = piece.start
        for content in archive.read(piece):
            fresh = content[max(held - at, 0) : max(span.end - at, 0)]
            at += len(content)
            held += len(fresh)
            if fresh:
                yield fresh


def spans_to(chain: LogChain, end: LogPoint) -> tuple[LogSpan, ...]:
    """Return what is replayed to come to a point."""
    return cut_chain(chain.spans, end.log, end.offset)


def _within(wanted: WantedPoint, chain: LogChain) -> bool:
    """Return whether the archive reaches the wanted moment, although nothing was written then."""
    if wanted.latest:
        return True
    return bool(wanted.before and chain.reaches and chain.reaches >= wanted.before)


def _nothing(chosen: RecoverySet, chain: LogChain, text: str, again: str) -> ArchiveView:
    if text:
        raise _too_far(chain, None, text, again)
    return ArchiveView("", None, None, f"{chain.gap} : données du jeu {chosen.id} seulement")


def _too_far(chain: LogChain, end: LogPoint | None, text: str, again: str) -> NotFound:
    furthest = f"{chain.reaches:%Y-%m-%d %H:%M:%S} UTC" if chain.reaches else "the set itself"
    last = f", transaction {end.gtid}" if end and end.gtid else ""
    gap = f" ({chain.gap})" if chain.gap else ""
    choice = f'--at "{chain.reaches.isoformat()}"' if chain.reaches else "without --at"
    return NotFound(
        f"point in time {text}",
        f"the furthest reachable point is {furthest}{last}{gap}",
        f"{again} {choice}",
    )
