"""Look how far the archive leads on from a recovery set; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from blocks.archives.binlog import LogHead, Transaction, transactions
from blocks.archives.places import ArchivePlaces
from blocks.errors import ContinuityError, NotFound, PieceLost
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.mirrored import GONE
from blocks.types import FilePiece, LogPiece, LogPoint, LogSpan, RecoverySet
from flows.decisions.log_chain import LogChain, chain_logs, cut_chain
from flows.decisions.point_in_time import WantedPoint, comes_before, find_end, parse_point
from flows.decisions.recovery_plan import NO_ARCHIVE, ArchiveView
from flows.reports.archive_text import archive_notes
from flows.reports.wording import moment
from flows.tasks.incident import Estate

ZONE = ZoneInfo("Europe/Paris")
"""In which operators write times."""
EARLIER = timedelta(minutes=2)
"""A pass that began before a backup may hold the beginning of its log."""

Value = TypeVar("Value")


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
        chain, end, found = with_what_is_left(lambda: _furthest(estate, chosen, wanted))
    except ContinuityError as error:
        if not wanted.latest or isinstance(error, NotFound):
            raise
        return ArchiveView("", None, None, f"illisible ({error.cause}) : données du jeu seulement")
    notes = notes_of(estate.archive, pieces_of(chain.spans))
    if end is None:
        return _nothing(chosen, chain, text, again, notes)
    if not found and not _within(wanted, chain):
        raise _too_far(chain, end, text, again)
    if found and comes_before(end, chosen.position):
        raise NotFound(
            f"point in time {text}",
            f"set {chosen.id} already holds later transactions",
            f'{again} --at "{text}" --set OLDER; see: continuity sets {estate.name}',
        )
    problem = f"{chain.gap} ; rejeu jusqu'au {moment(chain.reaches)}" if chain.gap else ""
    return ArchiveView(text, end, end.at if found else chain.reaches, problem, notes)


def with_what_is_left(act: Callable[[], Value]) -> Value:
    """Act until nothing is lost on the way; each time the archive lists less, so this ends."""
    while True:
        try:
            return act()
        except PieceLost:
            continue


def notes_of(archive: ArchivePlaces, pieces: Sequence[LogPiece | FilePiece]) -> tuple[str, ...]:
    """Say which buckets serve, where that is not the first one alone (French)."""
    used = {each.place for each in pieces}
    return archive_notes(list(archive.archives), archive.lost, archive.damaged, used)


def pieces_of(spans: Sequence[LogSpan]) -> list[LogPiece]:
    """Return the pieces that make up logs."""
    return [piece for span in spans for piece in span.pieces]


def _furthest(
    estate: Estate, chosen: RecoverySet, wanted: WantedPoint
) -> tuple[LogChain, LogPoint | None, bool]:
    """Return what leads on from a set, and the wanted point in it, if it is there."""
    assert estate.archive is not None  # noqa: S101 - the caller checked
    chain = chain_behind(estate, chosen)
    if not chain.spans:
        return chain, None, False
    return chain, *find_point(estate.archive, chain.spans, wanted)


def archived_sets(estate: Estate) -> list[RecoverySet]:
    """Return the sets with an archive behind them, newest first.

    They are those of the first repository that answers; what it holds is not checked.
    """
    failed: ContinuityError | None = None
    for each in estate.repositories.values():
        try:
            sets = Catalogue(each).list(estate.name).sets
        except GONE as error:
            failed = failed or error
            continue
        return [made for made in reversed(sets) if made.position and made.position.identity]
    assert failed is not None  # noqa: S101 - there is always a repository
    raise failed


def chain_behind(estate: Estate, chosen: RecoverySet) -> LogChain:
    """Return the logs that lead on from a set that has an archive."""
    assert estate.archive is not None  # noqa: S101 - the callers checked
    assert chosen.position is not None  # noqa: S101
    listing = estate.archive.listing(estate.name, chosen.started_at - EARLIER)
    return chain_logs(listing, chosen.position)


def find_point(
    archive: ArchivePlaces, spans: Sequence[LogSpan], wanted: WantedPoint
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


def log_events(archive: ArchivePlaces, span: LogSpan) -> Iterator[LogHead | Transaction]:
    """Yield head and transactions of a log, from its first byte to the span's end."""
    return transactions(log_bytes(archive, span), f"archive of {span.log.name}")


def log_bytes(archive: ArchivePlaces, span: LogSpan) -> Iterator[bytes]:
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


def _nothing(
    chosen: RecoverySet, chain: LogChain, text: str, again: str, notes: tuple[str, ...]
) -> ArchiveView:
    if text:
        raise _too_far(chain, None, text, again)
    problem = f"{chain.gap} : données du jeu {chosen.id} seulement"
    return ArchiveView("", None, None, problem, notes)


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
