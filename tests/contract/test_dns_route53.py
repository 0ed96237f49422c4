"""What only Route 53 has: exact deletes, aliases, routing policies, rights by IAM, batch limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.dns.route53_provider import Route53AddressProvider
from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    Unreachable,
    UpdateRefused,
)
from blocks.types import AddressChange
from tests.contract.dns_route53 import Route53, Route53UnderTest, plain, route53_zone
from tests.contract.dns_zones import NEW, OLD, OTHER
from tests.fakes.loopback_s3 import faulty_proxy


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Route53]:
    with Route53.running(tmp_path_factory.mktemp("route53")) as started:
        yield started


@pytest.fixture
def real(service: Route53) -> Iterator[Route53UnderTest]:
    with route53_zone(service) as served:
        yield served


class TestChanges:
    @pytest.mark.parametrize(
        ("values", "ttl"), [([OTHER], 60), ([OLD], 61), ([], 60)], ids=["edited", "ttl", "removed"]
    )
    def test_a_stranger_between_the_look_and_the_batch(
        self,
        real: Route53UnderTest,
        monkeypatch: pytest.MonkeyPatch,
        values: list[str],
        ttl: int,
    ) -> None:
        apply = Route53AddressProvider._apply

        def after_stranger(provider: Route53AddressProvider, plan: object) -> bool:
            real.edit("boutique", [])
            if values:
                record = plain(real.name("boutique"), "A", values, ttl)
                real.service.change(real.id, record)
            return apply(provider, plan)

        monkeypatch.setattr(Route53AddressProvider, "_apply", after_stranger)
        with pytest.raises(UpdateRefused, match="in between"):
            real.block.replace([real.swap(""), real.swap("boutique")])
        apex, boutique = real.record(""), real.record("boutique")
        assert apex is not None
        assert apex.values == (OLD,)
        assert (boutique.values if boutique else ()) == tuple(values)

    def test_a_change_of_what_was_made_meanwhile_is_refused(
        self, real: Route53UnderTest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        apply = Route53AddressProvider._apply

        def after_stranger(provider: Route53AddressProvider, plan: object) -> bool:
            real.edit("fresh", [OTHER])
            return apply(provider, plan)

        monkeypatch.setattr(Route53AddressProvider, "_apply", after_stranger)
        with pytest.raises(UpdateRefused, match="already exists"):
            real.block.replace([AddressChange(real.name("fresh"), "A", (), (NEW,), 60)])

    def test_aliases_and_routed_records_stay(self, real: Route53UnderTest) -> None:
        name, target = real.name("front"), {"DNSName": "lb.example.", "EvaluateTargetHealth": False}
        alias = {"Name": name, "Type": "A", "AliasTarget": {**target, "HostedZoneId": "Z2"}}
        routed = [
            {**plain(real.name("spread"), "A", [value], 60), "SetIdentifier": value, "Weight": 1}
            for value in (OLD, "192.0.2.11")
        ]
        real.service.change(real.id, alias, *routed)
        before = real.service.rrsets(real.id)
        assert real.record("front") is None
        spread = real.record("spread")
        assert spread is not None
        assert spread.values == (OLD, "192.0.2.11")
        to_new = AddressChange(real.name("spread"), "A", spread.values, (NEW, "192.0.2.11"), 60)
        for change, says in (
            (to_new, "routing policy"),
            (AddressChange(name, "A", (), (NEW,), 60), "alias of lb.example"),
        ):
            with pytest.raises(UpdateRefused, match=says):
                real.block.replace([real.swap("boutique"), change])
        with pytest.raises(UpdateRefused, match="routing policy"):
            real.block.rehearse([real.name("spread")])
        assert real.service.rrsets(real.id) == before
        real.block.replace([real.swap("boutique")])
        kept = [each for each in before if each["Name"].startswith(("front", "spread"))]
        assert [each for each in real.service.rrsets(real.id) if each in kept] == kept

    def test_more_than_a_batch_holds_is_refused_whole(self, real: Route53UnderTest) -> None:
        before, names = real.block.read(), [real.name(f"client{n}") for n in range(1001)]
        with pytest.raises(UpdateRefused, match="1001 values"):
            real.block.replace([AddressChange(name, "A", (), (NEW,), 60) for name in names])
        assert real.block.read() == before

    def test_a_batch_whose_answer_is_lost_is_sent_once_and_found_done(
        self, real: Route53UnderTest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        apply, sent = Route53AddressProvider._apply, real.revision()
        with faulty_proxy(int(real.service.endpoint.rsplit(":")[-1])) as proxy:
            block = real.made(endpoint=f"http://127.0.0.1:{proxy.port}")

            def losing(provider: Route53AddressProvider, plan: object) -> bool:
                proxy.lose_next_answer()
                return apply(provider, plan)

            monkeypatch.setattr(Route53AddressProvider, "_apply", losing)
            with pytest.raises(Unreachable, match="does not answer"):
                block.replace([real.swap("boutique")])
            block.replace([real.swap("boutique")])
        assert proxy.lost == 1
        assert real.revision() == sent + 1
        record = real.record("boutique")
        assert record is not None
        assert record.values == (NEW,)


class TestKeys:
    @pytest.mark.parametrize(
        ("fields", "error", "says"),
        [
            ({"access_key": "AKIAUNKNOWN"}, AuthenticationFailed, "InvalidClientTokenId"),
            ({"user": "nobody"}, PermissionDenied, "route53:ListResourceRecordSets"),
            ({"hosted_zone_id": "ZMISSING"}, NotFound, "no such hosted zone"),
            ({"zone": "elsewhere.test"}, NotFound, "another name"),
        ],
    )
    def test_names_what_is_wrong(
        self,
        real: Route53UnderTest,
        fields: dict[str, str],
        error: type[ContinuityError],
        says: str,
    ) -> None:
        block = real.made(**fields)
        change = AddressChange(block.zone, "A", (OLD,), (NEW,), 60)
        for call in (
            block.read,
            block.others,
            lambda: block.rehearse([block.zone]),
            lambda: block.replace([change]),
        ):
            with pytest.raises(error, match=says) as caught:
                call()
            assert block.secret_key.get_secret_value() not in str(caught.value)

    def test_a_missing_right_is_named_with_its_zone(self, real: Route53UnderTest) -> None:
        with pytest.raises(UpdateRefused) as refused:
            real.without_right().rehearse([real.name("boutique")])
        assert f"arn:aws:route53:::hostedzone/{real.id}" in refused.value.hint
