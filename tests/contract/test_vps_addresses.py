"""What every provider promises that can lead an address to another machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Network

import pytest
from pydantic import SecretStr

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    DeadlineExceeded,
    HostKeyMismatch,
    NotFound,
    PermissionDenied,
    Unsupported,
)
from blocks.servers.host_key import new_host_key
from blocks.servers.ssh import SshServer
from blocks.types import Machine
from blocks.vps.base import VpsProvider
from blocks.vps.nspawn import NspawnVps
from deployments.lab import images, lab, machines, network
from deployments.lab.config import ROOT, Lab
from deployments.lab.secrets import ensure_secrets
from tests.contract.hosted_bench import HostedBench, asked
from tests.contract.hosted_providers import HOSTED, MOVING
from tests.fakes.memory_vps import MemoryVps

HERE, THERE = "192.0.2.200", "192.0.2.201"
"""Floating addresses of the machines' region, and of another one."""


SHORT = timedelta(seconds=20)


@dataclass(frozen=True)
class Bench:
    """A provider with two floating addresses, or one where there is only one region."""

    provider: VpsProvider
    make: Callable[[str], Machine]
    keeps_own: bool = True
    address: str = HERE
    elsewhere: str = THERE


@pytest.fixture(scope="module")
def place() -> Iterator[Lab]:
    here = Lab("floating", IPv4Network("10.89.83.0/24"), ROOT / "var/lab/floating")
    lab.down(here)
    ensure_secrets(here)
    images.build("base")
    network.up(here)
    yield here
    lab.down(here)


@pytest.fixture
def nspawn(place: Lab) -> Iterator[NspawnVps]:
    fields = {"floating_addresses": [place.address(80)], "apt_proxy": ""}
    provider = machines.provider(place).model_copy(update=fields)
    yield provider
    for machine in provider.find({}):
        provider.destroy(machine.id)


def make_real(place: Lab, provider: NspawnVps, name: str) -> Machine:
    """Make a machine with a host key of its own, into which the lab's operator can log in."""
    login = place.secret("ssh-key.pub")
    return provider.create(replace(asked(name, new_host_key()), authorized_key=login))


@pytest.fixture(params=["memory", pytest.param("nspawn", marks=pytest.mark.lab), *MOVING])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "nspawn":
        place, real = (request.getfixturevalue(each) for each in ("place", "nspawn"))
        moving = place.address(80)
        yield Bench(real, lambda name: make_real(place, real, name), address=moving, elsewhere="")
        return
    if request.param == "memory":
        memory = MemoryVps()
        memory.give_address(HERE)
        memory.give_address(THERE, region="elsewhere")
        yield Bench(memory, lambda name: memory.create(asked(name)))
        return
    with HOSTED[request.param]() as hosted:
        give(hosted)
        yield Bench(
            hosted.provider,
            lambda name: hosted.provider.create(asked(name)),
            hosted.keeps_own_address,
        )


@pytest.fixture(params=MOVING)
def hosted(request: pytest.FixtureRequest) -> Iterator[HostedBench]:
    with HOSTED[request.param]() as made:
        give(made)
        yield made


def give(bench: HostedBench) -> None:
    bench.give_address(HERE)
    bench.give_address(THERE, elsewhere=True)


def test_an_address_is_led_to_a_machine_then_to_another(bench: Bench) -> None:
    old, new = bench.make("old"), bench.make("new")
    assert bench.provider.moves_addresses()
    assert bench.provider.address_holder(bench.address) == ""
    for machine in (old, old, new, new):
        bench.provider.move_address(bench.address, machine.id)
        assert bench.provider.address_holder(bench.address) == machine.id
    found = {each.id: each.address for each in bench.provider.find({})}
    assert not bench.keeps_own or found == {old.id: old.address, new.id: new.address}
    inside = [bench.provider.address_inside(bench.address, each.id) for each in (new, new)]
    assert len(set(inside)) == 1
    assert inside[0] not in (old.address, new.address)


def test_an_address_leads_nowhere_when_its_machine_is_gone(bench: Bench) -> None:
    machine = bench.make("old")
    bench.provider.move_address(bench.address, machine.id)
    bench.provider.destroy(machine.id)
    assert bench.provider.address_holder(bench.address) == ""


def test_an_address_that_is_not_ours_is_not_found(bench: Bench) -> None:
    machine = bench.make("old")
    for act in (
        lambda: bench.provider.address_holder("192.0.2.99"),
        lambda: bench.provider.move_address("192.0.2.99", machine.id),
    ):
        with pytest.raises(NotFound) as refused:
            act()
        assert "192.0.2.99" in str(refused.value)
        assert refused.value.hint


def test_a_machine_that_is_not_ours_gets_no_address(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.provider.move_address(bench.address, "12345")
    assert bench.provider.address_holder(bench.address) == ""


def test_no_address_leaves_its_region(bench: Bench) -> None:
    machine = bench.make("old")
    if not bench.elsewhere:
        assert machine.region == bench.provider.place(), "there is only one"
        return
    with pytest.raises(ConfigurationError) as refused:
        bench.provider.move_address(bench.elsewhere, machine.id)
    assert bench.elsewhere in str(refused.value)
    assert "floating" in refused.value.hint
    assert bench.provider.address_holder(bench.elsewhere) == ""


# --- bad days of those with an API ---


@pytest.mark.parametrize("silent", [False, True], ids=["cut", "silent"])
def test_a_move_whose_answer_is_lost_is_seen(hosted: HostedBench, silent: bool) -> None:
    machine = hosted.provider.create(asked())
    hosted.service.lose_answer(on=hosted.lead, silent=silent)
    hosted.provider.move_address(HERE, machine.id)
    assert hosted.provider.address_holder(HERE) == machine.id


def test_a_move_that_was_not_heard_is_asked_for_again(hosted: HostedBench) -> None:
    machine = hosted.provider.create(asked())
    hosted.service.fail(503, on=hosted.lead)
    hosted.provider.move_address(HERE, machine.id)
    assert hosted.provider.address_holder(HERE) == machine.id
    assert hosted.service.count(hosted.lead) == 2


def test_an_address_that_leads_there_is_not_asked_for(hosted: HostedBench) -> None:
    machine = hosted.provider.create(asked())
    for _ in range(2):
        hosted.provider.move_address(HERE, machine.id)
    assert hosted.service.count(hosted.lead) == 1


def test_a_missing_right_is_named(hosted: HostedBench) -> None:
    machine = hosted.provider.create(asked())
    hosted.take_right()
    with pytest.raises(PermissionDenied) as refused:
        hosted.provider.move_address(HERE, machine.id)
    assert (hosted.lead_right or hosted.right) in str(refused.value)
    assert hosted.provider.address_holder(HERE) == ""


def test_refused_credentials_are_not_shown(hosted: HostedBench) -> None:
    hosted.expire()
    with pytest.raises(AuthenticationFailed) as refused:
        hosted.provider.address_holder(HERE)
    assert hosted.secret not in str(refused.value)


@pytest.mark.parametrize("name", HOSTED)
def test_a_provider_moves_addresses_or_says_that_it_cannot(name: str) -> None:
    with HOSTED[name]() as made:
        assert made.provider.moves_addresses() == (name in MOVING)
        if name not in MOVING:
            with pytest.raises(Unsupported, match="floating"):
                made.provider.move_address(HERE, "1")


def test_nothing_is_moved_by_a_provider_that_does_not_say_how() -> None:
    for call in (VpsProvider.address_holder, VpsProvider.move_address):
        with pytest.raises(Unsupported, match="Memory VPS provider"):
            call(MemoryVps(), HERE, *(["1"] if call is VpsProvider.move_address else []))


# --- what only real machines can show ---


def login(place: Lab, address: str, machine: Machine) -> SshServer:
    """Return the way into a machine by an address, which shall show that machine's host key."""
    return SshServer(
        address=address,
        host_key=machine.host_key,
        private_key=SecretStr(place.secret("ssh-key")),
        connect_timeout_seconds=3,
    )


def addresses_of(server: SshServer) -> str:
    return server.run(("ip", "-o", "address"), timeout=SHORT).stdout.decode()


@pytest.mark.lab
def test_from_outside_the_new_machine_answers_at_once_and_after_a_boot(
    place: Lab, nspawn: NspawnVps
) -> None:
    """The old one still has the address, and runs; it even claims it again."""
    moving = place.address(80)
    old, new = (make_real(place, nspawn, name) for name in ("old", "new"))
    for machine in (old, new):
        nspawn.move_address(moving, machine.id)
        login(place, machine.address, machine).take_address(moving)
        login(place, moving, machine).wait_ready(timeout=timedelta(seconds=5))
    with pytest.raises(HostKeyMismatch):
        login(place, moving, old).run(("true",), timeout=SHORT)
    before = login(place, old.address, old)
    assert f"{moving}/32" in addresses_of(before)
    before.take_address(moving)
    known = subprocess.run(
        ["ip", "neighbour", "flush", "to", moving], capture_output=True, check=False
    )
    assert known.returncode == 0
    login(place, moving, new).wait_ready(timeout=timedelta(seconds=5))
    nspawn.power_off(new.id)
    with pytest.raises(DeadlineExceeded):
        login(place, moving, old).wait_ready(timeout=timedelta(seconds=2))
    nspawn.power_on(new.id)
    login(place, moving, new).wait_ready(timeout=timedelta(seconds=15))
    before.drop_address(moving)
    assert moving not in addresses_of(before)
