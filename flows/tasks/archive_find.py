"""Search the archive of a server for a statement; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from blocks.archives.places import ArchivePlaces
from blocks.types import LogPiece, RecoverySet
from flows.decisions.log_chain import LogChain, chain_logs, leads_to, sets_since
from flows.decisions.point_in_time import find_statements
from flows.tasks.archive_look import EARLIER, log_events, notes_of, pieces_of, with_what_is_left


@dataclass(frozen=True, slots=True)
class FoundStatement:
    """One transaction whose text was sought.

    Attributes:
        statement: The first of its statements that contains the text.
        from_set: The set to go back from; "" if the newest one before it serves by itself.
    """

    gtid: str
    at: datetime
    statement: str
    from_set: str


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, oldest first, and what was read for it.

    Attributes:
        read: From when to when there are logs, oldest first; several stretches after a recovery.
        notes: Which buckets served, where that was not the first one alone.
    """

    found: tuple[FoundStatement, ...]
    read: tuple[tuple[datetime, datetime], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The sets of one machine that are searched, oldest first, and the logs behind the first."""

    sets: list[RecoverySet]
    chain: LogChain


def search(
    archive: ArchivePlaces, server: str, sets: Sequence[RecoverySet], text: str, since: datetime
) -> Search:
    """Return the transactions of a server since a moment with a statement that contains the text.

    The logs that lead on from any of the sets are read, each once: after a recovery those of the
    old machine have ended, and those of the new one begin with its first set.

    Args:
        archive: Where the logs lie.
        server: Whose logs.
        sets: Those with an archive behind them, in any order.
        text: Part of a statement, whatever its case.
        since: The first moment that counts.
    """
    return with_what_is_left(lambda: _search(archive, server, sets_since(sets, since), text, since))


def _search(
    archive: ArchivePlaces, server: str, sets: Sequence[RecoverySet], text: str, since: datetime
) -> Search:
    found: list[FoundStatement] = []
    pieces: list[LogPiece] = []
    stretches = _stretches(archive, server, sets)
    for stretch in stretches:
        last = stretch is stretches[-1]
        pieces += pieces_of(stretch.chain.spans)
        found += [each for each in _found(archive, stretch, text, last=last) if each.at >= since]
    return Search(
        tuple(sorted(dict.fromkeys(found), key=lambda each: each.at)),
        tuple(
            (each.sets[0].consistent_at, reaches)
            for each in stretches
            if (reaches := each.chain.reaches)
        ),
        notes_of(archive, pieces),
    )


def _stretches(archive: ArchivePlaces, server: str, sets: Sequence[RecoverySet]) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    for each in sets:
        assert each.position is not None  # noqa: S101 - the caller chose those that have one
        if stretches and leads_to(stretches[-1].chain, each.position.log, each.position.offset):
            stretches[-1].sets.append(each)
            continue
        listing = archive.listing(server, each.started_at - EARLIER)
        stretches.append(_Stretch([each], chain_logs(listing, each.position)))
    return [each for each in stretches if each.chain.spans]


def _found(
    archive: ArchivePlaces, stretch: _Stretch, text: str, *, last: bool
) -> Iterator[FoundStatement]:
    for span in stretch.chain.spans:
        for each in find_statements(log_events(archive, span), text):
            statement = next(s for s in each.statements if text.lower() in s.lower())
            before = [made.id for made in stretch.sets if made.consistent_at <= each.at]
            from_set = before[-1] if before and not last else ""
            yield FoundStatement(str(each.gtid), each.at, statement, from_set)
