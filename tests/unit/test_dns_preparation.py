from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from blocks.errors import ConfigurationError, DamagedData, NotFound, UnsafePlan
from blocks.types import AddressRecord
from flows.decisions.dns_preparation import (
    DnsSight,
    decide_preparation,
    decide_return,
    dns_plan_from_document,
    recorded,
)
from flows.decisions.recovery_plan import ZoneView
from flows.reports.dns_preparation_text import dns_markdown
from tests.unit.samples import NOON

OLD, NEW = "192.0.2.10", "203.0.113.20"
SHOP = AddressRecord("shop.test", "A", 3600, (OLD,))
V6 = AddressRecord("shop.test", "AAAA", 7200, ("2001:db8::10",))
MAIL = AddressRecord("mail.shop.test", "A", 3600, (OLD,))


def sight(*records, domains=("shop.test",), **changes):
    view = ZoneView("z/shop", "shop.test", records)
    return replace(DnsSight("web1", OLD, domains, (view,)), **changes)


def flip(**changes):
    change = {"name": "shop.test", "type": "A", "old": [OLD], "new": [NEW], "ttl": 60}
    return {"records": [{"block": "z/shop", **change, **changes}]}


def test_takes_declared_names_and_the_aaaa_beside():
    plan = decide_preparation("dns-1", sight(SHOP, V6, MAIL), 60)
    assert {(each.name, each.type, each.old_ttl, each.ttl) for each in plan.records} == {
        ("shop.test", "A", 3600, 60),
        ("shop.test", "AAAA", 7200, 60),
    }
    assert plan.longest.total_seconds() == 7200
    assert "aura expiré partout" in dns_markdown(plan, NOON)
    assert dns_plan_from_document(json.loads(json.dumps(asdict(plan)))) == plan


def test_never_raises_a_ttl():
    short = replace(SHOP, ttl=30)
    assert decide_preparation("dns-1", sight(short), 60).records == ()


@pytest.mark.parametrize("ttl", [0, 29, 86_401])
def test_refuses_a_ttl_that_nobody_serves(ttl):
    with pytest.raises(ConfigurationError):
        decide_preparation("dns-1", sight(SHOP), ttl)


def test_a_name_behind_its_provider_is_left_and_named():
    plan = decide_preparation("dns-1", sight(SHOP, fronted=frozenset({"shop.test"})), 60)
    assert plan.records == ()
    assert "derrière son fournisseur" in plan.impossible[0]


def test_without_a_name_that_leads_there_it_stops():
    with pytest.raises(NotFound, match=r"shop\.test"):
        decide_preparation("dns-1", sight(replace(SHOP, values=(NEW,))), 60)


def test_what_was_changed_twice_goes_back_to_the_first():
    twice = [flip(), flip(old=[NEW], new=["203.0.113.21"])]
    (step,) = recorded(twice)
    assert (step.old, step.new) == ((OLD,), ("203.0.113.21",))
    held = sight(AddressRecord("shop.test", "A", 60, ("203.0.113.21",)))
    (back,) = decide_return("dns-2", "inc-1", held, [step]).records
    assert (back.old, back.new) == (("203.0.113.21",), (OLD,))


def test_what_is_back_already_stays():
    made = recorded([flip()])
    assert decide_return("dns-2", "inc-1", sight(replace(SHOP, ttl=60)), made).records == ()


def test_a_record_that_was_removed_comes_back():
    made = recorded([flip(type="AAAA", old=["2001:db8::10"], new=[])])
    (back,) = decide_return("dns-2", "inc-1", sight(SHOP), made).records
    assert (back.old, back.new) == ((), ("2001:db8::10",))


@pytest.mark.parametrize(
    "record", [None, replace(SHOP, values=("203.0.113.99",)), replace(SHOP, values=(NEW,), ttl=61)]
)
def test_one_strange_record_stops_all(record):
    held = sight(*([record] if record else []))
    with pytest.raises(UnsafePlan, match=r"shop\.test A"):
        decide_return("dns-2", "inc-1", held, recorded([flip()]))


def test_a_journal_that_cannot_be_read_is_damage():
    with pytest.raises(DamagedData):
        recorded([{"records": "none"}])
    with pytest.raises(NotFound):
        decide_return("dns-2", "inc-1", sight(SHOP), recorded([{}]))
