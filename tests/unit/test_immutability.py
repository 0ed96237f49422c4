from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.types import BucketCheck, CheckResult, CheckState, SelfTest
from flows.decisions.immutability import REQUIRED, VALID, judge
from tests.unit.samples import NOON

ALL_HELD = tuple(CheckResult(each, CheckState.HELD, f"vu {each}") for each in BucketCheck)
GOOD = SelfTest("https://s3.example/bucket", NOON, ALL_HELD, "COMPLIANCE")


def but(check: BucketCheck, state: CheckState) -> SelfTest:
    results = [replace(r, state=state) if r.check is check else r for r in ALL_HELD]
    return replace(GOOD, results=tuple(results))


def test_all_promises_kept_is_a_proof():
    assert judge(GOOD).proven is True
    assert judge(GOOD).at == NOON
    assert "propriétaire" not in judge(GOOD).sentence


def test_a_lock_that_the_owner_may_lift_is_said_to_be_one():
    assert "propriétaire" in judge(replace(GOOD, lock_mode="GOVERNANCE")).sentence


@pytest.mark.parametrize("check", REQUIRED)
def test_one_broken_promise_disproves_it(check):
    found = judge(but(check, CheckState.NOT_HELD))
    assert found.proven is False
    assert f"vu {check}" in found.sentence


@pytest.mark.parametrize("check", REQUIRED)
def test_what_could_not_be_tested_is_not_proven(check):
    assert judge(but(check, CheckState.UNTESTED)).proven is None


def test_a_test_without_all_checks_proves_nothing():
    assert judge(replace(GOOD, results=ALL_HELD[:2])).proven is None


@pytest.mark.parametrize("check", [BucketCheck.RANGE, BucketCheck.CONDITIONAL])
def test_what_has_nothing_to_do_with_it_does_not_count(check):
    assert judge(but(check, CheckState.NOT_HELD)).proven is True


def test_an_old_proof_is_none():
    assert judge(GOOD, NOON + VALID).proven is True
    assert judge(GOOD, NOON + VALID + timedelta(hours=1)).proven is None
    assert judge(GOOD, NOON - timedelta(days=1)).proven is None


def test_an_old_disproof_stays_one():
    old = but(BucketCheck.DESTROY, CheckState.NOT_HELD)
    assert judge(old, NOON + timedelta(days=99)).proven is False
