"""What only PowerDNS has: one key for all, disabled records, copies, serials, no condition."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from blocks.dns.powerdns_provider import PowerDnsAddressProvider
from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    Unreachable,
    UpdateRefused,
)
from blocks.types import AddressChange
from tests.contract.bind import free_port
from tests.contract.dns_powerdns import PowerDns, PowerDnsUnderTest
from tests.contract.dns_zones import NEW, OLD, OTHER
from tests.contract.name_servers import ADDRESS


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    with PowerDns(tmp_path_factory.mktemp("powerdns")).running() as started:
        yield started


@pytest.fixture
def real(servers: PowerDns) -> PowerDnsUnderTest:
    return PowerDnsUnderTest(servers)


class TestChanges:
    @pytest.mark.parametrize("values", [[OTHER], []], ids=["edited", "removed"])
    def test_a_stranger_between_the_look_and_the_change(
        self, real: PowerDnsUnderTest, monkeypatch: pytest.MonkeyPatch, values: list[str]
    ) -> None:
        apply = PowerDnsAddressProvider._apply

        def after_stranger(provider: PowerDnsAddressProvider, plan: object) -> bool:
            real.edit("boutique", values)
            return apply(provider, plan)

        monkeypatch.setattr(PowerDnsAddressProvider, "_apply", after_stranger)
        with pytest.raises(UpdateRefused, match="in between"):
            real.block.replace([real.swap(""), real.swap("boutique")])
        apex, boutique = real.record(""), real.record("boutique")
        assert apex is not None
        assert apex.values == (OLD,)
        assert (boutique.values if boutique else ()) == tuple(values)

    def test_one_record_that_is_refused_stops_all(self, real: PowerDnsUnderTest) -> None:
        before = real.block.read()
        beside_cname = AddressChange(real.name("shop"), "A", (), (NEW,), 60)
        with pytest.raises(UpdateRefused, match="pre-existing") as refused:
            real.block.replace([real.swap("boutique"), beside_cname])
        assert "CNAME" in refused.value.hint
        assert real.block.read() == before

    def test_a_disabled_address_is_not_served_and_stays(self, real: PowerDnsUnderTest) -> None:
        asleep = {"content": OTHER, "disabled": True}
        awake = {"content": OLD, "disabled": False}
        real.servers.put(real.zone, real.name("boutique"), "A", [awake, asleep])
        real.servers.put(real.zone, real.name("parked"), "A", [asleep])
        assert real.record("parked") is None
        real.block.replace([real.swap("boutique")])
        record = real.record("boutique")
        assert record is not None
        assert record.values == (NEW,)
        rrsets = real.servers.call("GET", f"zones/{real.zone}.").json()["rrsets"]
        held = {(each["name"], each["type"]): each["records"] for each in rrsets}
        assert asleep in held[real.name("boutique") + ".", "A"]

    def test_tells_the_secondaries_of_a_zone_that_has_some(self, real: PowerDnsUnderTest) -> None:
        zone = {"kind": "Master"}
        real.servers.call("PUT", f"zones/{real.zone}.", zone)
        meta = {"kind": "ALSO-NOTIFY", "metadata": [f"{ADDRESS}:{real.servers.ports[1]}"]}
        real.servers.call("POST", f"zones/{real.zone}./metadata", meta)
        real.block.replace([real.swap("boutique")])
        real.servers.await_copy(real.zone)
        assert set(real.block.answers(real.name("boutique"), "A").values()) == {(NEW,)}

    @pytest.mark.parametrize(
        ("zone", "says"),
        [({"kind": "Slave"}, "copy"), ({"kind": "Master", "soa_edit_api": ""}, "SOA-EDIT-API")],
    )
    def test_refuses_what_would_be_lost(
        self, real: PowerDnsUnderTest, zone: dict[str, object], says: str
    ) -> None:
        before = real.block.read()
        real.servers.call("PUT", f"zones/{real.zone}.", zone)
        for act in (
            lambda: real.block.rehearse([real.name("boutique")]),
            lambda: real.block.replace([real.swap("boutique")]),
        ):
            with pytest.raises(UpdateRefused) as refused:
                act()
            assert says in str(refused.value)
        assert real.block.read() == before


class TestConnection:
    @pytest.mark.parametrize(
        ("fields", "error", "says"),
        [
            ({"api_key": "wrong"}, AuthenticationFailed, "401"),
            ({"zone": "missing.test"}, NotFound, "no such zone"),
            ({"server_id": "elsewhere"}, NotFound, "elsewhere"),
            ({"api_url": f"http://{ADDRESS}:{free_port()}"}, Unreachable, "does not answer"),
        ],
    )
    def test_names_what_is_wrong(
        self,
        real: PowerDnsUnderTest,
        fields: dict[str, object],
        error: type[ContinuityError],
        says: str,
    ) -> None:
        block = real.made(**fields)
        change = AddressChange(block.zone, "A", (OLD,), (NEW,), 60)
        for call in (block.read, block.others, lambda: block.replace([change])):
            with pytest.raises(error, match=says) as caught:
                call()
            assert block.api_key.get_secret_value() not in str(caught.value)

    def test_a_server_that_says_nothing(self, real: PowerDnsUnderTest) -> None:
        with socket.create_server((ADDRESS, 0)) as silent:
            url = f"http://{ADDRESS}:{silent.getsockname()[1]}"
            with pytest.raises(Unreachable) as caught:
                real.made(api_url=url, timeout_seconds=0.2).read()
        assert caught.value.transient
