"""What only Cloudflare has: proxied names, tokens and their rights, batches, lost calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dns.resolver
import pytest

from blocks.dns.cloudflare import CloudflareZone
from blocks.dns.cloudflare_batch import packed
from blocks.dns.cloudflare_provider import CloudflareAddressProvider
from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
    UpdateRefused,
)
from blocks.types import AddressChange, AddressRecord
from tests.contract.dns_cloudflare import TOKEN, CloudflareUnderTest, cloudflare_zone
from tests.contract.dns_zones import NEW, OLD, OTHER
from tests.fakes.cloudflare_api import EDGE, Token

SETTINGS = {"comment": "boutique de Léa", "tags": ["client:lea"], "settings": {"ipv4_only": True}}
BATCH = "POST .*/batch"


@pytest.fixture
def real() -> Iterator[CloudflareUnderTest]:
    with cloudflare_zone() as served:
        yield served


def prox(real: CloudflareUnderTest, label: str = "front", kind: str = "A") -> dict[str, object]:
    content = OLD if kind == "A" else "2001:db8::10"
    return real.api.put(real.zone, real.name(label), kind, content, proxied=True, **SETTINGS)


class TestProxied:
    def test_keeps_all_but_the_address(self, real: CloudflareUnderTest) -> None:
        before = dict(prox(real))
        real.block.replace([real.swap("front", ttl=60)])
        (after,) = real.entries("front")
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"content", "modified_on"}
        assert (after["content"], after["ttl"], after["proxied"]) == (NEW, 1, True)
        sent = next(each for each in real.api.asked if each.path.endswith("/batch"))
        assert sent.body == {"patches": [{"id": before["id"], "content": NEW}]}

    def test_a_flip_and_its_way_back_leave_every_record_as_it_was(
        self, real: CloudflareUnderTest
    ) -> None:
        prox(real)
        real.api.put(real.zone, real.name("auto"), "A", OLD, ttl=1, comment="automatic")
        before = {key: dict(each) for key, each in real.zone.records.items()}
        there = [real.swap("front", 300), real.swap("auto", 300), real.swap("boutique")]
        real.block.replace(there)
        back = [AddressChange(each.name, each.type, each.new, each.old, each.ttl) for each in there]
        real.block.replace(back)
        after = {key: dict(each) for key, each in real.zone.records.items()}
        for each in (*before.values(), *after.values()):
            each.pop("modified_on")
        assert after == before

    def test_answers_what_the_origin_is(self, real: CloudflareUnderTest) -> None:
        prox(real)
        name = real.name("front")
        server = real.block._servers()[real.primary]
        assert server.addresses(name, "A") == (EDGE["A"],)
        real.block.replace([real.swap("front")])
        assert real.block.answers(name, "A") == {"Cloudflare": (NEW,)}
        assert server.addresses(name, "A") == (EDGE["A"],), "the flip shows at no name server"

    def test_a_removed_aaaa_beside_a_proxied_a_is_gone(self, real: CloudflareUnderTest) -> None:
        prox(real)
        prox(real, kind="AAAA")
        name = real.name("front")
        real.block.replace([AddressChange(name, "AAAA", ("2001:db8::10",), (), 300)])
        assert real.block._servers()[real.primary].addresses(name, "AAAA") == (EDGE["AAAA"],)
        assert real.block.answers(name, "AAAA") == {"Cloudflare": ()}

    def test_tells_which_names_are_fronted(self, real: CloudflareUnderTest) -> None:
        prox(real)
        names = {real.name("front"), real.name("boutique")}
        assert real.block.fronted(names) == {real.name("front")}

    def test_a_second_address_is_proxied_as_the_first(self, real: CloudflareUnderTest) -> None:
        prox(real)
        real.block.replace([AddressChange(real.name("front"), "A", (OLD,), (OLD, NEW), 60)])
        assert [each["proxied"] for each in real.entries("front")] == [True, True]

    def test_leaves_the_ttl_of_a_proxied_record_and_says_so(
        self, real: CloudflareUnderTest
    ) -> None:
        prox(real)
        wanted = [AddressRecord(real.name(each), "A", 90, (OLD,)) for each in ("front", "boutique")]
        left = real.block.set_ttl(wanted)
        assert left == (AddressRecord(real.name("front"), "A", 300, (OLD,)),)
        assert [each["ttl"] for each in real.entries("front")] == [1]
        assert [each["ttl"] for each in real.entries("boutique") if each["type"] == "A"] == [90]

    def test_many_answers_take_few_calls(self, real: CloudflareUnderTest) -> None:
        for _ in range(20):
            real.block.answers(real.name("boutique"), "A")
        assert real.api.count("GET") == 2


class TestTokens:
    @pytest.mark.parametrize(
        ("token", "error", "says"),
        [
            (None, AuthenticationFailed, "9109"),
            (Token(status="expired"), AuthenticationFailed, "expired"),
            (Token(status="disabled"), AuthenticationFailed, "disabled"),
            (Token(frozenset({"dns:read", "dns:edit"})), PermissionDenied, "Zone / Zone / Read"),
            (Token(frozenset({"zone:read"})), PermissionDenied, "Zone / DNS / Read"),
        ],
    )
    def test_names_what_is_wrong_when_it_reads(
        self,
        real: CloudflareUnderTest,
        token: Token | None,
        error: type[ContinuityError],
        says: str,
    ) -> None:
        secret = "cf-secret-of-the-agency"
        if token:
            real.api.tokens[secret] = token
        block = real.made(token=secret)
        calls: tuple[Callable[[], object], ...] = (
            block.read,
            block.others,
            lambda: block.replace([real.swap("boutique")]),
            lambda: block.rehearse([]),
            lambda: block.answers(real.name("boutique"), "A"),
        )
        for call in calls:
            with pytest.raises(error, match=says) as caught:
                call()
            assert secret not in str(caught.value)

    def test_the_right_to_edit_is_missing(self, real: CloudflareUnderTest) -> None:
        weak = real.without_right()
        before = weak.read()
        for act in (lambda: weak.replace([real.swap("boutique")]), lambda: weak.rehearse([])):
            with pytest.raises(UpdateRefused, match="Zone / DNS / Edit") as caught:
                act()
            assert "Zone / DNS / Edit" in caught.value.hint
        assert weak.read() == before

    @pytest.mark.parametrize("takes_empty_batch", [True, False])
    def test_a_rehearsal_names_the_token(
        self, real: CloudflareUnderTest, *, takes_empty_batch: bool
    ) -> None:
        real.api.takes_empty_batch = takes_empty_batch
        before = {key: dict(each) for key, each in real.zone.records.items()}
        who = real.block.rehearse([real.name("boutique")])
        assert who == "jeton f267e341 à Cloudflare, expire le 2027-01-01"
        assert real.zone.records == before

    def test_a_token_of_an_account_is_named_too(self, real: CloudflareUnderTest) -> None:
        real.api.tokens[TOKEN].of_account = True
        assert "f267e341" in real.block.rehearse([])

    def test_a_zone_that_the_token_does_not_see(self, real: CloudflareUnderTest) -> None:
        with pytest.raises(NotFound, match="does not see it"):
            real.made(zone="missing.test").read()


class TestBadDays:
    def test_waits_as_long_as_it_is_told(self, real: CloudflareUnderTest) -> None:
        real.api.fail(429, {"errors": []}, on="GET", times=2, headers={"Retry-After": "0"})
        real.api.fail(429, {"errors": []}, on=BATCH, headers={"Retry-After": "0"})
        real.block.replace([real.swap("boutique")])
        assert real.entries("boutique")[0]["content"] == NEW

    def test_does_not_wait_for_ever(self, real: CloudflareUnderTest) -> None:
        body = {"success": False, "errors": [{"code": 10429, "message": "slow down"}]}
        real.api.fail(429, body, on="GET", headers={"Retry-After": "300"})
        with pytest.raises(RateLimited, match="slow down") as caught:
            real.block.read()
        assert caught.value.transient

    def test_reads_again_after_a_servers_failure(self, real: CloudflareUnderTest) -> None:
        real.api.fail(502, "<html>", on="GET", headers={"Retry-After": "0"})
        assert real.block.read()

    @pytest.mark.parametrize("lost", [True, False], ids=["lost", "5xx"])
    def test_a_batch_that_took_effect_is_not_done_twice(
        self, real: CloudflareUnderTest, *, lost: bool
    ) -> None:
        name = real.name("fresh")
        changes = [real.swap("boutique"), AddressChange(name, "A", (), (NEW,), 60)]
        if lost:
            real.api.lose_answer(on=BATCH)
        else:
            real.api.fail(503, "<html>", on=BATCH, after=True)
        with pytest.raises(Unreachable if lost else Unavailable) as caught:
            real.block.replace(changes)
        assert caught.value.transient
        assert real.api.count(BATCH) == 1, "a change must not be sent blindly again"
        real.block.replace(changes)
        assert real.api.batches == 1
        assert [each["content"] for each in real.entries("fresh")] == [NEW]

    def test_a_server_that_says_nothing(self, real: CloudflareUnderTest) -> None:
        real.api.lose_answer(on="GET", silent=True)
        with pytest.raises(Unreachable, match="Timeout"):
            real.made(timeout_seconds=0.2).read()
        real.api.over.set()

    def test_an_answer_that_is_no_api(self, real: CloudflareUnderTest) -> None:
        real.api.fail(200, "<html>", on="GET")
        with pytest.raises(ProviderError, match="cannot be understood"):
            real.block.read()

    def test_a_bad_item_refuses_the_whole_batch(self, real: CloudflareUnderTest) -> None:
        before = real.block.read()
        under_cname = AddressChange(real.name("shop"), "A", (), (NEW,), 60)
        with pytest.raises(UpdateRefused, match="81053"):
            real.block.replace([real.swap("boutique"), under_cname])
        assert real.block.read() == before


class QuickStranger(CloudflareAddressProvider):
    """Edits the zone between the look of the plan and the last look before the batch."""

    edit: Callable[[], None]

    def _send(self, *given: object) -> None:
        self.edit()
        super()._send(*given)  # type: ignore[arg-type]


class TestBatches:
    @pytest.mark.parametrize("values", [[OTHER], []], ids=["edited", "removed"])
    def test_a_stranger_between_look_and_batch(
        self, real: CloudflareUnderTest, monkeypatch: pytest.MonkeyPatch, values: list[str]
    ) -> None:
        provider = CloudflareZone._provider

        def with_stranger(block: CloudflareZone) -> CloudflareAddressProvider:
            found = provider(block)
            found.__class__ = QuickStranger
            found.edit = lambda: real.edit("boutique", values)
            return found

        monkeypatch.setattr(CloudflareZone, "_provider", with_stranger)
        with pytest.raises(UpdateRefused, match="in between"):
            real.block.replace([real.swap(""), real.swap("boutique")])
        monkeypatch.undo()
        apex, boutique = real.record(""), real.record("boutique")
        assert apex is not None
        assert apex.values == (OLD,)
        assert (boutique.values if boutique else ()) == tuple(values)

    def test_more_than_a_batch_holds_is_cut_and_finished_by_a_second_call(
        self, real: CloudflareUnderTest
    ) -> None:
        names = [real.name(f"client{number:03}") for number in range(250)]
        names.append(real.name("shop"))  # a CNAME is there
        changes = [AddressChange(name, "A", (), (NEW,), 60) for name in names]
        with pytest.raises(UpdateRefused, match="1 of 2 batches are in and stay") as caught:
            real.block.replace(changes)
        assert "81053" in caught.value.cause
        assert "run it again" in caught.value.hint
        assert real.api.batches == 1
        real.api.remove(real.zone, real.name("shop"), "CNAME")
        real.block.replace(changes)
        held = {record.name: record.values for record in real.block.read()}
        assert {held[name] for name in names} == {(NEW,)}
        assert real.api.batches == 2

    def test_packs_as_few_batches_as_hold_them(self) -> None:
        assert list(packed([2, 1, 2, 3], 3)) == [slice(0, 2), slice(2, 3), slice(3, 4)]
        assert list(packed([1] * 200, 200)) == [slice(0, 200)]
        assert list(packed([], 200)) == []


class TestNameServers:
    def test_takes_those_that_cloudflare_assigned(
        self, real: CloudflareUnderTest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("blocks.dns.hosted_zone.QUESTION_SECONDS", 0.2)
        block = real.made(nameservers=[])
        with pytest.raises(ConfigurationError, match="no name server"):
            block.answers(real.name("boutique"), "A")
        real.zone.name_servers = [real.name("ada.ns")]
        real.api.put(real.zone, real.name("ada.ns"), "A", "127.0.0.9")
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], real.servers[0].port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        with pytest.raises(Unreachable, match=r"127\.0\.0\.9 port 53"):
            block.answers(real.name("boutique"), "A")

    def test_a_name_server_that_nobody_knows(
        self, real: CloudflareUnderTest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real.zone.name_servers = [real.name("nobody.ns")]
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], real.servers[0].port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        with pytest.raises(ConfigurationError, match=r"nobody\.ns.*NXDOMAIN"):
            real.made(nameservers=[]).answers(real.name("boutique"), "A")
