"""Which pieces of an archive stay locked, and what `continuity status` says of locks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from blocks.types import (
    ArchiveListing,
    FilePiece,
    LogId,
    LogPiece,
    ObjectVersion,
    Part,
    Position,
    RecoverySet,
)
from flows.decisions.archive_locks import KeptArchive, LockRecord, live_sets, needed_pieces
from flows.decisions.immutability import NEVER, Immutability
from flows.decisions.lock_audit import PIECES, audit_locks
from flows.reports.lock_text import archive_locks_markdown, lock_rows
from tests.unit.samples import NOON, recovery_set

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
PROVEN = Immutability(True, "immuabilité prouvée", NOON, "GOVERNANCE")
LOG = LogId("bin.000001", "a" * 16)


def made(days_ago: int) -> RecoverySet:
    found = recovery_set(NOON - days_ago * DAY)
    return replace(found, position=Position(LOG.name, 10, "0-1-1", NOON, LOG.identity))


def piece(key: str, start: int, end: int, minutes: int) -> LogPiece:
    return LogPiece(key, 10, NOON + minutes * MINUTE, LOG, start, end)


def test_the_newest_sets_with_an_archive_are_the_ones_it_serves() -> None:
    sets = [made(3), recovery_set(NOON - 2 * DAY), made(1), made(0)]
    without = [each for each in sets if not (each.position and each.position.identity)]
    assert live_sets(sets, 2) == (sets[2], sets[3])
    assert not set(without) & set(live_sets(sets, 9))


def test_what_a_greater_piece_covers_is_not_needed() -> None:
    logs = (piece("a", 0, 50, 1), piece("b", 50, 90, 2), piece("ab", 0, 90, 3))
    newest = made(0)
    site = next(ref for ref in newest.snapshots if ref.part is Part.SITE)
    since = site.time - MINUTE
    files = (
        FilePiece("f", 1, site.time + MINUTE, site.subject, since),
        FilePiece("old", 1, since, site.subject, since - MINUTE),
        FilePiece("other", 1, site.time + MINUTE, "nobody", since),
    )
    found = needed_pieces(ArchiveListing(logs, files, None), [newest], NOON + DAY)
    assert set(found) == {"ab", "f"}


def test_a_piece_that_was_hidden_or_written_over_is_told() -> None:
    one = ObjectVersion("web1/p", "v1", NOON, 10, "good")
    over = [replace(one, newest=False), ObjectVersion("web1/p", "v2", NOON + MINUTE, 10, "evil")]
    mark = [replace(one, newest=False), ObjectVersion("web1/p", "v2", NOON + MINUTE, hidden=True)]
    for versions, overwritten, missing in ((over, 1, 0), (mark, 0, 1), ([one], 0, 0)):
        locks = {(each.key, each.id): None for each in versions}
        found = audit_locks(
            "web1", versions, ["web1/p"], locks, NOON, 14 * DAY, "GOVERNANCE", PIECES
        )
        assert (len(found.overwritten), len(found.missing)) == (overwritten, missing)
        assert ("web1/p", "v1") in [key for key, _ in found.lengthen]
    kept = {
        "principal": KeptArchive(PROVEN, "GOVERNANCE", found),
        "copie": KeptArchive(failed="illisible"),
    }
    page = archive_locks_markdown(kept)
    assert "principal : immuabilité prouvée ; 1 morceau utile" in page
    assert "copie : l'immuabilité n'a jamais été testée ; illisible" in page


def test_status_has_a_line_for_each_place_and_says_what_ends_too_early() -> None:
    tests = {("dépôt", "principal"): PROVEN, ("archive", "principal"): PROVEN,
             ("archive", "copie"): NEVER}  # fmt: skip
    records = [
        LockRecord("principal", "dépôt", NOON, "GOVERNANCE", 14, 1200, NOON + 9 * DAY),
        LockRecord("principal", "archive", NOON, "GOVERNANCE", 14, 300, NOON + 2 * DAY),
    ]
    first, second, third = lock_rows(tests, records, NOON)
    assert first[0] == "dépôt principal"
    assert first[1].startswith("immuabilité prouvée (")
    assert "GOVERNANCE, 14 jours" in first[2]
    assert "TROP TÔT" not in first[3]
    assert "TROP TÔT" in second[3]
    assert third == (
        "archive copie", "l'immuabilité n'a jamais été testée", "?",
        "aucun contrôle : continuity retention",
    )  # fmt: skip
