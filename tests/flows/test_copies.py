"""A second repository: the copy after the backup, and recoveries that lose the first on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from blocks.errors import (
    ContinuityError,
    DamagedData,
    LeaseHeld,
    NotFound,
    PermissionDenied,
    Unreachable,
    VerificationFailed,
)
from blocks.records import StepRecord, StepState
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.journal import Journal
from blocks.repositories.lease import process_holder
from flows.drill import drill
from flows.tasks.immutability import keep_self_test
from flows.tasks.incident import listeners, open_estate
from flows.tasks.leases import hold_everywhere, keeper
from tests.fakes.memory_machine import MemoryFile
from tests.flows.test_recovery import damage_newest_file
from tests.flows.world import INCIDENT, SHOP, World, killed_after, set_ids, two_repositories

GONE = Unreachable("bucket", "the provider burned down", "look at its status page")


@pytest.fixture
def world() -> Iterator[World]:
    with two_repositories() as made:
        yield made


def records(world: World) -> tuple[StepRecord, ...]:
    return Journal(open_estate("web1").state, INCIDENT).records()


@contextmanager
def gone_when(world: World, step: str, state: StepState, error: ContinuityError) -> Iterator[None]:
    """Let the first repository be gone as soon as this step is in this state."""

    def listen(record: StepRecord) -> None:
        if record.step == step and record.state is state:
            world.repository.destroy(error)

    listeners.append(listen)
    try:
        yield
    finally:
        listeners.remove(listen)


# --- the copy ---


def test_a_set_is_copied_whole_under_its_own_seal(world: World) -> None:
    made = world.back_up()
    (first,) = Catalogue(world.repository).list("web1").sets
    (second,) = Catalogue(world.second).list("web1").sets
    assert second.id == made
    assert [ref.tree for ref in second.snapshots] == [ref.tree for ref in first.snapshots]
    assert {ref.id for ref in second.snapshots} == {s.id for s in world.second.snapshots("web1")}
    assert not {ref.id for ref in second.snapshots} & {ref.id for ref in first.snapshots}
    assert second.read_back.objects > 0
    assert world.repository.seal_key() != world.second.seal_key()


def test_a_copy_that_fails_is_told_and_made_by_the_next_backup(world: World) -> None:
    world.second.fail_next("copy_one", PermissionDenied("bucket", "refused the key", "give it"))
    first = world.back_up()
    assert set_ids(world.repository) == [first]
    assert set_ids(world.second) == []
    notice = world.notifier.threads[-1].notice
    assert notice.failed
    assert "second" in notice.text
    assert "give it" in notice.body
    later = world.back_up_later()
    assert set_ids(world.second) == [first, later]


def test_a_copy_that_was_cut_goes_on(world: World) -> None:
    world.second.fail_next("read_back", DamagedData("web1/data/ab", "is rotten", "copy again"))
    first = world.back_up()
    assert set_ids(world.second) == []
    taken = len(world.second.snapshots("web1"))
    assert taken == len(world.repository.snapshots("web1"))
    later = world.back_up_later()
    assert set_ids(world.second) == [first, later]
    assert len(world.second.snapshots("web1")) == len(world.repository.snapshots("web1"))


# --- a recovery without the first one ---


@pytest.mark.parametrize(
    "error",
    [
        NotFound("bucket", "NoSuchBucket", "make it"),
        PermissionDenied("bucket", "the account is closed", "call them"),
    ],
)
def test_a_first_repository_that_is_gone_is_passed_over(
    world: World, error: ContinuityError
) -> None:
    made = world.back_up()
    world.lose()
    world.repository.destroy(error)
    report = world.recover()
    assert report["verdict"] == "recovered"
    assert report["recovery_set"] == made
    (observed,) = [r for r in records(world) if r.step == "observe" and r.ended_at]
    assert error.cause in observed.why
    assert "second" in observed.why


STARTED = ["lease", "engine", "files-shop", "database", "dns-shop"]
"""Where it still needs the repository, and one step that needs the journal only."""


@pytest.mark.parametrize("step", STARTED)
def test_gone_at_any_step_it_goes_on_from_the_second_by_itself(world: World, step: str) -> None:
    made = world.back_up()
    world.lose()
    with gone_when(world, step, StepState.STARTED, GONE):
        report = world.recover()
    assert report["verdict"] == "recovered"
    assert report["recovery_set"] == made
    assert len(world.machines()) == 1
    seen = records(world)
    assert [r.step for r in seen if r.state is StepState.DONE][-1] == "verify"
    there = world.server.at(world.machines()[0].address, world.machines()[0].host_key).machine
    assert there.files["/srv/shop/index.php"].content == b"<?php"
    assert there.database is not None
    assert there.database.schemas["shop"]["orders"].rows == ["one", "two"]
    assert any("le dépôt main ne prend plus le journal" in r.why for r in seen)


def test_a_self_test_that_somebody_forged_keeps_no_set_away(world: World) -> None:
    made = world.back_up()
    world.lose()
    keep_self_test(world.repository)
    objects = world.repository.state()
    (record,) = objects.list("immutability/")
    objects.put(record.key, b"{}")
    report = world.recover()
    assert (report["verdict"], report["recovery_set"]) == ("recovered", made)
    (observed,) = [r for r in records(world) if r.step == "observe" and r.ended_at]
    assert "second" not in observed.why, "the first repository was not passed over"


def test_killed_and_the_first_gone_it_is_taken_up_from_the_second(world: World) -> None:
    world.back_up()
    world.lose()
    with killed_after("database"), pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        world.recover()
    before = {r.step for r in records(world) if r.state is StepState.DONE}
    world.repository.destroy(GONE)
    assert {r.step for r in records(world) if r.state is StepState.DONE} == before
    assert world.recover()["verdict"] == "recovered"
    assert len(world.machines()) == 1
    calls = [*world.zone.applied, *world.inner.applied]
    changed = [change.name for call in calls for change in call]
    assert sorted(changed) == sorted(set(changed))
    assert SHOP in changed


@pytest.mark.parametrize("method", ["restore_paths", "read_stream"])
def test_a_part_that_is_damaged_comes_from_the_second(world: World, method: str) -> None:
    world.back_up()
    world.lose()
    world.repository.fail_next(method, DamagedData("web1/data/ab", "is rotten", "another set"))
    assert world.recover()["verdict"] == "recovered"
    passed = [r.why for r in records(world) if "repris depuis le dépôt second" in r.why]
    assert len(passed) == 1
    assert "is rotten" in passed[0]


def test_damage_in_both_is_the_old_error_with_its_offer(world: World) -> None:
    older = world.back_up()
    world.server.machine.files["/srv/shop/new.jpg"] = MemoryFile(b"new picture")
    newer = world.back_up_later()
    damage_newest_file(world, newer)
    world.second.fail_next("restore_paths", DamagedData("web1/data/cd", "rotten too", "another"))
    world.lose()
    with pytest.raises(VerificationFailed) as raised:
        world.recover()
    assert newer in str(raised.value)
    assert f"--set {older}" in str(raised.value)


def test_the_newest_set_is_taken_even_if_only_the_second_still_has_it_whole(world: World) -> None:
    world.back_up()
    newer = world.back_up_later()
    gone = next(s.id for s in world.repository.snapshots("web1") if s.label.set_id == newer)
    del world.repository._held["web1"][gone]
    world.lose()
    report = world.recover()
    assert report["recovery_set"] == newer


def test_with_both_gone_the_first_error_is_told(world: World) -> None:
    world.back_up()
    world.lose()
    world.repository.destroy(GONE)
    world.second.destroy(Unreachable("other bucket", "no route", "look"))
    with pytest.raises(Unreachable, match="burned down"):
        world.recover()
    assert world.machines() == ()


def test_a_drill_goes_on_from_the_second_too(world: World) -> None:
    world.back_up()
    with gone_when(world, "engine", StepState.DONE, GONE):
        assert drill("web1")["verdict"] == "recovered"
    assert world.machines() == ()


# --- what keeps two runs apart ---


def test_a_run_is_kept_off_while_either_store_knows_another(world: World) -> None:
    estate = open_estate("web1")
    with hold_everywhere(estate, "web1", "inc-1") as held:
        assert len(held.keepers) == 2
        world.repository.destroy(GONE)
        held.check()
        with pytest.raises(LeaseHeld, match="inc-1"), hold_everywhere(estate, "web1", "inc-2"):
            pass


def test_a_run_that_lost_a_tie_in_the_last_store_stops(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conditions do not hold in that store: the other's lease simply replaces ours."""
    estate = open_estate("web1")
    world.repository.destroy(GONE)
    store = world.second.state()

    def overwrite(_seconds: float) -> None:
        store.remove("leases/web1.json")
        keeper(store, "web1", "inc-2").__enter__()

    monkeypatch.setattr("flows.tasks.leases.sleep", overwrite)
    with pytest.raises(LeaseHeld, match="inc-2"), hold_everywhere(estate, "web1", "inc-1"):
        pass
    assert process_holder() in store.get("leases/web1.json").decode()
