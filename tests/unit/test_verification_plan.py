"""What is read when, how old a reading may be, and damage; also over runs that never ran."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from blocks.types import Damage, Proof, Reading, SliceRead, SpotCheck
from flows.decisions.verification_plan import (
    Policy,
    after_slice,
    after_spot,
    bound,
    last_read,
    load_due,
    slices_due,
)
from tests.unit.samples import NOON

DAY = timedelta(days=1)
POLICY = Policy(7 * DAY, 7 * DAY, 40)
NEW = Reading("web1", NOON)
PACK = "web1/restic/data/05/05ab"


def read(reading: Reading, number: int, at: datetime, *damaged: str, **more: object) -> Reading:
    of = POLICY.slices
    seen = SliceRead(number, of, 1, 10, 60, damaged, **more)  # type: ignore[arg-type]
    return after_slice(reading, seen, dict.fromkeys(damaged, ("s1",)), at)


def run(reading: Reading, at: datetime) -> tuple[Reading, int]:
    due = slices_due(reading, POLICY, at)
    for number in due:
        reading = read(reading, number, at)
    return reading, len(due)


def days(numbers: Iterable[int]) -> tuple[Reading, list[int], timedelta]:
    """Run on these days; return the state, slices a run, and the longest time unread at all."""
    reading, counts, worst = NEW, [], timedelta()
    for number in numbers:
        at = NOON + number * DAY
        times = [last_read(reading, each, POLICY.slices) or NOON for each in range(1, 7)]
        worst = max(worst, at - min(times))
        reading, count = run(reading, at)
        counts.append(count)
    return reading, counts, worst


def test_a_day_is_kept_in_reserve() -> None:
    assert POLICY.slices == 6
    assert replace(POLICY, read_within=2 * DAY).slices == 1
    assert replace(POLICY, read_within=400 * DAY).slices == 256


def test_one_slice_a_day_reads_everything_in_time() -> None:
    reading, counts, worst = days(range(30))
    assert counts == [1] * 30
    assert worst <= POLICY.read_within
    now = bound(reading, POLICY, NOON + 29 * DAY)
    assert (now.unread, now.oldest, now.late) == (0, 5 * DAY, False)


@pytest.mark.parametrize("skipped", [{3}, {10}, {0, 8}, {9, 16, 23}])
def test_a_run_that_never_ran_is_caught_up_in_time(skipped: set[int]) -> None:
    reading, counts, worst = days(sorted(set(range(30)) - skipped))
    assert worst <= POLICY.read_within
    assert max(counts) <= 2
    assert not bound(reading, POLICY, NOON + 29 * DAY).late


def test_after_a_week_without_a_run_all_that_is_late_is_read_at_once() -> None:
    before, _, _ = days(range(10))
    at = NOON + 18 * DAY
    assert bound(before, POLICY, at).late
    after, count = run(before, at)
    assert count == 6
    assert bound(after, POLICY, at).oldest == timedelta()


def test_until_all_is_read_once_there_is_no_bound_and_it_may_not_take_long() -> None:
    reading, _, _ = days(range(2))
    seen = bound(reading, POLICY, NOON + DAY)
    assert (seen.unread, seen.oldest, seen.late) == (4, None, False)
    assert bound(reading, POLICY, NOON + 8 * DAY).late


def test_another_promise_keeps_what_is_known() -> None:
    reading, _, _ = days(range(6))
    other = replace(POLICY, read_within=4 * DAY)
    assert bound(reading, other, NOON + 5 * DAY).oldest == 5 * DAY
    assert set(slices_due(reading, other, NOON + 6 * DAY)) == {1, 2, 3}


def test_damage_stays_until_its_slice_is_read_whole() -> None:
    """The name 05 is in slice 5 % 6 + 1 = 6."""
    hurt = read(NEW, 6, NOON, PACK)
    assert hurt.damaged == (Damage(PACK, ("s1",), NOON),)
    assert read(hurt, 1, NOON).damaged == hurt.damaged
    assert 6 in slices_due(hurt, POLICY, NOON + DAY), "looked at again each time"
    half = read(hurt, 6, NOON, complete=False)
    assert half.damaged == hurt.damaged
    assert read(hurt, 6, NOON + DAY).damaged == ()


def test_a_slice_that_was_not_read_whole_was_not_read() -> None:
    index = "web1/restic/index/77aa"
    hurt = read(NEW, 1, NOON, index, complete=False)
    assert last_read(hurt, 1, 6) is None
    assert [each.key for each in hurt.damaged] == [index]
    assert read(hurt, 2, NOON + DAY).damaged == (), "the index is read with every slice"


def test_bytes_add_up() -> None:
    reading, _, _ = days(range(4))
    assert (reading.bytes, reading.total) == (40, 60)


@pytest.mark.parametrize(
    ("age", "differences", "due"),
    [(5, (), False), (5.9, (), False), (6, (), True), (9, (), True), (1, ("lost",), True)],
)
def test_a_proof_is_renewed_before_it_runs_out(
    age: float, differences: tuple[str, ...], due: bool
) -> None:
    proof = Proof("web1", "s1", "i", NOON - age * DAY, differences=differences)
    assert load_due([proof], POLICY, NOON) is due
    assert load_due([], POLICY, NOON)


def test_damage_that_the_comparison_met_stays_until_its_slice_is_read_again() -> None:
    spot, hurt = SpotCheck("s1", NOON, 2, 1, 0), Damage(PACK, ("s1",), NOON)
    seen = after_spot(NEW, spot, [hurt])
    assert (seen.spot, seen.damaged) == (spot, (hurt,))
    assert after_spot(seen, spot, []).damaged == (hurt,)
    assert 6 in slices_due(seen, POLICY, NOON), "the slice of names 05"
    assert read(seen, 6, NOON).damaged == ()
