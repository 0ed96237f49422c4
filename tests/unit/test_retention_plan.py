from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.errors import UnsafePlan
from flows.decisions.retention import RetentionRule
from flows.decisions.retention_plan import (
    RetentionRecord,
    RetentionView,
    plan_retention,
    require_sound_clock,
)
from tests.unit.samples import NOON, recovery_set

DAY = timedelta(days=1)
SETS = tuple(recovery_set(NOON - DAY * day) for day in range(10))
RULE = RetentionRule(3, 0, 0, 0)


def view(sets=SETS, refused=None, previous=None):
    return RetentionView("web1", tuple(sets), refused or {}, previous)


def test_what_the_rule_does_not_keep_goes():
    plan = plan_retention(view(), RULE)
    assert len(plan.kept) == 3
    assert set(plan.gone) == {each.id for each in SETS[3:]}
    assert plan.snapshots == {ref.id for each in SETS[:3] for ref in each.snapshots}


def test_nothing_goes_while_a_set_is_damaged():
    with pytest.raises(UnsafePlan, match=r"web1-bad.*cannot be used: overwritten.*rewind"):
        plan_retention(view(refused={"web1-bad": "overwritten"}), RULE)


def test_a_catalogue_that_shrank_is_not_pruned():
    before = RetentionRecord(NOON, tuple(each.id for each in SETS[:3]))
    with pytest.raises(UnsafePlan, match=rf"2 of 3 sets vanished: {SETS[1].id}"):
        plan_retention(view(SETS[:1], previous=before), RULE)


def test_an_empty_catalogue_where_there_were_sets_is_not_pruned():
    before = RetentionRecord(NOON, (SETS[0].id,))
    with pytest.raises(UnsafePlan, match="1 of 1 sets vanished"):
        plan_retention(view((), previous=before), RULE)


def test_a_run_that_was_killed_is_not_taken_for_a_catalogue_that_shrank():
    before = RetentionRecord(NOON, tuple(each.id for each in SETS[:3]))
    for left in range(3, 10):
        assert len(plan_retention(view(SETS[:left], previous=before), RULE).kept) == 3


def test_without_any_set_nothing_is_to_do():
    assert plan_retention(view(()), RULE).gone == ()


@pytest.mark.parametrize(
    "apart", [timedelta(minutes=11), timedelta(days=-40), timedelta(days=4000)]
)
def test_a_clock_far_from_the_stores_stops_everything(apart):
    with pytest.raises(UnsafePlan, match=r"too far apart.*timedatectl"):
        require_sound_clock("web1", NOON + apart, NOON, None)


def test_a_clock_that_went_back_stops_everything():
    with pytest.raises(UnsafePlan, match=r"went back"):
        require_sound_clock("web1", NOON - DAY, NOON - DAY, RetentionRecord(NOON, ()))
    require_sound_clock("web1", NOON + DAY, NOON + DAY, RetentionRecord(NOON, ()))
