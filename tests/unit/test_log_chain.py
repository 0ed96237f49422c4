"""Which pieces lead on from a recovery set: overlaps, gaps, logs of the same name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from blocks.archives.names import listing, stamp
from blocks.archives.places import merged
from blocks.types import ArchiveListing, FilePiece, LogId, Position, StoredObject
from flows.decisions.cover import cover
from flows.decisions.log_chain import (
    LogChain,
    chain_logs,
    choose_changes,
    cut_chain,
    leads_to,
    reach,
    sets_since,
)
from tests.unit.samples import recovery_set

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
A, B, C = "a" * 16, "b" * 16, "c" * 16
POSITION = Position("bin.000001", 150, "0-1-7", T0, A)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def key(seconds: float, rest: str) -> StoredObject:
    return StoredObject(f"web1/{stamp(at(seconds))}-{rest}.zst.age", 10, "", T0)


def log(
    seconds: float, name: str, identity: str, start: int, end: int, after: str = ""
) -> StoredObject:
    return key(seconds, f"log-bin.{name}-{identity}-{start}-{end}{after}")


ONE = [log(1, "000001", A, 0, 100), log(16, "000001", A, 100, 400)]
TWO = [log(31, "000002", B, 0, 300, f"-after-bin.000001-{A}-400"), log(46, "000002", B, 300, 500)]


def test_a_log_is_followed_into_the_next() -> None:
    chain = chain_logs(listing([*ONE, *TWO]), POSITION)
    assert [(span.log.name, span.end) for span in chain.spans] == [
        ("bin.000001", 400), ("bin.000002", 500),
    ]  # fmt: skip
    assert (chain.reaches, chain.gap) == (at(46), "")


def test_a_lacking_piece_is_a_gap_and_what_is_before_it_is_kept() -> None:
    chain = chain_logs(listing([ONE[0], *TWO]), POSITION)
    assert not chain.spans
    assert "bin.000001 manque à partir de l'octet 100" in chain.gap
    longer = [*ONE, log(31, "000002", B, 0, 300, f"-after-bin.000001-{A}-900"), TWO[1]]
    chain = chain_logs(listing(longer), POSITION)
    assert [span.end for span in chain.spans] == [400]
    assert "octet 400" in chain.gap
    assert chain.reaches == at(16)


def test_an_archive_may_be_a_pass_behind_a_set_that_was_just_made() -> None:
    made = replace(POSITION, offset=450, at=at(20))
    found, minute = listing(ONE), timedelta(minutes=1)
    lack = "bin.000001 manque à partir de l'octet 400"
    assert reach(found, [made, POSITION], at(30), minute) == (at(16), "")
    assert reach(found, [made, POSITION], at(81), minute) == (None, lack)
    assert reach(found, [made], at(30), minute) == (None, lack)
    assert reach(found, [POSITION, made], at(30), minute) == (at(16), "")
    other = replace(POSITION, identity=B)
    assert reach(found, [other, replace(other, offset=1)], at(5), minute)[1]


def test_a_log_of_the_same_name_is_another_log() -> None:
    rebuilt = [log(60, "000001", C, 0, 5000)]
    chain = chain_logs(listing([*ONE, *rebuilt]), POSITION)
    assert [span.end for span in chain.spans] == [400]
    assert chain.gap == "bin.000001 ne fait suite à rien"


def test_pieces_overlap_after_an_answer_was_lost() -> None:
    again = [*ONE, log(17, "000001", A, 100, 450), log(40, "000001", A, 0, 460)]
    chain = chain_logs(listing(again), POSITION)
    assert chain.spans[0].end == 460
    assert [piece.end for piece in chain.spans[0].pieces] == [460]
    assert chain.reaches == at(40)


def test_a_cut_keeps_only_what_is_needed() -> None:
    chain = chain_logs(listing([*ONE, *TWO]), POSITION)
    (first,) = cut_chain(chain.spans, chain.spans[0].log, 90)
    assert (first.end, len(first.pieces)) == (90, 1)
    assert len(cut_chain(chain.spans, chain.spans[1].log, 10)) == 2


def test_cover_is_gapless_and_as_far_as_any_choice() -> None:
    for seed in range(300):
        random = Random(seed)  # noqa: S311 - no secret
        pieces = [(n, n + random.randint(1, 9)) for n in random.choices(range(40), k=25)]
        chosen = cover(pieces, 0, lambda p: p[0], lambda p: p[1])
        assert all(left[1] >= right[0] for left, right in pairwise(chosen))
        reached = 0
        while step := max((p[1] for p in pieces if p[0] <= reached < p[1]), default=0):
            reached = step
        assert (chosen[-1][1] if chosen else 0) == reached


def change(since: float, until: float) -> FilePiece:
    return FilePiece(f"{until}", 10, at(until), "shop", at(since))


def test_changes_begin_before_the_copy_and_end_with_one_pass_more() -> None:
    pieces = [change(-20, -5), change(-5, 10), change(-1, 40), change(40, 55), change(55, 70)]
    chosen, lacking = choose_changes(pieces, "shop", at(0), at(50))
    assert [piece.at for piece in chosen] == [at(40), at(55)]
    assert lacking == ""


def test_changes_that_lack_are_told() -> None:
    chosen, lacking = choose_changes([change(5, 20)], "shop", at(0), at(50))
    assert chosen == ()
    assert "manquent" in lacking
    assert choose_changes([change(5, 20)], "other", at(0), at(50)) == ((), "")


def test_changes_of_a_machine_that_came_later_say_nothing_of_the_moment() -> None:
    earlier, later = change(0, 20), change(60, 80)
    assert choose_changes([earlier, later], "shop", at(0), at(50)) == ((earlier,), "")
    assert "manquent" in choose_changes([earlier, later], "shop", at(0), at(70))[1]


def test_a_pass_whose_files_failed_does_not_count() -> None:
    found = listing([ONE[0], key(20, f"log-bin.000001-{A}-100-200-alone"), key(5, "pulse")])
    assert found.seen_until == at(5)
    assert [piece.end for piece in found.logs] == [100, 200]


# --- two buckets ---


def held_in(place: int, *objects: StoredObject) -> ArchiveListing:
    """Return what a bucket holds, as `ArchivePlaces` lists it."""
    found = listing(objects)
    return ArchiveListing(
        tuple(replace(each, place=place) for each in found.logs), found.files, found.seen_until
    )


def places(chain: LogChain) -> list[list[int]]:
    return [[piece.place for piece in span.pieces] for span in chain.spans]


def test_the_first_bucket_gives_all_that_it_has() -> None:
    longer = log(30, "000001", A, 0, 400)
    both = merged([held_in(0, *ONE, *TWO), held_in(1, longer, *TWO)])
    assert places(chain_logs(both, POSITION)) == [[0, 0], [0, 0]]


def test_what_lacks_in_one_bucket_comes_from_the_other() -> None:
    first, second = held_in(0, ONE[0], TWO[1]), held_in(1, *ONE, TWO[0])
    for alone in (first, second):
        assert chain_logs(alone, POSITION).reaches != at(46)
    chain = chain_logs(merged([first, second]), POSITION)
    assert places(chain) == [[0, 1], [1, 0]]
    assert (chain.reaches, chain.gap) == (at(46), "")


def test_a_bucket_that_got_the_same_bytes_later_makes_no_gap() -> None:
    late = log(90, "000001", A, 0, 400)
    chain = chain_logs(merged([held_in(0, *ONE), held_in(1, late)]), POSITION)
    assert (chain.reaches, chain.gap) == (at(16), "")


def test_a_hole_in_the_last_log_is_a_gap_all_the_same() -> None:
    hole = log(50, "000002", B, 700, 800)
    chain = chain_logs(merged([held_in(0, *ONE, *TWO), held_in(1, hole)]), POSITION)
    assert chain.gap == "bin.000002 ne fait suite à rien"
    assert leads_to(chain, LogId("bin.000002", B), 500)
    assert not leads_to(chain, LogId("bin.000002", B), 501)


def test_a_search_begins_at_the_newest_set_before_it_and_takes_all_later_ones() -> None:
    noon, one, two = (recovery_set(T0 + timedelta(hours=n)) for n in range(3))
    sets = [two, noon, one]
    assert sets_since(sets, one.consistent_at) == [one, two]
    assert sets_since(sets, one.consistent_at - timedelta(seconds=1)) == [noon, one, two]
    assert sets_since(sets, at(-9999)) == [noon, one, two]
    assert sets_since(sets, at(99999)) == [two]
    assert sets_since([], at(0)) == []


def test_changes_come_from_the_bucket_that_has_them() -> None:
    first = [change(-5, 10), change(40, 55)]
    second = [replace(each, place=1) for each in (change(-5, 10), change(10, 40), change(40, 90))]
    chosen, lacking = choose_changes([*first, *second], "shop", at(0), at(50))
    assert [(piece.place, piece.at) for piece in chosen] == [
        (0, at(10)), (1, at(40)), (0, at(55)),
    ]  # fmt: skip
    assert lacking == ""
    _, lacking = choose_changes(first, "shop", at(0), at(50))
    assert "manquent" in lacking


def test_the_lowest_rank_gives_as_long_as_it_leads_on() -> None:
    pieces = [(0, 5, 1), (0, 9, 2), (5, 6, 1), (7, 20, 1), (8, 30, 2)]
    chosen = cover(pieces, 0, lambda p: p[0], lambda p: p[1], lambda p: p[2])
    assert chosen == ((0, 5, 1), (5, 6, 1), (0, 9, 2), (7, 20, 1), (8, 30, 2))
