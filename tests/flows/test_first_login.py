"""The host key that a machine was made with serves for one login; a kill changes nothing of it."""

from __future__ import annotations

import pytest

from blocks.errors import HostKeyMismatch, Unreachable
from blocks.servers.base import Server
from blocks.servers.host_key import new_host_key
from blocks.types import Machine, MachineRequest
from flows.decisions.recovery_plan import Purpose
from flows.tasks.ending import reports
from flows.tasks.first_login import as_it_is_now, enter
from flows.tasks.incident import Incident, open_estate
from flows.tasks.successor import successor
from tests.fakes.memory_server import MemoryServer
from tests.flows.world import INCIDENT, World, killed_after


def test_the_new_key_is_the_one_that_everybody_is_told(world: World) -> None:
    world.back_up()
    world.lose()
    report = world.recover()
    (made,) = world.machines()
    shown = world.shown_key(made)
    assert shown != made.host_key
    estate = open_estate("web1")
    assert successor(estate).host_key == shown
    assert as_it_is_now(estate, made).host_key == shown
    assert f"host_key: {shown}" in str(report["to_do"])
    assert made.host_key not in str(reports(estate, Purpose.RECOVERY))


@pytest.fixture
def made(world: World) -> Machine:
    """A machine that nobody has logged in to yet."""
    return make(world)


def make(world: World) -> Machine:
    tags = {"managed-by": "continuity", "incident": INCIDENT, "server": "web1"}
    request = MachineRequest("dr-test", tags, "", "", "ssh-ed25519 AAAAoperator", new_host_key())
    return world.provider.create(request)


def first_login(made: Machine) -> tuple[Machine, Server]:
    """Log in as a run does that begins or goes on: with what the journal says."""
    return enter(Incident(INCIDENT, open_estate("web1"), "test"), made)


def killed(world: World, made: Machine, after: str) -> MemoryServer:
    """Let a first login be killed after a step; return the machine under its first key."""
    with killed_after(after), pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        first_login(made)
    return world.server.at(made.address, made.host_key)


def test_killed_before_the_change_it_goes_on(world: World, made: Machine) -> None:
    there = killed(world, made, "connect")
    staged = there.machine.staged_host_key
    now, server = first_login(made)
    assert now.host_key == server.ssh_address().host_key == there.machine.host_key == staged


def test_killed_between_the_change_and_its_record_it_goes_on(world: World, made: Machine) -> None:
    """The journal knows what the machine staged, not that it shows it already."""
    there = killed(world, made, "connect")
    staged = there.machine.staged_host_key
    there.install_host_key(staged)
    now, _ = first_login(made)
    assert now.host_key == there.machine.host_key == staged
    assert there.machine.staged_host_key == "", "nothing was staged a second time"


def test_killed_before_the_staged_key_was_written_down_it_is_the_same(
    world: World, made: Machine
) -> None:
    there = world.server.at(made.address, made.host_key)
    staged = there.stage_host_key()
    assert first_login(made)[0].host_key == there.machine.host_key == staged


def test_run_again_it_is_not_changed_again(world: World, made: Machine) -> None:
    once, _ = first_login(made)
    again, server = first_login(made)
    assert again == once
    assert server.stop_jobs() == (), "the way in works"
    calls = [name for name, _ in world.server.world.machine(made.address).calls]
    assert calls.count("stage_host_key") == calls.count("install_host_key") == 1


@pytest.mark.parametrize("step", ["connect", "host-key"])
def test_a_third_key_is_never_accepted(world: World, made: Machine, step: str) -> None:
    there = killed(world, made, step)
    there.machine.host_key = new_host_key().public
    with pytest.raises(HostKeyMismatch):
        first_login(made)


def test_once_it_was_replaced_the_first_key_is_refused(world: World, made: Machine) -> None:
    """Somebody who read it at the provider answers at the machine's address."""
    there = killed(world, made, "host-key")
    there.machine.host_key = made.host_key
    with pytest.raises(HostKeyMismatch):
        first_login(made)


def test_a_connection_that_breaks_during_the_change_is_made_anew(
    world: World, made: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is lost after its effect: the next try finds the machine under its own key."""
    install, lost = MemoryServer.install_host_key, []

    def losing(server: MemoryServer, public: str) -> None:
        install(server, public)
        if not lost:
            lost.append(public)
            raise Unreachable("server", "the connection was lost", "run it again")

    monkeypatch.setattr(MemoryServer, "install_host_key", losing)
    now, _ = first_login(made)
    assert lost == [now.host_key] == [world.shown_key(made)]


def test_a_machine_made_anew_begins_with_its_own_first_key(world: World, made: Machine) -> None:
    """An operator destroyed the first one and runs the same incident again."""
    first, _ = first_login(made)
    world.provider.destroy(made.id)
    second = make(world)
    assert (second.id, second.address) == (made.id, made.address)
    now, _ = first_login(second)
    assert now.host_key == world.shown_key(second)
    assert now.host_key not in (first.host_key, second.host_key)
