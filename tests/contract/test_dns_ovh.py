"""What only OVH has: edits that are not published yet, keys and their rules, lost calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from pydantic import ValidationError

from blocks.dns.ovh import OvhZone
from blocks.dns.ovh_provider import OvhAddressProvider, Step
from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
    Unreachable,
    UpdateRefused,
)
from blocks.types import AddressChange, AddressRecord, NamedRecord
from tests.contract.dns_ovh import CONSUMER, ZONE, OvhUnderTest, ovh_zone
from tests.contract.dns_zones import NEW, OLD, OTHER
from tests.fakes.ovh_auth import METHODS, Credential
from tests.fakes.ovh_dns_api import ZONE_TTL, Served

PUT, POST, DELETE = "PUT .*/record/", "POST .*/record$", "DELETE .*/record/"
REFRESH = "POST .*/refresh"
IPV6 = "2001:db8::10"


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[OvhUnderTest]:
    monkeypatch.setattr("blocks.dns.ovh_client.RETRY_SECONDS", 0.01)
    with ovh_zone() as served:
        yield served


def flip(real: OvhUnderTest) -> list[AddressChange]:
    """Return changes that put, add and remove: A of two names, one more address, no AAAA."""
    return [
        real.swap(""),
        real.swap("boutique"),
        AddressChange(real.name("boutique"), "AAAA", (IPV6,), (), 60),
        AddressChange(real.name("fresh"), "A", (), (NEW,), 60),
    ]


def served(real: OvhUnderTest, label: str, kind: str = "A") -> list[str]:
    wanted = real.name(label), kind
    found: list[Served] = list(real.api.served(ZONE))
    return [each.value for each in found if (each.name, each.type) == wanted]


class TestEdits:
    def test_a_row_keeps_its_id_and_is_put(self, real: OvhUnderTest) -> None:
        (before,) = real.api.edited(ZONE, "boutique")
        real.block.replace([real.swap("boutique", ttl=120)])
        assert real.api.edited(ZONE, "boutique") == [before | {"target": NEW, "ttl": 120}]
        assert (real.api.count(POST), real.api.count(DELETE)) == (0, 0)
        assert real.api.count(REFRESH) == 1

    def test_a_row_without_ttl_of_its_own_keeps_none(self, real: OvhUnderTest) -> None:
        real.api.put(ZONE, "plain", "A", OLD, ttl=0)
        real.api.publish(ZONE)
        name = real.name("plain")
        assert real.record("plain") == AddressRecord(name, "A", ZONE_TTL, (OLD,))
        real.block.replace([real.swap("plain", ttl=ZONE_TTL)])
        (row,) = real.api.edited(ZONE, "plain")
        assert (row["target"], row["ttl"]) == (NEW, 0)

    def test_all_kinds_of_text_are_txt(self, real: OvhUnderTest) -> None:
        real.api.put(ZONE, "_dmarc", "DMARC", '"v=DMARC1; p=none"', 0)
        real.api.put(ZONE, "k._domainkey", "DKIM", "v=DKIM1;k=rsa;p=MIG", 0)
        found = {each for each in real.block.others() if each.type == "TXT"}
        assert NamedRecord(real.name("_dmarc"), "TXT", ("v=DMARC1; p=none",)) in found
        assert NamedRecord(real.name("k._domainkey"), "TXT", ("v=DKIM1;k=rsa;p=MIG",)) in found

    def test_glue_below_a_delegated_name_is_read(self, real: OvhUnderTest) -> None:
        real.api.put(ZONE, "sub", "NS", f"ns.sub.{ZONE}.", 0)
        real.api.put(ZONE, "ns.sub", "A", OTHER)
        real.api.publish(ZONE)
        record = real.record("ns.sub")
        assert record is not None
        assert record.values == (OTHER,)


class TestUnpublished:
    def test_edits_that_were_cut_off_are_published_by_the_same_call(
        self, real: OvhUnderTest
    ) -> None:
        before = real.block.read()
        real.draft("", [NEW])
        real.draft("boutique", [NEW])
        real.draft("boutique", [], "AAAA")
        real.draft("fresh", [NEW])
        assert real.block.read() == before, "nobody is served the edits yet"
        real.block.replace(flip(real))
        assert real.api.count(f"{PUT}|{POST}|{DELETE}") == 0, "all was edited already"
        assert [served(real, label) for label in ("", "boutique", "fresh")] == [[NEW]] * 3
        assert served(real, "boutique", "AAAA") == []
        assert real.api.publications == 2

    def test_half_of_the_edits_is_finished_and_never_doubled(self, real: OvhUnderTest) -> None:
        real.draft("boutique", [NEW])
        real.draft("fresh", [NEW])
        real.block.replace(flip(real))
        assert [served(real, label) for label in ("", "boutique", "fresh")] == [[NEW]] * 3
        assert real.targets("fresh") == [NEW]

    @pytest.mark.parametrize(
        "change",
        [
            AddressChange(f"boutique.{ZONE}", "AAAA", (IPV6,), (), 60),
            AddressChange(f"boutique.{ZONE}", "A", (OLD,), (), 60),
            AddressChange(f"fresh.{ZONE}", "A", (), (NEW,), 60),
        ],
        ids=["aaaa removed", "a removed", "made"],
    )
    @pytest.mark.parametrize("wildcard", [False, True], ids=["", "wildcard"])
    def test_each_kind_of_edit_is_published_once(
        self, real: OvhUnderTest, change: AddressChange, *, wildcard: bool
    ) -> None:
        if wildcard:
            real.edit("*", [OTHER])
        label = change.name.removesuffix(f".{ZONE}")
        real.draft(label, list(change.new), change.type)
        for _ in range(2):
            real.block.replace([change])
        assert real.api.count(REFRESH) == 1
        assert served(real, label, change.type) == list(change.new)

    def test_a_record_of_two_addresses_is_finished(self, real: OvhUnderTest) -> None:
        both = (OLD, "192.0.2.11")
        real.draft("www", [NEW, "192.0.2.11"])
        change = AddressChange(real.name("www"), "A", both, (NEW, OTHER), 60)
        real.block.replace([change])
        assert sorted(served(real, "www")) == sorted([NEW, OTHER])

    def test_somebody_elses_unpublished_edit_is_not_published(self, real: OvhUnderTest) -> None:
        real.draft("boutique", [OTHER])
        with pytest.raises(UpdateRefused, match=f"{OTHER} and did not publish") as refused:
            real.block.replace([real.swap(""), real.swap("boutique")])
        assert real.name("boutique") in refused.value.subject
        assert (real.targets(""), real.targets("boutique")) == ([OLD], [OTHER])
        assert real.api.count(REFRESH) == 0

    def test_without_any_name_server_the_editor_is_believed(self, real: OvhUnderTest) -> None:
        real.draft("boutique", [NEW])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("blocks.dns.hosted_zone.QUESTION_SECONDS", 0.05)
            blind = real.made(nameservers=["127.0.0.9#9"])
            assert AddressRecord(real.name("boutique"), "A", 60, (NEW,)) in blind.read()
            blind.replace([real.swap(""), real.swap("boutique")])
        assert (served(real, ""), served(real, "boutique")) == ([NEW], [NEW])


class QuickStranger(OvhAddressProvider):
    """Edits a record after the first edit of the call, and publishes that."""

    edit: Callable[[], None]

    def _edit(self, step: Step) -> None:
        if step.key[0]:
            self.edit()
        super()._edit(step)


class TestHalfDone:
    @pytest.mark.parametrize("values", [[OTHER], []], ids=["edited", "removed"])
    def test_a_stranger_in_between_is_not_overwritten(
        self, real: OvhUnderTest, monkeypatch: pytest.MonkeyPatch, values: list[str]
    ) -> None:
        provider = OvhZone._provider_for

        def with_stranger(block: OvhZone, changes: Sequence[AddressChange]) -> OvhAddressProvider:
            found = provider(block, changes)
            found.__class__ = QuickStranger
            found.edit = lambda: real.draft("boutique", values)
            return found

        monkeypatch.setattr(OvhZone, "_provider_for", with_stranger)
        with pytest.raises(UpdateRefused, match=r"in between.*put back"):
            real.block.replace([real.swap(""), real.swap("boutique")])
        assert (real.targets(""), real.targets("boutique")) == ([OLD], values)
        assert real.api.count(REFRESH) == 0

    @pytest.mark.parametrize("on", [PUT, POST, DELETE])
    def test_a_refused_edit_puts_all_back(self, real: OvhUnderTest, on: str) -> None:
        before = real.block.read()
        body = {"errorCode": "BAD_REQUEST", "message": "not this one"}
        changes = flip(real)
        if on == PUT:
            changes = [changes[3], changes[2], changes[0]]
        real.api.fail(400, body, on=on)
        with pytest.raises(UpdateRefused, match=r"not this one.*put back") as caught:
            real.block.replace(changes)
        assert "nothing was published" in caught.value.cause
        assert real.api.count(REFRESH) == 0
        assert real.targets("boutique") == [OLD]
        assert real.targets("boutique", "AAAA") == [IPV6]
        assert (real.targets(""), real.targets("fresh")) == ([OLD], [])
        real.api.publish(ZONE)
        assert real.block.read() == before
        real.block.replace(changes)
        assert served(real, "fresh") == [NEW]

    def test_what_cannot_be_put_back_is_said_and_finished_later(self, real: OvhUnderTest) -> None:
        changes = [real.swap(""), real.swap("boutique")]
        real.api.fail(503, {"message": "busy"}, on=PUT, after=True, times=3)
        real.api.fail(503, {"message": "busy"}, on=PUT, times=3)
        with pytest.raises(Unavailable, match=r"could not be put back.*not published") as caught:
            real.block.replace(changes)
        assert "run it again" in caught.value.hint
        assert (real.targets(""), served(real, "")) == ([NEW], [OLD])
        real.block.replace(changes)
        assert (served(real, ""), served(real, "boutique")) == ([NEW], [NEW])

    @pytest.mark.parametrize("on", [PUT, REFRESH])
    def test_what_can_be_sent_twice_is(self, real: OvhUnderTest, on: str) -> None:
        real.api.lose_answer(on=on)
        real.block.replace(flip(real))
        assert [served(real, label) for label in ("", "boutique", "fresh")] == [[NEW]] * 3
        assert real.api.publications == 2

    @pytest.mark.parametrize("on", [POST, DELETE])
    @pytest.mark.parametrize("lost", [True, False], ids=["lost", "5xx"])
    def test_an_answer_that_is_lost_doubles_nothing(
        self, real: OvhUnderTest, on: str, *, lost: bool
    ) -> None:
        if lost:
            real.api.lose_answer(on=on)
        else:
            real.api.fail(500, {"message": "oops"}, on=on, after=True)
        with pytest.raises(Unreachable if lost else Unavailable, match="put back"):
            real.block.replace(flip(real))
        assert (real.targets("fresh"), real.targets("boutique", "AAAA")) == ([], [IPV6])
        real.block.replace(flip(real))
        assert [real.targets(label) for label in ("", "boutique", "fresh")] == [[NEW]] * 3
        assert [served(real, label) for label in ("", "boutique", "fresh")] == [[NEW]] * 3
        assert real.api.publications == 2

    def test_a_publication_that_nobody_confirms_is_made_again(self, real: OvhUnderTest) -> None:
        real.api.fail(500, {"message": "oops"}, on=REFRESH, times=3)
        with pytest.raises(Unavailable) as caught:
            real.block.replace([real.swap("boutique")])
        assert caught.value.transient
        assert real.targets("boutique") == [NEW]
        real.block.replace([real.swap("boutique")])
        assert served(real, "boutique") == [NEW]

    def test_a_publication_that_is_not_granted_puts_all_back(self, real: OvhUnderTest) -> None:
        rules = [(method, f"/domain/zone/{ZONE}/record*") for method in METHODS]
        real.api.credentials[CONSUMER] = Credential(rules)
        for act in (
            lambda: real.block.replace([real.swap("boutique")]),
            lambda: real.block.rehearse([]),
        ):
            with pytest.raises(UpdateRefused, match=r"POST /domain/zone/atelier\.test/\*"):
                act()
        assert real.targets("boutique") == [OLD]


class TestKeys:
    @pytest.mark.parametrize(
        ("fields", "error", "says"),
        [
            ({"application_key": "nobody"}, AuthenticationFailed, "application key is invalid"),
            ({"application_secret": "wrong"}, AuthenticationFailed, "Invalid signature"),
            ({"consumer_key": "nobody"}, AuthenticationFailed, "does not exist"),
            ({"consumer_key": "old"}, AuthenticationFailed, "not valid"),
            ({"consumer_key": ""}, AuthenticationFailed, "empty"),
            ({"consumer_key": "blind"}, PermissionDenied, r"GET /domain/zone/atelier\.test/\*"),
            ({"zone": "missing.test", "consumer_key": "all"}, NotFound, "does not exist"),
        ],
    )
    def test_names_what_is_wrong_when_it_reads(
        self,
        real: OvhUnderTest,
        fields: dict[str, object],
        error: type[ContinuityError],
        says: str,
    ) -> None:
        full = [(method, "/*") for method in METHODS]
        real.api.credentials |= {
            "old": Credential(full, status="expired"),
            "blind": Credential([("PUT", "/*")]),
            "all": Credential(full),
        }
        block: OvhZone = real.made(**fields)
        change = AddressChange(f"www.{block.zone}", "A", (OLD,), (NEW,), 60)
        calls: tuple[Callable[[], object], ...] = (
            block.read,
            block.others,
            lambda: block.replace([change]),
            lambda: block.rehearse([]),
        )
        for call in calls:
            with pytest.raises(error, match=says) as caught:
                call()
            for key in (block.application_secret, block.consumer_key):
                assert not key.get_secret_value() or key.get_secret_value() not in str(caught.value)

    def test_a_rehearsal_names_the_key_and_all_missing_rules(self, real: OvhUnderTest) -> None:
        assert real.block.rehearse([]) == "clé OVH n° 4211, expire le 2027-11-01"
        real.api.credentials[CONSUMER] = Credential.reading()
        with pytest.raises(UpdateRefused) as caught:
            real.block.rehearse([])
        for method in ("PUT", "POST", "DELETE"):
            assert f"{method} /domain/zone/{ZONE}/*" in caught.value.cause

    def test_the_clock_of_this_machine_may_be_wrong(self, real: OvhUnderTest) -> None:
        real.api.clock_ahead = 7200
        assert real.block.read()

    def test_an_endpoint_that_does_not_exist(self, real: OvhUnderTest) -> None:
        with pytest.raises(ValidationError, match="ovh-ca"):
            real.made(endpoint="ovh-mars")


class TestBadDays:
    def test_waits_as_long_as_it_is_told(self, real: OvhUnderTest) -> None:
        real.api.fail(429, {"message": "slow down"}, on="GET", headers={"Retry-After": "0"})
        real.api.fail(429, {"message": "slow down"}, on=PUT, headers={"Retry-After": "0"})
        real.block.replace([real.swap("boutique")])
        assert served(real, "boutique") == [NEW]

    def test_does_not_wait_for_ever(self, real: OvhUnderTest) -> None:
        real.api.fail(429, {"message": "slow down"}, on="GET", headers={"Retry-After": "300"})
        with pytest.raises(RateLimited, match="slow down"):
            real.block.read()

    def test_a_server_that_says_nothing(self, real: OvhUnderTest) -> None:
        real.api.lose_answer(on="GET", silent=True, times=3)
        with pytest.raises(Unreachable, match="Timeout") as caught:
            real.made(timeout_seconds=0.1).read()
        assert caught.value.transient
        real.api.over.set()

    def test_a_page_instead_of_an_answer(self, real: OvhUnderTest) -> None:
        real.api.fail(502, "<html>", on="GET", times=4)
        with pytest.raises(Unavailable, match="no JSON"):
            real.block.read()
