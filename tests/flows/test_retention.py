"""Retention and rewind over memory blocks: what stops them, what goes on all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.errors import (
    ApprovalMismatch,
    ContinuityError,
    DamagedData,
    LeaseHeld,
    UnsafePlan,
)
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.lease import LeaseKeeper
from blocks.types import BucketCheck, KeyRole
from flows.reports.lock_text import UNKNOWN, lock_rows
from flows.rewind import rewind
from flows.tasks.archive_locks import lock_records, self_tests_of
from flows.tasks.immutability import immutability_of
from flows.tasks.incident import open_estate
from flows.tasks.rewind_steps import plan_of
from tests.flows.world import World

DAY = timedelta(days=1)


def sets(world: World) -> list[str]:
    return [each.id for each in Catalogue(world.repository).list("web1").sets]


def soonest(world: World) -> timedelta:
    """How long the shortest lock on anything that can be seen below web1 lasts from now."""
    seen = world.repository.versions(KeyRole.WORKER)
    visible = [v for v in seen.versions("web1/") if v.newest and not v.hidden]
    locks = [seen.lock(each.key, each.id) for each in visible]
    return min(lock.until for lock in locks if lock) - datetime.now(UTC)


def packs(world: World) -> list[str]:
    return [each.key for each in world.repository.objects().list("web1/restic/data/")]


def test_old_sets_go_and_what_stays_is_locked_ahead(world: World) -> None:
    world.back_up()
    newest = world.back_up_later()
    assert len(sets(world)) == 2, "a backup removes nothing"
    assert soonest(world) < 2 * DAY
    (told,) = world.retain()
    assert sets(world) == [newest]
    assert "1 jeu retiré" in told
    assert soonest(world) > 13 * DAY
    kept = {ref.id for ref in Catalogue(world.repository).read("web1", newest).snapshots}
    assert {each.id for each in world.repository.snapshots("web1")} == kept
    assert "0 verrou prolongé" in world.retain()[0], "a second run finds nothing to do"


def test_what_retention_hid_falls_out_of_its_lock(world: World) -> None:
    first = world.back_up()
    world.back_up_later()
    world.retain()
    seen = world.repository.versions(KeyRole.WORKER)
    old = seen.versions(f"web1/sets/{first}/")[-1]
    lock = seen.lock(old.key, old.id)
    assert lock is not None
    assert lock.until < datetime.now(UTC) + 2 * DAY


@pytest.mark.parametrize("subject", ["web1", "backup-web1", "drill-inc-1"])
def test_nothing_is_removed_while_somebody_works_on_the_server(world: World, subject: str) -> None:
    world.back_up()
    world.back_up_later()
    with (
        LeaseKeeper(world.repository.state(), subject=subject, owner="inc-1", ttl=DAY),
        pytest.raises(LeaseHeld, match="inc-1"),
    ):
        world.retain()
    assert len(sets(world)) == 2
    if subject != "backup-web1":
        assert soonest(world) > 13 * DAY, "locks are renewed all the same"


def test_a_damaged_set_stops_removal_and_not_the_locks(world: World) -> None:
    first = world.back_up()
    world.back_up_later()
    key = f"web1/sets/{first}/manifest.json"
    world.repository.objects().put(key, b"{}")
    with pytest.raises(DamagedData, match=r"1 objects of web1 were overwritten.*rewind main --to"):
        world.retain()
    assert len(world.repository.objects().list("web1/sets/")) == 2
    assert soonest(world) > 13 * DAY
    assert world.notifier.threads[-1].notice.failed


def test_a_catalogue_that_shrank_is_not_pruned_unless_somebody_rewound_it(world: World) -> None:
    first = world.back_up()
    moment = datetime.now(UTC)
    world.back_up_later()
    world.retain(last=2)
    held = len(world.repository.snapshots("web1"))
    Catalogue(world.repository).remove("web1", first)
    with pytest.raises(UnsafePlan, match="1 of 2 sets vanished"):
        world.retain()
    assert len(world.repository.snapshots("web1")) == held
    plan = plan_of(open_estate("web1"), moment)
    rewind("web1", moment, plan.digest)
    assert sets(world) == [first]
    world.retain()


def test_a_clock_that_jumped_touches_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.back_up()
    far = datetime.now(UTC) + 4000 * DAY
    monkeypatch.setattr("flows.tasks.retention_steps.now", lambda: far)
    with pytest.raises(UnsafePlan, match="timedatectl"):
        world.retain()
    assert soonest(world) < 2 * DAY


def test_a_forged_record_is_found(world: World) -> None:
    world.back_up()
    world.retain()
    world.repository.state().put("retention/web1.json", b'{"document": {}, "seal": "0"}')
    with pytest.raises(DamagedData, match="without the repository's password"):
        world.retain()


@pytest.mark.parametrize("method", ["forget", "versions"])
def test_killed_or_failed_half_way_it_ends_well_the_next_time(world: World, method: str) -> None:
    world.back_up()
    newest = world.back_up_later()
    world.repository.fail_next(method, ContinuityError("store", "broke", "run again"))
    with pytest.raises(ContinuityError, match="broke"):
        world.retain()
    world.retain()
    assert sets(world) == [newest]
    assert soonest(world) > 13 * DAY
    kept = {ref.id for ref in Catalogue(world.repository).read("web1", newest).snapshots}
    assert {each.id for each in world.repository.snapshots("web1")} == kept


def test_a_damaged_index_does_not_keep_locks_from_being_renewed(world: World) -> None:
    world.back_up()
    world.repository.fail_next("needed", DamagedData("web1/restic/index/a", "is damaged", "rewind"))
    with pytest.raises(DamagedData, match="index/a"):
        world.retain()
    assert soonest(world) > 13 * DAY


def test_others_learn_whether_immutability_is_proven(world: World) -> None:
    world.back_up()
    assert immutability_of(world.repository).proven is None
    world.retain()
    assert immutability_of(world.repository).proven is True
    later = datetime.now(UTC) + 30 * DAY
    assert immutability_of(world.repository, later).proven is None
    world.repository.broken_promises = (BucketCheck.DESTROY,)
    world.retain()
    assert immutability_of(world.repository).proven is False


# --- an attacker, and the way back ---


def attack(world: World) -> tuple[dict[str, bytes], datetime]:
    """Write over every pack and hide nothing, as the server's key can; return how it was."""
    before = {key: world.repository.objects().get(key) for key in packs(world)}
    moment = datetime.now(UTC)
    for key in before:
        world.repository.objects().put(key, b"evil")
    world.repository.objects().put("web1/restic/index/junk", b"evil")
    return before, moment


def test_an_attack_is_told_with_the_command_that_undoes_it(world: World) -> None:
    world.back_up()
    attack(world)
    with pytest.raises(DamagedData, match=r"overwritten.*rewind main --to 20\d\d-") as caught:
        world.retain()
    assert "change the server's key" in caught.value.hint


def test_a_rewind_brings_everything_back_and_can_be_undone(world: World) -> None:
    world.back_up()
    world.retain()
    before, moment = attack(world)
    plan = plan_of(open_estate("web1"), moment)
    assert len(plan.overwritten) == len(before)
    assert plan.added == ("web1/restic/index/junk",)
    done = datetime.now(UTC)
    rewind("web1", moment, plan.digest)
    assert {key: world.repository.objects().get(key) for key in packs(world)} == before
    assert world.repository.objects().list("web1/restic/index/") == ()
    assert plan_of(open_estate("web1"), moment).empty
    world.retain()
    back = plan_of(open_estate("web1"), done)
    with pytest.raises(DamagedData, match="what was read back"):
        rewind("web1", done, back.digest)
    assert {world.repository.objects().get(key) for key in before} == {b"evil"}


def test_nothing_is_changed_without_the_plans_digest(world: World) -> None:
    world.back_up()
    before, moment = attack(world)
    for digest in ("", "0" * 12):
        with pytest.raises(ApprovalMismatch, match=r"continuity repository rewind"):
            rewind("web1", moment, digest)
    assert {world.repository.objects().get(key) for key in before} == {b"evil"}


def test_a_rewind_that_was_cut_goes_on_with_the_same_digest(world: World) -> None:
    world.back_up()
    before, moment = attack(world)
    plan = plan_of(open_estate("web1"), moment)
    world.repository.fail_next("read_back", ContinuityError("store", "broke", "run again"))
    with pytest.raises(ContinuityError, match="broke"):
        rewind("web1", moment, plan.digest)
    hurt = next(iter(before))
    world.repository.objects().put(hurt, b"evil again")
    rewind("web1", moment, plan.digest)
    assert world.repository.objects().get(hurt) == before[hurt]


def test_a_rewind_waits_for_nobody_who_works_on_the_server(world: World) -> None:
    world.back_up()
    _, moment = attack(world)
    plan = plan_of(open_estate("web1"), moment)
    with (
        LeaseKeeper(world.repository.state(), subject="web1", owner="inc-1", ttl=DAY),
        pytest.raises(LeaseHeld, match="inc-1"),
    ):
        rewind("web1", moment, plan.digest)


@pytest.mark.parametrize("offset", [DAY, -DAY])
def test_a_moment_without_a_repository_is_refused(world: World, offset: timedelta) -> None:
    world.back_up()
    with pytest.raises(UnsafePlan, match=r"future|did not exist"):
        plan_of(open_estate("web1"), datetime.now(UTC) + offset)


def test_status_shows_how_the_locks_are(world: World) -> None:
    opened = open_estate("web1")
    ((place, _, profile, first),) = lock_rows(
        self_tests_of(opened), lock_records(opened), datetime.now(UTC)
    )
    assert (place.startswith("dépôt "), profile, first) == (True, "?", UNKNOWN)
    world.back_up()
    world.retain()
    ((_, tested, profile, first),) = lock_rows(
        self_tests_of(opened), lock_records(opened), datetime.now(UTC)
    )
    assert "immuabilité prouvée" in tested
    assert "14 jours" in profile
    assert "TROP TÔT" not in first
