"""The drill over memory blocks: isolated, without DNS, always destroyed."""

from __future__ import annotations

import pytest

from blocks.errors import CommandFailed, VerificationFailed
from blocks.repositories.journal import Journal, incidents
from flows.drill import drill
from tests.flows.world import Killed, World, killed_after


def test_a_drill_is_green_and_leaves_nothing(world: World) -> None:
    world.back_up()
    report = drill("web1")
    assert report["verdict"] == "recovered"
    assert report["purpose"] == "drill"
    assert world.machines() == ()
    assert world.zone.applied == ()
    assert not world.server.machine.fenced


def test_the_machine_is_isolated_before_anything_is_restored(world: World) -> None:
    world.back_up()
    drill("web1")
    (incident,) = incidents(world.repository.state())
    steps = [r.step for r in Journal(world.repository.state(), incident).records() if r.ended_at]
    assert steps.index("isolate") < steps.index("packages")
    assert "cron" not in steps


def test_a_failed_drill_destroys_its_machine_too(world: World) -> None:
    world.back_up()
    world.repository.fail_next("restore_paths", CommandFailed("restic", "ended with 1", "look"))
    with pytest.raises(VerificationFailed):
        drill("web1")
    assert world.machines() == ()


def test_what_a_killed_drill_left_is_swept_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.back_up()
    # A kill leaves no time to clean up: the destroying step does not run.
    with monkeypatch.context() as dead, killed_after("accounts"):
        dead.setattr("flows.drill.destroy_machine", _killed)
        with pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
            drill("web1")
    (left,) = world.machines()
    del world.server.world.machines[left.address]  # the next machine gets this address again
    assert drill("web1")["verdict"] == "recovered"
    assert world.machines() == ()


def _killed(_incident: object) -> None:
    raise Killed("before it could clean up")
