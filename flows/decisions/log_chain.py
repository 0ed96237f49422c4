"""Decide which binary logs lead on from a recovery set, and where they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.types import (
    ArchiveListing,
    FilePiece,
    LogId,
    LogPiece,
    LogSpan,
    Position,
    RecoverySet,
)
from flows.decisions.cover import cover


@dataclass(frozen=True, slots=True)
class LogChain:
    """The logs after a recovery set, without a gap.

    Attributes:
        spans: In the order of replay; the first holds the set's position. Empty if not even that
            is there.
        reaches: All that was committed until then is in it; None without spans.
        gap: Why it goes no further although newer pieces exist, "" if it ends where all ends.
    """

    spans: tuple[LogSpan, ...]
    reaches: datetime | None
    gap: str


def chain_logs(listing: ArchiveListing, begin: Position) -> LogChain:
    """Follow the logs from a set's position, each to the one that was begun after it."""
    log = begin.log
    spans: list[LogSpan] = []
    reaches: datetime | None = None
    needed = begin.offset
    while True:
        pieces = cover(
            [piece for piece in listing.logs if piece.log == log],
            0,
            lambda piece: piece.start,
            lambda piece: piece.end,
            lambda piece: piece.place,
        )
        end = pieces[-1].end if pieces else 0
        if end < needed:
            return LogChain(tuple(spans), reaches, _lack(log, end))
        following = _following(listing, log)
        size = following.follows.size if following and following.follows else None
        reaches = _moment(listing, log, end)
        spans.append(LogSpan(log, min(end, size) if size is not None else end, pieces))
        if following is None or size is None:
            return LogChain(tuple(spans), reaches, _unconnected(listing, spans, reaches))
        if end < size:
            return LogChain(tuple(spans), reaches, _lack(log, end))
        log, needed = following.log, 1


def reach(
    listing: ArchiveListing, positions: Sequence[Position], now: datetime, grace: timedelta
) -> tuple[datetime | None, str]:
    """Return how far the newest set can be brought, and why no further.

    Args:
        listing: What the archive holds.
        positions: Of the sets, newest first; at least one.
        now: Time of the look.
        grace: The archive may be so far behind a set that was just made, if it leads on from the
            set before.
    """
    newest, *older = (chain_logs(listing, each) for each in positions[:2])
    if newest.gap and older and not older[0].gap and now - positions[0].at <= grace:
        newest = older[0]
    return newest.reaches, newest.gap


def _following(listing: ArchiveListing, log: LogId) -> LogPiece | None:
    """Return the first piece of the log that was begun after this one."""
    found = [piece for piece in listing.logs if piece.follows and piece.follows.log == log]
    return found[0] if found else None


def _moment(listing: ArchiveListing, log: LogId, end: int) -> datetime:
    """Return since when the log's first `end` bytes lie in the archive."""
    return min(piece.at for piece in listing.logs if piece.log == log and piece.end >= end)


def _lack(log: LogId, end: int) -> str:
    return f"{log.name} manque à partir de l'octet {end}"


def _unconnected(listing: ArchiveListing, spans: Sequence[LogSpan], reaches: datetime) -> str:
    """Name the first log that is newer than the chain and does not follow from it."""
    held = {span.log: span.end for span in spans}
    newer = [p for p in listing.logs if p.at > reaches and p.end > held.get(p.log, 0)]
    return f"{newer[0].log.name} ne fait suite à rien" if newer else ""


def leads_to(chain: LogChain, log: LogId, offset: int) -> bool:
    """Return whether an offset of a log is within the chain."""
    return any(span.log == log and span.end >= offset for span in chain.spans)


def sets_since(sets: Sequence[RecoverySet], since: datetime) -> list[RecoverySet]:
    """Return the sets whose logs may hold what was written since then, oldest first.

    The newest one from before that moment leads to it; each later one may be of another machine.
    """
    in_order = sorted(sets, key=lambda each: each.consistent_at)
    before = [n for n, each in enumerate(in_order) if each.consistent_at <= since]
    return in_order[before[-1] if before else 0 :]


def cut_chain(spans: Sequence[LogSpan], log: LogId, end: int) -> tuple[LogSpan, ...]:
    """Return the spans up to an offset of one of their logs."""
    kept: list[LogSpan] = []
    for span in spans:
        if span.log == log:
            kept.append(LogSpan(log, end, tuple(p for p in span.pieces if p.start < end)))
            break
        kept.append(span)
    return tuple(kept)


def choose_changes(
    pieces: Sequence[FilePiece], site: str, since: datetime, until: datetime
) -> tuple[tuple[FilePiece, ...], str]:
    """Return the changes that bring a site's files from a snapshot to a moment, and what lacks.

    `since` is when the snapshot was begun. The last piece may hold changes of up to one pass after
    `until`, so that no row names a file that is not there.
    """
    ours = [piece for piece in pieces if piece.site == site and piece.at > since]
    # Of each bucket, the first piece that goes as far as wanted: newer ones go too far.
    last: dict[int, datetime] = {}
    for piece in ours:
        if piece.at >= until:
            last[piece.place] = min(piece.at, last.get(piece.place, piece.at))
    wanted = [piece for piece in ours if piece.at <= last.get(piece.place, piece.at)]
    covering = cover(
        wanted,
        since,
        lambda piece: piece.since,
        lambda piece: piece.at,
        lambda piece: piece.place,
    )
    ends = [n for n, piece in enumerate(covering) if piece.at >= until]
    if ends:
        return covering[: ends[0] + 1], ""
    reached = covering[-1].at if covering else since
    # What began after that moment, on the machine of an earlier recovery, says nothing of it.
    left = sorted(piece.since for piece in wanted if piece.at > reached and piece.since < until)
    return covering, f"les fichiers modifiés avant {left[0]:%H:%M:%S} manquent" if left else ""
