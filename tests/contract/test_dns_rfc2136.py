"""What only a real server can show of RFC 2136: keys, rights, other records, races, silence."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from octodns.provider.plan import Plan

from blocks.dns.rfc2136 import Rfc2136Zone
from blocks.dns.rfc2136_provider import Rfc2136AddressProvider
from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    PermissionDenied,
    Unreachable,
    UpdateRefused,
)
from blocks.types import AddressChange
from tests.contract.bind import ADDRESS, Bind
from tests.contract.dns_knot import Knot, KnotUnderTest
from tests.contract.dns_powerdns import PowerDns, UpdatedPowerDns
from tests.contract.dns_zones import NEW, OLD, OTHER, BindZone, zone_block

# octodns-bind 1.1 calls parts of octoDNS 1.22 that go away in 2.0; the versions are pinned.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Rr:DeprecationWarning", "ignore:.*from_rrs:DeprecationWarning"
)


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    with Bind(tmp_path_factory.mktemp("bind")).running() as servers:
        yield servers


class QuickStranger(Rfc2136AddressProvider):
    """Edits the zone after it was read and right before the update is sent."""

    edit: Callable[[], None]

    def _apply(self, plan: Plan) -> bool:
        self.edit()
        return super()._apply(plan)


@pytest.fixture
def real(bind: Bind) -> BindZone:
    return BindZone(bind)


class TestBind:
    @pytest.mark.parametrize("values", [[OTHER], []], ids=["edited", "removed"])
    def test_a_stranger_between_look_and_update(
        self, real: BindZone, monkeypatch: pytest.MonkeyPatch, values: list[str]
    ) -> None:
        provider = Rfc2136Zone._provider

        def with_stranger(block: Rfc2136Zone) -> Rfc2136AddressProvider:
            found = provider(block)
            found.__class__ = QuickStranger
            found.edit = lambda: real.edit("boutique", values)
            return found

        monkeypatch.setattr(Rfc2136Zone, "_provider", with_stranger)
        with pytest.raises(UpdateRefused, match="in between"):
            real.block.replace([real.swap(""), real.swap("boutique")])
        monkeypatch.undo()
        apex, boutique = real.record(""), real.record("boutique")
        assert apex is not None
        assert apex.values == (OLD,)
        assert (boutique.values if boutique else ()) == tuple(values)

    def test_all_other_records_stay(self, real: BindZone) -> None:
        name = real.name("boutique")
        before = real.bind.contents(real.block.zone)
        assert any(" MX " in line for line in before)
        assert any(" CNAME " in line for line in before)
        assert any(" TYPE65400 " in line for line in before)
        real.block.replace([real.swap("boutique")])
        assert real.bind.contents(real.block.zone) ^ before == {
            f"{name}. 60 A {OLD}",
            f"{name}. 60 A {NEW}",
        }

    def test_an_update_that_the_server_ignores_is_noticed(self, real: BindZone) -> None:
        change = AddressChange(real.name("shop"), "A", (), (NEW,), 60)
        with pytest.raises(UpdateRefused, match="is not there") as refused:
            real.block.replace([change])
        assert "CNAME" in refused.value.hint

    def test_asks_all_servers_of_the_ns_records(self, real: BindZone) -> None:
        block = zone_block(real.bind, real.block.zone, nameservers=[], timeout_seconds=0.5)
        with pytest.raises(Unreachable, match=r"127\.0\.0\.9"):
            block.answers(real.name("boutique"), "A")
        real.edit("ns2", [ADDRESS])
        assert block.answers(real.name("boutique"), "A") == {ADDRESS: (OLD,)}

    def test_a_name_server_without_a_known_address(self, real: BindZone) -> None:
        block = zone_block(real.bind, real.block.zone, nameservers=[])
        real.bind.update(block.zone, block.zone, "NS", ["ns.elsewhere.example."], 60)
        with pytest.raises(ConfigurationError, match="nameservers") as caught:
            block.answers(real.name("boutique"), "A")
        assert "ns.elsewhere.example" in caught.value.cause

    def test_a_cname_answers_the_addresses_it_leads_to(self, real: BindZone) -> None:
        assert real.block.answers(real.name("shop"), "A")[real.primary] == (OLD,)

    @pytest.mark.parametrize(
        ("fields", "error", "says"),
        [
            ({"key_secret": b64encode(b"x" * 32).decode()}, AuthenticationFailed, "BadSig"),
            ({"key_name": "nobody"}, AuthenticationFailed, "BadKey"),
            ({"key_algorithm": "hmac-sha512"}, AuthenticationFailed, "BadKey"),
            ({"key_secret": "%%%"}, ConfigurationError, "base64"),
            ({"zone": "missing.test"}, NotFound, "no such zone"),
            ({"zone": "private.test"}, PermissionDenied, "transfer"),
        ],
    )
    def test_names_what_is_wrong_when_it_reads(
        self, bind: Bind, fields: dict[str, object], error: type[ContinuityError], says: str
    ) -> None:
        block = zone_block(bind, **{"zone": "atelier1.test"} | fields)
        change = AddressChange(f"www.{block.zone}", "A", (OLD, "192.0.2.11"), (NEW,), 60)
        calls: tuple[Callable[[], object], ...] = (
            block.read,
            block.others,
            lambda: block.replace([change]),
            lambda: block.rehearse([change.name]),
        )
        for call in calls:
            with pytest.raises(error, match=says) as caught:
                call()
            assert block.key_secret.get_secret_value() not in str(caught.value)

    @pytest.mark.parametrize(
        "fields", [{"zone": "refusing.test"}, {"key_name": "reader"}], ids=["zone", "key"]
    )
    def test_an_update_without_the_right_is_refused(
        self, bind: Bind, fields: dict[str, object]
    ) -> None:
        secret = bind.keys[str(fields.get("key_name", "continuity"))]
        block = zone_block(bind, **{"zone": "atelier1.test", "key_secret": secret} | fields)
        before = block.read()
        with pytest.raises(UpdateRefused, match="REFUSED"):
            block.replace([AddressChange(block.zone, "A", (OLD,), (NEW,), 60)])
        assert block.read() == before

    def test_a_server_without_the_zone_does_not_count_as_an_answer(self, bind: Bind) -> None:
        with pytest.raises(Unreachable, match=str(bind.second_port)):
            zone_block(bind, "refusing.test").answers("www.refusing.test", "A")


class TestUnreachable:
    def test_a_closed_port(self, bind: Bind) -> None:
        block = zone_block(
            bind,
            "atelier1.test",
            server="127.0.0.3",
            nameservers=["127.0.0.3"],
            timeout_seconds=0.5,
        )
        with pytest.raises(Unreachable, match=r"127\.0\.0\.3"):
            block.read()
        with pytest.raises(Unreachable, match=r"127\.0\.0\.3"):
            block.answers("www.atelier1.test", "A")

    def test_a_server_that_says_nothing(self, bind: Bind) -> None:
        with socket.create_server((ADDRESS, 0)) as silent:
            port = silent.getsockname()[1]
            block = zone_block(bind, "atelier1.test", port=port, timeout_seconds=0.3)
            with pytest.raises(Unreachable, match=str(port)) as caught:
                block.read()
        assert caught.value.transient

    def test_a_server_that_hangs_up(self, bind: Bind) -> None:
        with socket.create_server((ADDRESS, 0)) as rude:

            def hang_up() -> None:
                rude.accept()[0].close()

            thread = Thread(target=hang_up)
            thread.start()
            block = zone_block(bind, "atelier1.test", port=rude.getsockname()[1])
            with pytest.raises(Unreachable):
                block.read()
            thread.join(timeout=5)


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with Knot(tmp_path_factory.mktemp("knot")).running() as servers:
        yield servers


@pytest.fixture(scope="module")
def powerdns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    with PowerDns(tmp_path_factory.mktemp("powerdns")).running() as servers:
        yield servers


@pytest.fixture(params=["knot", "powerdns"])
def other(request: pytest.FixtureRequest) -> KnotUnderTest | UpdatedPowerDns:
    servers = request.getfixturevalue(request.param)
    return KnotUnderTest(servers) if request.param == "knot" else UpdatedPowerDns(servers)


class TestKnotAndPowerDns:
    @pytest.mark.parametrize("values", [[OTHER], []], ids=["edited", "removed"])
    def test_a_stranger_between_look_and_update(
        self,
        other: KnotUnderTest | UpdatedPowerDns,
        monkeypatch: pytest.MonkeyPatch,
        values: list[str],
    ) -> None:
        send = Rfc2136AddressProvider._apply

        def after_stranger(provider: Rfc2136AddressProvider, plan: Plan) -> bool:
            other.edit("boutique", values)
            return send(provider, plan)

        monkeypatch.setattr(Rfc2136AddressProvider, "_apply", after_stranger)
        with pytest.raises(UpdateRefused, match="in between"):
            other.block.replace([other.swap(""), other.swap("boutique")])
        apex, boutique = other.record(""), other.record("boutique")
        assert apex is not None
        assert apex.values == (OLD,)
        assert (boutique.values if boutique else ()) == tuple(values)

    def test_a_record_that_a_stranger_made_meanwhile_stays(
        self, other: KnotUnderTest | UpdatedPowerDns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send = Rfc2136AddressProvider._apply

        def after_stranger(provider: Rfc2136AddressProvider, plan: Plan) -> bool:
            other.edit("fresh", [OTHER])
            return send(provider, plan)

        monkeypatch.setattr(Rfc2136AddressProvider, "_apply", after_stranger)
        with pytest.raises(UpdateRefused, match="in between"):
            other.block.replace([AddressChange(other.name("fresh"), "A", (), (NEW,), 60)])
        record = other.record("fresh")
        assert record is not None
        assert record.values == (OTHER,)

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"key_secret": b64encode(b"x" * 32).decode()}, AuthenticationFailed),
            ({"key_name": "nobody"}, AuthenticationFailed),
            ({"zone": "missing.test"}, NotFound),
        ],
        ids=["secret", "name", "zone"],
    )
    def test_names_what_is_wrong_when_it_reads(
        self,
        other: KnotUnderTest | UpdatedPowerDns,
        fields: dict[str, object],
        error: type[ContinuityError],
    ) -> None:
        block = other.made(**fields)
        change = AddressChange(block.zone, "A", (OLD,), (NEW,), 60)
        for call in (block.read, lambda: block.replace([change])):
            with pytest.raises(error):
                call()
