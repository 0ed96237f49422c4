"""TTLs go down and nothing else; records go back, unless a stranger edited them."""

from __future__ import annotations

import pytest

from blocks.errors import ApprovalMismatch, NotFound, UnsafePlan, UpdateRefused
from blocks.repositories.journal import Journal
from blocks.types import AddressRecord
from flows.dns_preparation import dns_preparation, dns_restore
from flows.tasks.approval import Approval
from tests.flows.world import BROCHURE, INCIDENT, OLD, SHOP, World, killed_after

PREPARED = "dns-1"


def prepare(**changes: object) -> dict[str, object]:
    return dns_preparation("web1", **{"incident": PREPARED, **changes})  # type: ignore[arg-type]


def restore(back_to: str = PREPARED, incident: str = "dns-2") -> dict[str, object]:
    return dns_restore("web1", back_to, incident=incident, approval=Approval.AUTOMATIC)


def held(world: World) -> tuple[AddressRecord, ...]:
    return (*world.zone.read(), *world.inner.read())


@pytest.fixture
def slow(world: World) -> World:
    """The names of the sites are kept by resolvers for an hour, the one of mail too."""
    for name in (BROCHURE, "mail.atelier.test"):
        world.zone.put(name, "A", [OLD], ttl=3600)
    world.zone.put(BROCHURE, "AAAA", ["2001:db8::10"], ttl=7200)
    world.inner.put(SHOP, "A", [OLD], ttl=1800)
    return world


def test_lowers_the_declared_names_alone(slow: World) -> None:
    before = held(slow)
    report = prepare()
    ttls = {(each.name, each.type): each.ttl for each in held(slow)}
    assert ttls == {
        (BROCHURE, "A"): 60,
        (BROCHURE, "AAAA"): 60,
        (SHOP, "A"): 60,
        ("mail.atelier.test", "A"): 3600,
    }
    assert [each.values for each in held(slow)] == [each.values for each in before]
    assert "2 h" in str(report["in_french"])
    assert report["approved_by"]


def test_a_second_preparation_changes_nothing(slow: World) -> None:
    prepare()
    applied = slow.zone.applied
    assert prepare(incident="dns-again")["changed"] == []
    assert slow.zone.applied == applied


def test_a_preparation_goes_back_to_the_identical_zones(slow: World) -> None:
    before = held(slow)
    prepare()
    restore()
    assert held(slow) == before
    assert restore(incident="dns-3")["changed"] == []


@pytest.mark.parametrize("step", ["plan", "records"])
def test_killed_after_any_step_it_ends_well_and_goes_back(slow: World, step: str) -> None:
    before = held(slow)
    with killed_after(step), pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        prepare()
    prepare()
    assert {each.ttl for each in held(slow) if each.name in {SHOP, BROCHURE}} == {60}
    restore()
    assert held(slow) == before


def test_a_recovery_goes_back_to_the_identical_zones(slow: World) -> None:
    for zone, name in ((slow.zone, BROCHURE), (slow.inner, SHOP)):
        zone.put(name, "A", [OLD], ttl=1)
    before = held(slow)
    slow.back_up()
    slow.lose()
    slow.recover()
    assert held(slow) != before
    restore(INCIDENT)
    assert held(slow) == before


@pytest.mark.parametrize(
    ("values", "ttl"), [(["203.0.113.99"], 60), ([OLD], 300), ([], 60)], ids=["to", "ttl", "gone"]
)
def test_what_a_stranger_edited_since_stops_the_way_back(
    slow: World, values: list[str], ttl: int
) -> None:
    prepare()
    slow.zone.put(BROCHURE, "A", values, ttl=ttl)
    before = held(slow)
    with pytest.raises(UnsafePlan, match=BROCHURE):
        restore()
    assert held(slow) == before


def test_a_zone_that_refuses_leaves_what_is_there(slow: World) -> None:
    before = held(slow)
    refusal = UpdateRefused("zone", "REFUSED", "grant it")
    slow.zone.forbid(refusal)
    slow.inner.forbid(refusal)
    with pytest.raises(UpdateRefused):
        prepare()
    assert held(slow) == before


def test_without_a_yes_nothing_changes(slow: World) -> None:
    before = held(slow)
    with pytest.raises(ApprovalMismatch):
        prepare(approval=Approval.ASK)
    assert held(slow) == before


def test_says_what_it_cannot_do(slow: World) -> None:
    slow.zone.close(UpdateRefused("zone atelier.test", "SERVFAIL", "look at it"))
    report = prepare()
    assert report["changed"] == [f"{SHOP} A"]
    assert "atelier.test illisible" in str(report["left"])


def test_an_incident_that_changed_nothing_has_no_way_back(slow: World) -> None:
    with pytest.raises(NotFound, match="no journal"):
        restore("inc-unknown")
    assert not Journal(slow.repository.state(), "inc-unknown").records()
