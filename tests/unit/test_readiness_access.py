"""Stock, PHP, keys, tests of buckets and the way of a yes: what each finding means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.errors import AuthenticationFailed, ContinuityError, Unreachable
from blocks.types import (
    BucketCheck,
    CheckResult,
    CheckState,
    KeyRole,
    Room,
    SelfTest,
    Stock,
)
from flows.decisions.immutability import VALID
from flows.decisions.readiness import Check, State
from flows.decisions.readiness_access import (
    ApprovalWay,
    judge_approval,
    judge_keys,
    judge_refusal,
    judge_self_test,
)
from flows.decisions.readiness_machines import RoomView, judge_php, judge_room
from flows.decisions.recovery_plan import TargetChoice
from flows.decisions.verification_plan import NEXT_RUN
from tests.unit.samples import NOON, recovery_set

GIB = 1024**3
MADE = recovery_set()
FIRST = TargetChoice("vps/first", "standard", "", "12")
SECOND = TargetChoice("vps/second", "", "", "13")
FREE, FULL = Room(Stock.AVAILABLE, "3 libres", 3), Room(Stock.SOLD_OUT, "0 libre", 0)
SILENT = Room(Stock.UNKNOWN, "rien de dit")


def rooms(*found: Room, failed: str = "") -> Check:
    views = [RoomView(*each) for each in zip((FIRST, SECOND), found, strict=False)]
    views = [replace(each, failed=failed) if each.room is SILENT else each for each in views]
    return judge_room(views, MADE)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ((FREE, FULL), State.READY), ((FULL, FREE), State.WARNING), ((FULL, FULL), State.FAILED),
        ((SILENT, FULL), State.WARNING), ((SILENT, FREE), State.WARNING), ((), State.FAILED),
    ],
)  # fmt: skip
def test_stock_is_red_only_when_no_target_has_room(found: tuple[Room, ...], state: State) -> None:
    assert rooms(*found).state is state


def test_a_provider_that_cannot_be_asked_is_not_taken_for_free_or_full() -> None:
    dark = rooms(FULL, SILENT, failed="no answer")
    assert (dark.state, "no answer" in dark.seen) == (State.UNKNOWN, True)
    assert rooms(FREE, SILENT, failed="no answer").state is State.READY


def test_a_shared_disk_must_hold_the_system_and_the_data() -> None:
    part = replace(MADE.snapshots[0], size=5 * GIB)
    made = replace(MADE, snapshots=(part,))
    for disk, state in ((15 * GIB, State.READY), (15 * GIB - 1, State.FAILED)):
        found = judge_room([RoomView(FIRST, replace(FREE, disk=disk))], made)
        assert found.state is state
    assert "plus de place" in found.seen


@pytest.mark.parametrize(
    ("lost", "packages", "target", "state", "said"),
    [
        ("12", ("php8.2-fpm",), "12", State.READY, "8.2 ici et sur Debian 12"),
        ("12", ("php8.2-fpm", "php8.2"), "13", State.WARNING, "8.2 ici, 8.4 sur Debian 13"),
        ("12", ("libapache2-mod-php8.2",), "13", State.WARNING, "8.4"),
        ("12", ("php8.2-fpm", "php7.4-fpm"), "12", State.FAILED, "source apt"),
        ("12", ("php8.2-fpm",), "", State.WARNING, "qu'une fois faite"),
        ("12", ("nginx", "phpmyadmin"), "13", State.READY, "aucun PHP"),
    ],
)  # fmt: skip
def test_the_php_of_the_sites_must_be_on_the_machine(
    lost: str, packages: tuple[str, ...], target: str, state: State, said: str
) -> None:
    facts = replace(MADE.server_facts, release=lost, packages=packages, services=())
    found = judge_php(replace(FIRST, release=target), replace(MADE, server_facts=facts))
    assert found.state is state
    assert said in found.seen


def test_a_refusal_is_red_and_silence_is_unknown() -> None:
    refused = AuthenticationFailed("key", "is refused", "renew it")
    silent = Unreachable("bucket", "does not answer", "look")
    assert judge_refusal("x", refused) == Check("x", State.FAILED, "key : is refused", "renew it")
    assert judge_refusal("x", silent).state is State.UNKNOWN
    answers: dict[KeyRole, str | ContinuityError] = dict.fromkeys(KeyRole, "id")
    assert judge_keys("main", answers).state is State.READY
    one = judge_keys("main", answers | {KeyRole.SERVER: silent})
    assert (one.state, one.seen) == (State.UNKNOWN, "clé « serveur » : does not answer")
    two = judge_keys("main", answers | {KeyRole.SERVER: silent, KeyRole.PRUNE: refused})
    assert (two.state, "clé « ménage »" in two.seen) == (State.FAILED, True)


def found_by_test(*broken: BucketCheck, state: CheckState = CheckState.NOT_HELD) -> SelfTest:
    results = tuple(
        CheckResult(each, state if each in broken else CheckState.HELD, f"vu {each}")
        for each in BucketCheck
    )
    return SelfTest("place", NOON, results, "COMPLIANCE")


def test_a_bucket_must_have_been_tested_lately() -> None:
    def state(test: SelfTest | None, *, hours: float = 1, elsewhere: bool = False) -> State:
        at = NOON + timedelta(hours=hours)
        return judge_self_test("main", "web1", test, at, proven_elsewhere=elsewhere).state

    assert state(None) is State.UNKNOWN
    assert state(found_by_test()) is State.READY
    assert state(found_by_test(), hours=NEXT_RUN.total_seconds() / 3600 + 1) is State.WARNING
    assert state(found_by_test(), hours=VALID.total_seconds() / 3600 + 1) is State.UNKNOWN
    assert state(found_by_test(BucketCheck.DESTROY)) is State.FAILED
    assert state(found_by_test(BucketCheck.DESTROY), elsewhere=True) is State.WARNING
    assert state(found_by_test(BucketCheck.CONDITIONAL)) is State.WARNING
    dark = found_by_test(BucketCheck.HIDE, state=CheckState.UNTESTED)
    assert state(dark) is State.UNKNOWN


def test_a_yes_needs_a_deployment_a_pool_that_works_and_a_worker() -> None:
    assert judge_approval(None).state is State.READY
    assert judge_approval(ApprovalWay(())).hint == "continuity estate apply"
    paused = judge_approval(ApprovalWay(("a",), paused=("a",), workers=("w",)))
    assert (paused.state, paused.hint) == (State.FAILED, "prefect work-pool resume a")
    alone = judge_approval(ApprovalWay(("a",)))
    assert (alone.state, alone.hint) == (State.FAILED, "prefect worker start --pool a")
    assert judge_approval(ApprovalWay(("a",), workers=("w",))).state is State.READY
