"""The sweep over memory blocks: what killed drills left is gone, everything else stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.errors import AuthenticationFailed, ContinuityError, Unreachable
from blocks.types import HostKey, Machine, MachineRequest
from flows.sweep import sweep
from flows.tasks.incident import now, open_estate
from flows.tasks.leases import hold_everywhere
from tests.fakes.memory_vps import MemoryVps
from tests.flows.world import World, kill_a_drill


def made(provider: MemoryVps, name: str, **tags: str) -> Machine:
    told = {"managed-by": "continuity", "purpose": "drill", "incident": name, "server": "web1"}
    key = HostKey("ssh-ed25519 AAAA", "secret")
    request = MachineRequest(name, told | tags, "", "", "ssh-ed25519 BBBB", key)
    return provider.create(replace(request, expires_at=now() + timedelta(hours=4)))


def names(world: World) -> set[str]:
    return {each.name for each in world.machines()}


def test_a_killed_drill_leaves_nothing_after_the_next_sweep(world: World) -> None:
    world.back_up()
    kill_a_drill()
    (left,) = world.machines()
    document = sweep()
    assert world.machines() == ()
    assert left.name in str(document)


def test_only_drills_without_a_living_run_are_destroyed(world: World) -> None:
    made(world.provider, "running")
    made(world.reserve, "dead")
    made(world.reserve, "of-another-tool", **{"managed-by": "terraform"})
    recovered = made(world.reserve, "dr-unknown", purpose="recovery")
    with hold_everywhere(open_estate("web1"), "drill-running", "running"):
        document = sweep()
    assert names(world) == {"running", "of-another-tool", "dr-unknown"}
    assert "aucun journal ne connaît l'incident dr-unknown" in str(document)
    told = [each.notice for each in world.notifier.threads]
    assert [recovered.address in each.body for each in told] == [True]
    sweep()
    assert len(world.notifier.threads) == 1, "told once"
    assert names(world) == {"of-another-tool", "dr-unknown"}, "its run has ended meanwhile"


def test_the_machine_of_a_known_recovery_is_no_stranger(world: World) -> None:
    world.back_up()
    world.lose()
    world.recover()
    assert "Machines que rien" not in str(sweep())
    assert len(world.machines()) == 1
    assert not [each for each in world.notifier.threads if "explique" in each.notice.text]


def test_a_provider_that_does_not_answer_is_red_and_keeps_no_other_from_being_swept(
    world: World,
) -> None:
    made(world.reserve, "dead")
    refused = AuthenticationFailed("memory-vps/first", "the token ended", "renew it")
    world.provider.fail_next("find", refused)
    with pytest.raises(AuthenticationFailed, match="the token ended"):
        sweep()
    assert world.machines() == ()
    assert any("the token ended" in each.notice.body for each in world.notifier.threads)


def test_a_provider_that_keeps_what_it_destroyed_is_red(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(world.provider, "dead")
    monkeypatch.setattr(MemoryVps, "destroy", lambda *_: None)
    with pytest.raises(ContinuityError, match="are still at memory-vps/first"):
        sweep()


def test_a_drill_that_nobody_can_tell_of_stays_until_its_time_is_over(world: World) -> None:
    made(world.provider, "doubtful")
    gone = Unreachable("bucket", "does not answer", "look")
    world.repository.destroy(gone)
    with pytest.raises(ContinuityError, match="nobody can tell"):
        sweep()
    assert names(world) == {"doubtful"}
