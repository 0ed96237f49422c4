"""The contract of `DnsZone`, over the memory twin, real BIND servers, and fakes of hosted APIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from re import escape

import pytest

from blocks.errors import OutOfScope, UpdateRefused
from blocks.types import AddressChange, AddressRecord, NamedRecord
from tests.contract.bind import Bind
from tests.contract.dns_cloudflare import cloudflare_zone
from tests.contract.dns_knot import Knot, KnotUnderTest
from tests.contract.dns_ovh import ovh_zone
from tests.contract.dns_powerdns import PowerDns, PowerDnsUnderTest, UpdatedPowerDns
from tests.contract.dns_route53 import Route53, route53_zone
from tests.contract.dns_zones import NEW, OLD, OTHER, SPF, BindZone, InMemory, ZoneUnderTest

# octodns-bind 1.1 calls parts of octoDNS 1.22 that go away in 2.0; the versions are pinned.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Rr:DeprecationWarning", "ignore:.*from_rrs:DeprecationWarning"
)


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    with Bind(tmp_path_factory.mktemp("bind")).running() as servers:
        yield servers


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with Knot(tmp_path_factory.mktemp("knot")).running() as servers:
        yield servers


@pytest.fixture(scope="module")
def powerdns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    with PowerDns(tmp_path_factory.mktemp("powerdns")).running() as servers:
        yield servers


@pytest.fixture(scope="module")
def route53(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Route53]:
    with Route53.running(tmp_path_factory.mktemp("route53")) as service:
        yield service


REAL = {
    "bind": ("bind", BindZone),
    "knot": ("knot", KnotUnderTest),
    "powerdns": ("powerdns", PowerDnsUnderTest),
    "powerdns-updates": ("powerdns", UpdatedPowerDns),
}
"""Real servers that live as long as this module: their fixture, and a zone on them."""
BENCHES = {"cloudflare": cloudflare_zone, "ovh": ovh_zone}
"""What serves a zone of a provider while a test lasts, by the provider's name."""


@pytest.fixture(params=["memory", *REAL, "route53", *BENCHES])
def zone(request: pytest.FixtureRequest) -> Iterator[ZoneUnderTest]:
    if request.param == "memory":
        yield InMemory()
    elif request.param in REAL:
        servers, made = REAL[request.param]
        yield made(request.getfixturevalue(servers))
    elif request.param == "route53":
        with route53_zone(request.getfixturevalue("route53")) as served:
            yield served
    else:
        with BENCHES[request.param]() as served:
            yield served


def names_and_types(records: Sequence[AddressRecord]) -> set[tuple[str, str]]:
    return {(record.name, record.type) for record in records}


class TestEveryZone:
    def test_reads_all_address_records_sorted(self, zone: ZoneUnderTest) -> None:
        records = zone.block.read()
        assert list(records) == sorted(records)
        assert zone.record("") == AddressRecord(zone.name(""), "A", 120, (OLD,))
        assert zone.record("www") == AddressRecord(zone.name("www"), "A", 60, (OLD, "192.0.2.11"))
        assert zone.record("boutique", "AAAA") == AddressRecord(
            zone.name("boutique"), "AAAA", 60, ("2001:db8::10",)
        )
        assert zone.record("*.preview") is not None
        assert {record.type for record in records} == {"A", "AAAA"}

    def test_reads_what_leads_to_names_and_says_addresses(self, zone: ZoneUnderTest) -> None:
        apex = zone.name("")
        others = zone.block.others()
        assert list(others) == sorted(others)
        assert set(others) == {
            NamedRecord(zone.name("shop"), "CNAME", (zone.name("boutique"),)),
            NamedRecord(apex, "MX", (zone.name("mail"),)),
            NamedRecord(apex, "TXT", (SPF,)),
        }

    def test_a_rehearsal_changes_nothing(self, zone: ZoneUnderTest) -> None:
        names = {zone.name("boutique"), zone.name("www"), zone.name("missing"), zone.name("shop")}
        revision, records = zone.revision(), zone.block.read()
        assert zone.block.rehearse(names)
        assert zone.block.rehearse([])
        assert (zone.revision(), zone.block.read()) == (revision, records)

    def test_a_rehearsal_tells_that_the_right_is_missing(self, zone: ZoneUnderTest) -> None:
        weak, before = zone.without_right(), zone.block.read()
        weak.read()
        for act in (
            lambda: weak.rehearse([zone.name("boutique")]),
            lambda: weak.replace([zone.swap("boutique")]),
        ):
            with pytest.raises(UpdateRefused, match=escape(zone.refusal)):
                act()
        assert zone.block.read() == before

    def test_swaps_addresses_and_restores_the_identical_zone(self, zone: ZoneUnderTest) -> None:
        before = zone.block.read()
        ipv6 = AddressChange(
            zone.name("boutique"), "AAAA", ("2001:db8::10",), ("2001:db8::20",), 60
        )
        there = [zone.swap("", 30), zone.swap("boutique"), zone.swap("*.preview"), ipv6]
        zone.block.replace(there)
        assert zone.record("") == AddressRecord(zone.name(""), "A", max(30, zone.least_ttl), (NEW,))
        assert zone.record("boutique", "AAAA") == AddressRecord(
            zone.name("boutique"), "AAAA", 60, ("2001:db8::20",)
        )
        ttls = {(record.name, record.type): record.ttl for record in before}
        back = [AddressChange(c.name, c.type, c.new, c.old, ttls[c.name, c.type]) for c in there]
        zone.block.replace(back)
        assert zone.block.read() == before

    def test_touches_no_other_address(self, zone: ZoneUnderTest) -> None:
        before = set(zone.block.read())
        zone.block.replace([zone.swap("boutique")])
        changed = before ^ set(zone.block.read())
        assert {(record.name, record.type) for record in changed} == {(zone.name("boutique"), "A")}

    def test_replaces_one_of_two_addresses(self, zone: ZoneUnderTest) -> None:
        both = ("192.0.2.11", OLD)
        change = AddressChange(zone.name("www"), "A", both, (NEW, "192.0.2.11"), 60)
        zone.block.replace([change])
        assert zone.record("www") == AddressRecord(zone.name("www"), "A", 60, ("192.0.2.11", NEW))

    def test_a_repeated_call_changes_nothing(self, zone: ZoneUnderTest) -> None:
        zone.block.replace([zone.swap("boutique")])
        revision, records = zone.revision(), zone.block.read()
        zone.block.replace([zone.swap("boutique", ttl=5)])
        assert (zone.revision(), zone.block.read()) == (revision, records)

    def test_goes_on_where_a_killed_call_stopped(self, zone: ZoneUnderTest) -> None:
        zone.edit("boutique", [NEW])
        zone.block.replace([zone.swap("boutique"), zone.swap("")])
        for label in ("boutique", ""):
            record = zone.record(label)
            assert record is not None
            assert record.values == (NEW,)

    def test_no_changes_are_no_update(self, zone: ZoneUnderTest) -> None:
        revision = zone.revision()
        zone.block.replace([])
        assert zone.revision() == revision

    def test_makes_and_removes_records(self, zone: ZoneUnderTest) -> None:
        name = zone.name("fresh")
        zone.block.replace([AddressChange(name, "A", (), (NEW,), 45)])
        assert zone.record("fresh") == AddressRecord(name, "A", max(45, zone.least_ttl), (NEW,))
        for _ in range(2):
            zone.block.replace([AddressChange(name, "A", (NEW,), (), 45)])
            assert zone.record("fresh") is None

    def test_a_strangers_edit_stops_the_whole_call(self, zone: ZoneUnderTest) -> None:
        zone.edit("boutique", [OTHER])
        before = zone.block.read()
        with pytest.raises(UpdateRefused, match=OTHER) as refused:
            zone.block.replace([zone.swap(""), zone.swap("boutique")])
        assert zone.name("boutique") in refused.value.subject
        assert zone.block.read() == before

    def test_a_record_that_a_stranger_removed_stops_the_call(self, zone: ZoneUnderTest) -> None:
        zone.edit("boutique", [])
        with pytest.raises(UpdateRefused, match="no address"):
            zone.block.replace([zone.swap("boutique")])

    @pytest.mark.parametrize(
        ("name", "record_type", "new"),
        [
            ("boutique.elsewhere.test", "A", NEW),
            ("boutiqueatelier.test", "A", NEW),
            ("boutique.{zone}", "AAAA", NEW),
            ("boutique.{zone}", "A", "2001:db8::20"),
            ("boutique.{zone}", "A", "not-an-address"),
            ("boutique.{zone}", "TXT", NEW),
        ],
    )
    def test_refuses_what_is_out_of_scope(
        self, zone: ZoneUnderTest, name: str, record_type: str, new: str
    ) -> None:
        before = zone.block.read()
        wrong = AddressChange(name.format(zone=zone.block.zone), record_type, (), (new,), 60)
        with pytest.raises(OutOfScope):
            zone.block.replace([zone.swap("boutique"), wrong])
        assert zone.block.read() == before

    def test_refuses_two_changes_of_one_record(self, zone: ZoneUnderTest) -> None:
        with pytest.raises(OutOfScope, match="twice"):
            zone.block.replace([zone.swap("boutique"), zone.swap("boutique")])

    def test_sets_ttls_and_nothing_else(self, zone: ZoneUnderTest) -> None:
        before = zone.block.read()
        wanted = [
            AddressRecord(record.name, record.type, 90, record.values)
            for record in before
            if record.name in {zone.name("boutique"), zone.name("www"), zone.name("*.preview")}
        ]
        assert len(wanted) == 4
        assert zone.block.set_ttl(wanted) == ()
        assert set(before) ^ set(zone.block.read()) == set(wanted) | {
            record for record in before if (record.name, record.type) in names_and_types(wanted)
        }
        revision = zone.revision()
        assert zone.block.set_ttl(wanted) == zone.block.set_ttl([]) == ()
        assert zone.revision() == revision, "a repeated call changed something"
        zone.block.set_ttl([r for r in before if (r.name, r.type) in names_and_types(wanted)])
        assert zone.block.read() == before

    def test_sets_no_ttl_where_a_stranger_edited(self, zone: ZoneUnderTest) -> None:
        apex = AddressRecord(zone.name(""), "A", 90, (OLD,))
        zone.edit("boutique", [OTHER])
        before = zone.block.read()
        for values in ((OLD,), (OTHER, OLD)):
            edited = AddressRecord(zone.name("boutique"), "A", 90, values)
            with pytest.raises(UpdateRefused, match=OTHER):
                zone.block.set_ttl([apex, edited])
        with pytest.raises(UpdateRefused, match="no address"):
            zone.block.set_ttl([apex, AddressRecord(zone.name("missing"), "A", 90, (OLD,))])
        with pytest.raises(OutOfScope):
            zone.block.set_ttl([apex, AddressRecord("www.elsewhere.test", "A", 90, (OLD,))])
        assert zone.block.read() == before

    def test_changes_200_records_in_one_call(self, zone: ZoneUnderTest) -> None:
        names = [zone.name(f"client{number}") for number in range(200)]
        zone.block.replace([AddressChange(name, "A", (), (OLD,), 60) for name in names])
        revision = zone.revision()
        zone.block.replace([AddressChange(name, "A", (OLD,), (NEW,), 60) for name in names])
        held = {record.name: record.values for record in zone.block.read()}
        assert {held[name] for name in names} == {(NEW,)}
        assert zone.revision() == revision + 1, "more than one update"

    def test_answers_tell_a_lagging_server(self, zone: ZoneUnderTest) -> None:
        name = zone.name("boutique")
        zone.block.replace([zone.swap("boutique")])
        assert zone.block.answers(name, "A") == {zone.primary: (NEW,), zone.secondary: (OLD,)}
        zone.catch_up()
        assert zone.block.answers(name, "A") == {zone.primary: (NEW,), zone.secondary: (NEW,)}
        assert zone.block.answers(name, "AAAA")[zone.primary] == ("2001:db8::10",)

    def test_a_name_without_addresses_answers_nothing(self, zone: ZoneUnderTest) -> None:
        for name in (zone.name("missing"), zone.name("mail")):
            assert zone.block.answers(name, "AAAA") == {zone.primary: (), zone.secondary: ()}
