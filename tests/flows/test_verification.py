"""The verification over memory blocks: never green without proof, and each look on its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blocks.errors import (
    HostKeyMismatch,
    NotFound,
    OutOfStock,
    Unreachable,
    VerificationFailed,
)
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.proofs import Proofs
from blocks.types import Part, Proof, Reading
from flows.decisions.set_state import SetState
from flows.decisions.verification_plan import Load
from flows.drill import drill
from flows.tasks.incident import open_estate
from flows.tasks.standing import standing
from flows.verification import verification
from tests.fakes.memory_machine import MemoryFile
from tests.flows.world import World

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


@pytest.fixture
def set_id(world: World) -> str:
    """A set, taken of files that had rested before."""
    for file in world.server.files.values():
        file.changed = LONG_AGO
    return world.back_up()


def states() -> dict[str, SetState]:
    return {name: each.state for name, each in standing(open_estate("web1")).statuses.items()}


def proofs(world: World) -> dict[str, Proof]:
    return Proofs(world.repository).of("web1").proofs


def reading(world: World) -> Reading:
    found = Proofs(world.repository).reading("web1")
    assert found is not None
    return found


def signals(world: World, job: str) -> list[str]:
    return [signal for signal, _ in world.heartbeats[job].heard]


def test_a_set_is_proven_by_a_restore_and_then_for_a_while(world: World, set_id: str) -> None:
    assert states() == {set_id: SetState.TAKEN}
    (document,) = verification("web1")
    assert document["proven"] is True
    assert states() == {set_id: SetState.PROVEN}
    proof = proofs(world)[set_id]
    assert (proof.tables, proof.rows, proof.files) == (2, 3, 5)
    assert world.machines() == ()
    made = [call for call in world.provider.calls if "create" in str(call)]
    verification("web1")
    again = [call for call in world.provider.calls if "create" in str(call)]
    assert len(again) == len(made), "a proof that holds is not made anew"
    assert signals(world, "verification") == ["start", "success"] * 2


def test_a_drill_and_a_recovery_prove_their_set_too(world: World, set_id: str) -> None:
    drill("web1")
    first = proofs(world)[set_id]
    world.lose()
    world.recover()
    second = proofs(world)[set_id]
    assert first.passed
    assert second.passed
    assert first.incident != second.incident == "inc-web1-test"


def test_without_a_restore_nothing_is_green(world: World, set_id: str) -> None:
    with pytest.raises(VerificationFailed, match="aucun jeu n'a jamais été prouvé"):
        verification("web1", Load.NEVER)
    assert states() == {set_id: SetState.TAKEN}
    assert signals(world, "verification") == ["start", "fail"]


def test_without_a_set_nothing_is_green(world: World) -> None:
    with pytest.raises(VerificationFailed, match="il n'y a aucun jeu"):
        verification("web1")


def test_looks_that_fail_keep_the_run_from_green_but_not_the_restore(
    world: World, set_id: str
) -> None:
    world.repository.fail_next("read_slice", NotFound("bucket", "does not exist", "make it"))
    world.server.fail_next("digests", HostKeyMismatch("server web1", "shows another key", "look"))
    with pytest.raises(VerificationFailed) as raised:
        verification("web1")
    for trouble in ("relecture : bucket", "comparaison avec le serveur : server web1"):
        assert trouble in raised.value.cause
    assert states() == {set_id: SetState.PROVEN}
    assert world.notifier.threads[-1].notice.failed


def test_no_room_for_a_restore_says_nothing_against_the_set(world: World, set_id: str) -> None:
    for provider in (world.provider, world.reserve):
        provider.fail_next("create", OutOfStock("lab", "sold out", "wait"))
    with pytest.raises(VerificationFailed, match="sold out"):
        verification("web1")
    assert states() == {set_id: SetState.TAKEN}
    assert proofs(world) == {}


def test_lost_rows_make_the_set_fail(world: World, set_id: str) -> None:
    """The manifest, honestly sealed, tells of a row that the copy does not hold."""
    catalogue = Catalogue(world.repository)
    made = catalogue.read("web1", set_id)
    grown = {}
    for field in ("database_facts", "database_facts_after"):
        facts = getattr(made, field)
        shop = next(each for each in facts.schemas if each.name == "shop")
        more = replace(shop, tables=(replace(shop.tables[0], rows=3),))
        others = tuple(each for each in facts.schemas if each is not shop)
        grown[field] = replace(facts, schemas=(*others, more))
    catalogue.remove("web1", set_id)
    catalogue.put(replace(made, **grown))
    with pytest.raises(VerificationFailed, match=r"table shop.orders has 2 rows, not 3"):
        verification("web1")
    assert states() == {set_id: SetState.FAILED}
    assert "shop.orders" in proofs(world)[set_id].differences[0]


@pytest.fixture
def newer(world: World, set_id: str) -> str:
    """A second set, proven, with a picture that the first has not."""
    world.server.files["/srv/shop/new.jpg"] = MemoryFile(b"new picture", changed=LONG_AGO)
    newer = world.back_up_later()
    drill("web1", recovery_set=newer)
    return newer


def test_damage_is_found_within_a_cycle_and_names_its_sets_only(
    world: World, set_id: str, newer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects, key = world.repository.objects(), newest_object(world, newer, Part.PHYSICAL)
    true = objects.get(key)
    objects.put(key, b"rotten")
    moment = datetime.now(UTC)
    red = []
    for day in range(6):
        at = moment + timedelta(days=day)
        monkeypatch.setattr("flows.tasks.verification_steps.now", lambda at=at: at)
        try:
            verification("web1", Load.NEVER)
        except VerificationFailed as failed:
            red.append(str(failed))
    assert red
    assert all(f"{key} est endommagé, nécessaire à {newer}" in each for each in red)
    assert states() == {set_id: SetState.TAKEN, newer: SetState.FAILED}
    objects.put(key, true)
    verification("web1", Load.NEVER)
    assert states()[newer] is SetState.PROVEN, "mended, and seen at once"


def test_damage_that_the_comparison_meets_is_told_the_same_day(
    world: World, set_id: str, newer: str
) -> None:
    objects, key = world.repository.objects(), newest_object(world, newer, Part.SITE)
    true = objects.get(key)
    objects.put(key, b"rotten")
    with pytest.raises(VerificationFailed, match=f"{key} est endommagé, nécessaire à {newer}"):
        verification("web1", Load.NEVER)
    assert states() == {set_id: SetState.TAKEN, newer: SetState.FAILED}
    spot = reading(world).spot
    assert spot is not None
    assert spot.sampled, "the other site was compared all the same"
    objects.put(key, true)
    verification("web1", Load.NEVER)
    assert states()[newer] is SetState.PROVEN


def newest_object(world: World, newer: str, part: Part) -> str:
    """Return an object that only this part of the newer set needs."""
    for each in world.repository.objects().list("web1/restic/data/"):
        using = set(world.repository.snapshots_using("web1", each.key))
        labels = {s.label for s in world.repository.snapshots("web1") if s.id in using}
        if {(label.set_id, label.part) for label in labels} == {(newer, part)}:
            return each.key
    raise AssertionError(f"{newer} has no object of its own in {part}")


def test_a_difference_that_the_server_did_not_make_is_found(world: World, set_id: str) -> None:
    world.server.files["/srv/shop/index.php"].content = b"<?php rotten"
    with pytest.raises(VerificationFailed, match=r"/srv/shop/index.php diffère"):
        verification("web1", Load.NEVER)
    assert states() == {set_id: SetState.FAILED}


def test_a_file_that_the_server_changed_since_is_no_difference(world: World, set_id: str) -> None:
    page = world.server.files["/srv/shop/index.php"]
    page.content, page.changed = b"<?php new", datetime.now(UTC)
    del world.server.files["/srv/brochure/index.html"]
    with pytest.raises(VerificationFailed, match="aucun jeu n'a jamais été prouvé"):
        verification("web1", Load.NEVER)
    spot = reading(world).spot
    assert spot is not None
    assert (spot.sampled, spot.changed, spot.unexplained) == (2, 2, ())


def test_a_forged_proof_or_state_is_not_believed(world: World, set_id: str) -> None:
    verification("web1")
    state = world.repository.state()
    key = f"proofs/web1/{set_id}.json"
    state.put(key, state.get(key).replace(b'"rows": 3', b'"rows": 9'))
    with pytest.raises(VerificationFailed, match="without the repository's password"):
        verification("web1", Load.NEVER)
    assert states() == {set_id: SetState.TAKEN}
    state.remove(key)
    state.put("verification/web1.json", b"{}")
    with pytest.raises(VerificationFailed, match="is no record of ours"):
        verification("web1", Load.NEVER)


# --- dead-man's switches ---


def test_a_backup_is_heard_of_elsewhere(world: World) -> None:
    world.back_up()
    world.repository.fail_next("initialise", NotFound("bucket", "does not exist", "make it"))
    with pytest.raises(NotFound):
        world.back_up_later()
    assert signals(world, "backup") == ["start", "success", "start", "fail"]
    assert "bucket: does not exist" in world.heartbeats["backup"].heard[-1][1]


def test_a_deaf_switch_fails_no_backup_and_is_told_once(world: World) -> None:
    world.heartbeats["backup"].fail_next(Unreachable("heartbeat", "timed out", "wait"))
    world.back_up()
    (told,) = [each.notice for each in world.notifier.threads]
    assert "veilleur" in told.text
    assert signals(world, "backup") == ["success"]


def test_a_run_over_some_servers_does_not_speak_for_the_others(world: World) -> None:
    with world.provided(more=("web2",)):
        world.back_up()
        assert signals(world, "backup") == []
