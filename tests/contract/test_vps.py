"""What every provider of machines promises: the twin, systemd-nspawn, and those with an API."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from pydantic import SecretStr

from blocks.errors import ConfigurationError, NotFound, OutOfStock
from blocks.servers.ssh import SshServer
from blocks.types import HostKey, Machine, MachineRequest, PowerState, Stock
from blocks.vps.base import VpsProvider
from blocks.vps.hosted import HostedVps
from blocks.vps.nspawn import NspawnVps
from blocks.vps.nspawn_record import MachineRecord
from deployments.lab import images, lab, machines, network
from deployments.lab.config import ROOT, Lab
from deployments.lab.secrets import ensure_secrets, host_key
from tests.contract.hosted_bench import KEYS, LOGIN, Offer
from tests.contract.hosted_providers import HOSTED
from tests.fakes.memory_vps import MemoryVps

ROOM = 3
"""Machines that every provider under test has room for."""


NAMES = Offer("small", "standard", "standard")


@dataclass(frozen=True)
class Bench:
    """A provider under test and keys that fit it."""

    provider: VpsProvider
    host_keys: tuple[HostKey, HostKey]
    authorized_key: str
    real: bool
    sizes: Offer = NAMES
    keeps_address: bool = True

    @property
    def hosted(self) -> bool:
        """Whether it is reached through an API: such a provider does not tell its whole quota."""
        return isinstance(self.provider, HostedVps)

    def restarted(self, before: Machine, now: Machine) -> Machine:
        """Return what the machine must be after it was off."""
        return before if self.keeps_address else replace(before, address=now.address)

    def request(self, name: str = "first", key: int = 0, **changes: object) -> MachineRequest:
        tags = {"managed-by": "continuity", "purpose": "drill", "incident": "i1", "server": "web1"}
        asked = MachineRequest(
            name=name,
            tags=tags,
            size="",
            region="",
            authorized_key=self.authorized_key,
            host_key=self.host_keys[key],
        )
        return replace(asked, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place() -> Iterator[Lab]:
    here = Lab("vpstest", IPv4Network("10.89.76.0/24"), ROOT / "var/lab/vpstest")
    lab.down(here)
    ensure_secrets(here)
    images.build("base")
    network.up(here)
    yield here
    lab.down(here)


@pytest.fixture(params=["memory", pytest.param("nspawn", marks=pytest.mark.lab), *HOSTED])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param in HOSTED:
        with HOSTED[request.param]() as hosted:
            hosted.limit(ROOM)
            yield Bench(hosted.provider, KEYS, LOGIN, False, hosted.offer, hosted.keeps_address)
        return
    if request.param == "memory":
        keys = HostKey("ssh-ed25519 AAAA1", "one"), HostKey("ssh-ed25519 AAAA2", "two")
        yield Bench(MemoryVps(capacity=ROOM), keys, "ssh-ed25519 BBBB", real=False)
        return
    here: Lab = request.getfixturevalue("place")
    provider = nspawn(here)
    keys = host_key(here, "web1"), host_key(here, "names")
    yield Bench(provider, keys, here.secret("ssh-key.pub"), real=True)
    for machine in provider.find({}):
        provider.destroy(machine.id)


def nspawn(here: Lab) -> NspawnVps:
    first, _ = here.pool
    fields = {"last_address": str(first + ROOM - 1), "apt_proxy": ""}
    return machines.provider(here).model_copy(update=fields)


def answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            connection.settimeout(1)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def test_sizes_are_offered_smallest_first(bench: Bench) -> None:
    sizes = bench.provider.sizes()
    assert sizes
    assert list(sizes) == sorted(sizes, key=lambda size: (size.cores, size.memory))


def test_a_provider_tells_the_release_of_its_machines_or_that_it_cannot(bench: Bench) -> None:
    assert bench.provider.release() == ("12" if bench.real or bench.hosted else "")


def test_a_provider_says_who_we_are_there_and_what_we_may_do(bench: Bench) -> None:
    seen = bench.provider.access()
    assert seen.who
    assert seen.may
    assert seen.missing == ()
    assert bench.provider.find({}) == ()


def test_a_new_machine_runs_and_is_found_by_its_tags(bench: Bench) -> None:
    expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    made = bench.provider.create(bench.request(expires_at=expiry))
    assert (made.name, made.power, made.host_key) == (
        "first",
        PowerState.ON,
        bench.host_keys[0].public,
    )
    assert made.expires_at == expiry
    assert abs(datetime.now(UTC) - made.created_at) < timedelta(minutes=1)
    assert bench.provider.find({"incident": "i1", "purpose": "drill"}) == (made,)
    assert bench.provider.find({"incident": "i1", "purpose": "production"}) == ()
    assert not bench.real or answers(made.address)


def test_machines_are_found_oldest_first_each_with_its_address(bench: Bench) -> None:
    for name in ("second", "first"):
        bench.provider.create(bench.request(name))
    found = bench.provider.find({})
    assert [machine.name for machine in found] == ["second", "first"]
    assert len({machine.address for machine in found}) == 2


def test_creating_again_adopts_the_machine_with_its_first_key(bench: Bench) -> None:
    made = bench.provider.create(bench.request())
    again = bench.provider.create(bench.request(key=1, size=bench.sizes.small))
    assert again == made
    assert len(bench.provider.find({})) == 1


def test_power_off_and_on_can_be_repeated(bench: Bench) -> None:
    made = bench.provider.create(bench.request())
    for _ in range(2):
        bench.provider.power_off(made.id)
        assert bench.provider.find({})[0].power is PowerState.OFF
        assert not bench.real or not answers(made.address)
    for _ in range(2):
        bench.provider.power_on(made.id)
        (now,) = bench.provider.find({})
        assert now == bench.restarted(made, now)
        assert now.address
        assert not bench.real or answers(made.address)


def test_creating_a_machine_that_is_off_starts_it(bench: Bench) -> None:
    made = bench.provider.create(bench.request())
    bench.provider.power_off(made.id)
    again = bench.provider.create(bench.request())
    assert again == bench.restarted(made, again)


def test_an_unknown_machine_is_not_found(bench: Bench) -> None:
    for act in (bench.provider.power_on, bench.provider.power_off):
        with pytest.raises(NotFound) as refused:
            act("nobody")
        assert "nobody" in refused.value.subject
        assert refused.value.hint


def test_destroying_can_be_repeated(bench: Bench) -> None:
    made = bench.provider.create(bench.request())
    for _ in range(2):
        bench.provider.destroy(made.id)
        assert bench.provider.find({}) == ()
    assert not bench.real or not answers(made.address)


def test_a_full_provider_is_out_of_stock_until_a_machine_goes(bench: Bench) -> None:
    for number in range(ROOM):
        bench.provider.create(bench.request(f"m{number}"))
    assert bench.hosted or bench.provider.room().stock is Stock.SOLD_OUT
    with pytest.raises(OutOfStock) as refused:
        bench.provider.create(bench.request("onemore"))
    assert refused.value.hint
    assert len(bench.provider.find({})) == ROOM
    freed = bench.provider.find({})[1]
    bench.provider.destroy(freed.id)
    again = bench.provider.create(bench.request("onemore"))
    assert bench.hosted or again.address == freed.address


def test_room_is_told_without_ordering_anything(bench: Bench) -> None:
    before = bench.provider.room(bench.sizes.cheapest)
    assert before.stock is not Stock.SOLD_OUT
    assert before.left == ROOM or (bench.hosted and before.left is None)
    assert before.seen
    bench.provider.create(bench.request())
    assert bench.provider.room().left == (None if before.left is None else ROOM - 1)
    assert bench.provider.room("huge").stock is Stock.SOLD_OUT
    assert len(bench.provider.find({})) == 1


def test_an_unknown_size_is_refused_before_anything_is_made(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="huge"):
        bench.provider.create(bench.request(size="huge"))
    assert bench.provider.find({}) == ()


# --- what only a real machine can show ---


@pytest.mark.lab
def test_the_disk_outlives_a_power_cut_and_the_host_key_is_the_ordered_one(place: Lab) -> None:
    provider = nspawn(place)
    ordered = bench_request(place, "durable")
    made = provider.create(ordered)
    server = SshServer(
        address=made.address,
        host_key=ordered.host_key.public,
        private_key=SecretStr((place.secrets / "ssh-key").read_text()),
    )
    seconds = timedelta(seconds=20)
    server.run(("sh", "-c", "echo kept > /root/kept; sync"), timeout=seconds)
    provider.power_off(made.id)
    provider.power_on(made.id)
    server.wait_ready(timeout=seconds)
    assert server.run(("cat", "/root/kept"), timeout=seconds).stdout == b"kept\n"
    routes = server.run(("ip", "route", "show", "default"), timeout=seconds).stdout
    assert routes == b"", "a machine must have no way out"
    provider.destroy(made.id)


@pytest.mark.lab
def test_a_machine_whose_maker_died_is_adopted_with_the_key_of_the_next_call(place: Lab) -> None:
    provider = nspawn(place)
    dead = MachineRecord(
        id="orphan",
        address="10.89.76.101",
        image=provider.image,
        tags={"incident": "i2"},
        host_key="ssh-ed25519 LOST",
        created_at=datetime.now(UTC),
    )
    provider.hypervisor.claim("orphan", lambda others: dead)
    made = provider.create(bench_request(place, "orphan"))
    assert made.host_key == host_key(place, "web1").public
    assert (made.address, made.tags) == (dead.address, dead.tags)
    assert provider.find({"incident": "i2"}) == (made,)
    provider.destroy("orphan")


def test_a_host_without_image_or_space_has_no_room(tmp_path: Path) -> None:
    bare = NspawnVps(
        state_directory=str(tmp_path / "machines"),
        image=str(tmp_path / "image"),
        namespace="nowhere",
        first_address="10.0.0.2",
        last_address="10.0.0.3",
        resolver="10.0.0.1",
    )
    assert (bare.room().stock, bare.room().disk) == (Stock.SOLD_OUT, None)
    release = tmp_path / "image/usr/lib/os-release"
    release.parent.mkdir(parents=True)
    release.write_text('VERSION_ID="12"\n')
    there = bare.room()
    assert (there.stock, there.left) == (Stock.AVAILABLE, 2)
    assert there.disk == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.01)


@pytest.mark.lab
def test_a_machine_that_cannot_boot_names_its_log(place: Lab) -> None:
    provider = nspawn(place).model_copy(update={"image": "/nonexistent"})
    with pytest.raises(ConfigurationError, match="script/lab image") as refused:
        provider.create(bench_request(place, "broken"))
    assert "/nonexistent" in refused.value.subject
    provider.destroy("broken")


def bench_request(here: Lab, name: str) -> MachineRequest:
    key = host_key(here, "web1")
    return Bench(nspawn(here), (key, key), here.secret("ssh-key.pub"), real=True).request(name)


def test_a_price_is_an_hours_and_names_its_currency(bench: Bench) -> None:
    for size in bench.provider.sizes():
        assert size.price is None or (size.price >= 0 and len(size.currency) == 3)
