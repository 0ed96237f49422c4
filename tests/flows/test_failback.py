"""The move of a server that serves: nothing lost, and back to the old one whatever fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.errors import ContinuityError, UnsafePlan, VerificationFailed
from blocks.records import StepState
from blocks.repositories.journal import Journal
from flows.failback import failback
from flows.tasks.approval import Approval
from flows.tasks.incident import listeners, open_estate
from tests.fakes.memory_machine import MemoryFile
from tests.flows.world import BROCHURE, OLD, SHOP, Killed, World, killed_after

INCIDENT = "ret-1"


def move(**changes: object) -> dict[str, object]:
    parameters = {"incident": INCIDENT, "approval": Approval.AUTOMATIC} | changes
    return failback("web1", **parameters)  # type: ignore[arg-type]


def write_after_the_set(world: World) -> None:
    old = world.server.machine
    assert old.database is not None
    old.database.schemas["shop"]["orders"].rows.append("three")
    old.files["/srv/shop/upload.jpg"] = MemoryFile(b"picture", owner="shop")
    del old.files["/srv/brochure/index.html"]


def serving(world: World) -> bool:
    old = world.server.machine
    assert old.database is not None
    return {"nginx", "cron"} <= old.running and not old.database.read_only


@pytest.fixture
def ready(world: World) -> World:
    world.back_up()
    write_after_the_set(world)
    return world


def test_what_was_written_after_the_set_is_on_the_new_machine(ready: World) -> None:
    report = move()
    (made,) = ready.machines()
    new, old = ready.server.world.machine(made.address), ready.server.machine
    assert report["verdict"] == "recovered"
    assert report["rpo_seconds"] == 0
    assert new.database is not None
    assert new.database.schemas["shop"]["orders"].rows == ["one", "two", "three"]
    assert not new.database.read_only
    assert new.files["/srv/shop/upload.jpg"].content == b"picture"
    assert "/srv/brochure/index.html" not in new.files
    assert ready.address_of(SHOP) == ready.address_of(BROCHURE) == (made.address,)
    assert {"nginx", "cron", "links.timer"} <= new.running
    assert (old.fenced, old.leads_to, new.joined) == (True, made.address, "")
    assert old.database is not None
    assert old.database.followers == set()
    to_do = "\n".join(map(str, report["to_do"]))  # type: ignore[arg-type]
    assert made.address in to_do
    assert "continuity retire web1" in to_do


def test_a_difference_opens_the_old_server_again_and_moves_nothing(ready: World) -> None:
    world = ready.server.world

    def corrupt(record: object) -> None:
        step, state = getattr(record, "step", ""), getattr(record, "state", None)
        if (step, state) == ("last-writes", StepState.DONE):
            (made,) = ready.machines()
            database = world.machine(made.address).database
            assert database is not None
            database.schemas["shop"]["orders"].rows.pop()

    listeners.append(corrupt)
    try:
        with pytest.raises(VerificationFailed, match="2 lignes au lieu de 3"):
            move()
    finally:
        listeners.remove(corrupt)
    assert serving(ready)
    assert ready.address_of(SHOP) == (OLD,)
    assert move()["verdict"] == "recovered", "it goes on with the same machine"
    assert len(ready.machines()) == 1


def test_a_page_that_fails_on_the_new_machine_opens_the_old_one_again(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tasks.sites.WARM_UP", timedelta(seconds=1))
    for number in range(1, 20):
        ready.probe.stop(f"192.0.2.{number}")
    with pytest.raises(VerificationFailed):
        move()
    assert serving(ready)
    assert ready.address_of(SHOP) == (OLD,)
    (made,) = ready.machines()
    database = ready.server.world.machine(made.address).database
    assert database is not None
    assert database.read_only, "nobody wrote there, so it can go on"


STEPS = ("follow", "rehearse", "close", "last-writes", "match", "smoke-shop", "take-over",
         "lead", "fence", "dns-shop")  # fmt: skip
"""What comes before is a recovery's, whose tests kill it there."""


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_it_goes_on_and_loses_nothing(ready: World, step: str) -> None:
    with killed_after(step), pytest.raises(Killed):
        move()
    old = ready.server.machine
    assert old.database is not None
    if not old.kept_closed and old.closed is not None:
        ready.server.end_maintenance()  # what the machine does by itself after some minutes
        old.database.schemas["shop"]["orders"].rows.append("four")
    report = move()
    assert report["verdict"] == "recovered"
    (made,) = ready.machines()
    new = ready.server.world.machine(made.address)
    assert new.database is not None
    assert (
        new.database.schemas["shop"]["orders"].rows == old.database.schemas["shop"]["orders"].rows
    )
    assert ready.address_of(SHOP) == (made.address,)
    assert old.fenced


def test_it_can_stop_before_anything_is_closed(ready: World) -> None:
    prepared = move(seed_only=True)
    assert serving(ready)
    assert str(prepared["next"]) == f"continuity failback web1 --incident {INCIDENT}"
    records = Journal(open_estate("web1").state, INCIDENT).records()
    assert not [each for each in records if each.step == "close"]
    assert move()["verdict"] == "recovered"
    assert len(ready.machines()) == 1


def test_a_server_that_does_not_serve_is_not_moved(ready: World) -> None:
    ready.lose()
    with pytest.raises(UnsafePlan, match="continuity recover web1"):
        move()
    assert ready.machines() == ()


def test_an_old_server_that_opened_meanwhile_is_not_left_behind(ready: World) -> None:
    ready.server.fail_next(
        "keep_closed", VerificationFailed("server", "did not stay closed", "run it again")
    )
    with pytest.raises(ContinuityError, match="did not stay closed"):
        move()
    assert serving(ready)
    assert ready.address_of(SHOP) == (OLD,)
    assert move()["verdict"] == "recovered"


def test_a_handover_that_breaks_off_leaves_the_page_and_goes_on_when_run_again(
    ready: World,
) -> None:
    """From here on the old server may not open by itself: both would be written to."""
    ready.database.fail_next("take_over", VerificationFailed("events", "refused", "run it again"))
    with pytest.raises(VerificationFailed, match="refused"):
        move()
    old = ready.server.machine
    assert old.kept_closed
    assert not serving(ready)
    assert ready.address_of(SHOP) == (OLD,)
    assert move()["verdict"] == "recovered"
    (made,) = ready.machines()
    new = ready.server.world.machine(made.address).database
    assert new is not None
    assert new.schemas["shop"]["orders"].rows == ["one", "two", "three"]
