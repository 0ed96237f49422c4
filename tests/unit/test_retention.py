from __future__ import annotations

from datetime import timedelta

import pytest

from flows.decisions.retention import RetentionRule, sets_to_keep, snapshots_to_keep
from tests.unit.samples import NOON, recovery_set

DAILY = [recovery_set(NOON - timedelta(days=day)) for day in range(60)]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (RetentionRule(1, 0, 0, 0), 1),
        (RetentionRule(3, 0, 0, 0), 3),
        (RetentionRule(1, 7, 0, 0), 7),
        (RetentionRule(1, 7, 4, 0), 9),
        (RetentionRule(1, 0, 0, 2), 2),
        (RetentionRule(0, 0, 0, 0), 1),
    ],
)
def test_how_many_are_kept(rule, kept):
    assert len(sets_to_keep(DAILY, rule)) == kept


def test_the_newest_set_is_always_kept():
    assert sets_to_keep(DAILY, RetentionRule(0, 0, 0, 0)) == (DAILY[0].id,)


def test_of_one_day_the_newest_is_kept():
    day = [recovery_set(NOON + timedelta(hours=hour)) for hour in range(3)]
    assert sets_to_keep(day, RetentionRule(1, 7, 0, 0)) == (day[2].id,)


def test_silence_drops_nothing():
    old = [recovery_set(NOON - timedelta(days=400 + day)) for day in range(3)]
    assert len(sets_to_keep(old, RetentionRule(1, 7, 0, 0))) == 3


def test_snapshots_of_kept_sets_are_kept_and_only_those():
    kept = snapshots_to_keep(DAILY[:2], [DAILY[0].id])
    assert kept == {ref.id for ref in DAILY[0].snapshots}
