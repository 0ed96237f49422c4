"""Verification of a server with two repositories: each is proven by itself, or nothing is green."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blocks.errors import (
    ConfigurationError,
    DamagedData,
    PermissionDenied,
    VerificationFailed,
)
from blocks.repositories.proofs import Proofs
from blocks.types import Part, Proof
from flows.decisions.set_state import SetState
from flows.decisions.standing import Standings
from flows.decisions.verification_plan import Load
from flows.drill import drill
from flows.tasks.incident import open_estate
from flows.tasks.look import look_at_copies
from flows.tasks.standing import standings
from flows.verification import verification
from tests.fakes.memory_repository import MemoryRepository
from tests.flows.world import World, two_repositories

GONE = PermissionDenied("bucket", "the account is closed", "call the provider")
LONG_AGO = datetime.now(UTC) - timedelta(days=30)


@pytest.fixture
def world() -> Iterator[World]:
    with two_repositories() as made:
        yield made


@pytest.fixture
def set_id(world: World) -> str:
    """A set in both repositories, taken of files that had rested before."""
    for file in world.server.files.values():
        file.changed = LONG_AGO
    return world.back_up()


def known() -> Standings:
    estate = open_estate("web1")
    return standings(estate, look_at_copies(estate))


def states(set_id: str) -> dict[str, SetState]:
    there = [each for each in known().copies if not each.failed]
    return {each.repository: each.statuses[set_id].state for each in there}


def proof(repository: MemoryRepository, set_id: str) -> Proof | None:
    return Proofs(repository).of("web1").proofs.get(set_id)


def signals(world: World) -> list[str]:
    return [signal for signal, _ in world.heartbeats["verification"].heard]


def made(world: World) -> int:
    return len([call for call in world.provider.calls if "create" in str(call)])


def test_each_repository_is_read_compared_and_restored_by_itself(world: World, set_id: str) -> None:
    (document,) = verification("web1")
    assert states(set_id) == {"main": SetState.PROVEN, "second": SetState.PROVEN}
    first, second = (proof(each, set_id) for each in (world.repository, world.second))
    assert first is not None
    assert second is not None
    assert first.incident != second.incident
    assert (first.rows, first.files) == (second.rows, second.files) == (3, 5)
    for repository in (world.repository, world.second):
        reading = Proofs(repository).reading("web1")
        assert reading is not None
        assert sum(at is not None for at in reading.read_at) in range(256 // 6, 256 // 6 + 2)
        assert reading.total > 0
        assert reading.spot is not None
        assert reading.spot.sampled > 0
    repositories = document["repositories"]
    assert isinstance(repositories, dict)
    assert all("sortis du stockage par mois" in each["cost"] for each in repositories.values())
    assert signals(world) == ["start", "success"]
    assert made(world) == 2
    verification("web1")
    assert made(world) == 2, "proofs that hold are not made anew"


@pytest.mark.parametrize("gone", ["main", "second"])
def test_one_that_is_gone_keeps_the_run_from_green_and_not_the_other_from_its_proof(
    world: World, set_id: str, gone: str
) -> None:
    there = {"main": world.repository, "second": world.second}
    there.pop(gone).destroy(GONE)
    with pytest.raises(VerificationFailed) as raised:
        verification("web1")
    assert raised.value.cause == f"not proven: {gone} : illisible : the account is closed"
    ((name, left),) = there.items()
    assert proof(left, set_id) is not None
    assert states(set_id)[name] is SetState.PROVEN
    assert known().statuses[set_id].state is SetState.PROVEN, "a recovery has where to go"
    assert signals(world) == ["start", "fail"]
    assert world.machines() == ()


def test_a_restore_proves_the_repository_that_gave_it_and_no_other(
    world: World, set_id: str
) -> None:
    drill("web1")
    assert states(set_id) == {"main": SetState.PROVEN, "second": SetState.TAKEN}
    with pytest.raises(VerificationFailed, match=r"second : aucun jeu n'a jamais été prouvé"):
        verification("web1", Load.NEVER)
    drill("web1", repository="second")
    assert states(set_id) == {"main": SetState.PROVEN, "second": SetState.PROVEN}
    with pytest.raises(ConfigurationError, match="main, second"):
        drill("web1", repository="third")


def test_a_restore_with_parts_of_both_proves_neither(world: World, set_id: str) -> None:
    world.lose()
    world.repository.fail_next("read_stream", DamagedData("web1/data/ab", "is rotten", "another"))
    assert world.recover()["verdict"] == "recovered"
    assert states(set_id) == {"main": SetState.TAKEN, "second": SetState.TAKEN}


def test_after_the_loss_of_the_first_a_recovery_proves_the_second(
    world: World, set_id: str
) -> None:
    world.lose()
    world.repository.destroy(GONE)
    assert world.recover()["verdict"] == "recovered"
    assert proof(world.second, set_id) is not None


def test_damage_in_the_copy_is_found_within_a_cycle_and_told_of_it_alone(
    world: World, set_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verification("web1")
    objects, key = world.second.objects(), part_of_the_databases(world.second)
    objects.put(key, b"rotten")
    moment, red = datetime.now(UTC), []
    for day in range(1, 7):
        at = moment + timedelta(days=day)
        monkeypatch.setattr("flows.tasks.verification_steps.now", lambda at=at: at)
        try:
            verification("web1", Load.NEVER)
        except VerificationFailed as failed:
            red.append(failed.cause)
    assert red
    assert all(f"second : {key} est endommagé, nécessaire à {set_id}" in each for each in red)
    assert all("main:" not in each for each in red)
    assert states(set_id) == {"main": SetState.PROVEN, "second": SetState.FAILED}


def part_of_the_databases(repository: MemoryRepository) -> str:
    """Return an object that no comparison with the server reads."""
    (copy,) = [s for s in repository.snapshots("web1") if s.label.part is Part.PHYSICAL]
    stored = repository.objects().list("web1/restic/data/")
    found = {each.key: repository.snapshots_using("web1", each.key) for each in stored}
    return next(key for key, using in found.items() if using == (copy.id,))


def test_a_copy_that_was_never_made_is_not_green(world: World) -> None:
    world.second.fail_next("copy_from", GONE)
    world.back_up()
    with pytest.raises(VerificationFailed) as raised:
        verification("web1")
    assert "second : il n'y a aucun jeu" in raised.value.cause
    assert "main:" not in raised.value.cause
