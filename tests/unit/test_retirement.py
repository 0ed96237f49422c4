from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from blocks.errors import NotFound, UnsafePlan
from blocks.types import AddressRecord, Machine, PowerState, SmokeCheck, SmokeResult
from flows.decisions.recovery_plan import ZoneView
from flows.decisions.retirement import (
    RetirementSight,
    decide_retirement,
    retirement_from_document,
)
from tests.unit.samples import NOON, OLD, recovery_set

NEW = "192.0.2.40"
MOVED = NOON - timedelta(hours=1)
CHECK = SmokeCheck("https://boutique.atelier.test/")
INCIDENT = "ret-1"


def machine(address=OLD, number=1, **tags):
    ours = {"managed-by": "continuity", "server": "web1", "purpose": "failback"}
    return Machine(
        id=f"id-{number}",
        name=f"web1-{number}",
        provider="memory-vps/a",
        address=address,
        power=PowerState.ON,
        tags=ours | tags,
        host_key="ssh-ed25519 AAAA",
        created_at=NOON - timedelta(days=30),
    )


def page(address=NEW, passed=True, observed="200"):
    return SmokeResult(CHECK, address, passed, observed, 0.1)


def zone(*values, refused=""):
    records = (AddressRecord("boutique.atelier.test", "A", 10, values),) if values else ()
    return ZoneView("memory-zone/atelier", "atelier.test", records, refused)


SIGHT = RetirementSight(
    server="web1",
    address=NEW,
    machines=(machine(), machine(NEW, 2)),
    zones=(zone(NEW),),
    pages=(page(),),
    newest=recovery_set(),
    moved_at=MOVED,
)


def retired(**changes):
    return decide_retirement(INCIDENT, replace(SIGHT, **changes))


def refusal(**changes):
    with pytest.raises(UnsafePlan) as told:
        retired(**changes)
    return str(told.value)


def test_the_machine_before_goes_and_the_present_one_is_not_even_kept_as_a_leftover():
    made = retired()
    assert [each.id for each in made.retired] == ["id-1"]
    assert made.kept == ()
    assert made.set_id == recovery_set().id
    assert made.again == "continuity retire web1 --incident ret-1"


@pytest.mark.parametrize(
    "tags",
    [{"managed-by": "somebody"}, {"server": "web2"}, {"purpose": "drill"}, {"purpose": ""}],
)
def test_a_machine_that_no_recovery_or_move_of_this_server_made_is_not_ours_to_destroy(tags):
    with pytest.raises(NotFound, match="there is none besides"):
        retired(machines=(machine(**tags), machine(NEW, 2)))


def test_a_machine_that_a_recovery_made_goes_as_well():
    made = retired(machines=(machine(purpose="recovery"), machine(NEW, 2)))
    assert [each.id for each in made.retired] == ["id-1"]


def test_nothing_goes_while_a_zone_cannot_be_read():
    assert "zone atelier.test illisible" in refusal(zones=(zone(refused="no answer"),))


def test_nothing_goes_while_a_page_fails():
    assert f"{CHECK.url} : 502" in refusal(pages=(page(passed=False, observed="502"),))


def test_nothing_goes_without_a_page_to_look_at():
    assert "aucune page à contrôler" in refusal(pages=())


def test_nothing_goes_while_visitors_are_served_by_a_machine_that_the_estate_does_not_name():
    told = refusal(pages=(page(OLD),))
    assert f"servies par {OLD}" in told
    assert "continuity estate adopt web1" in told


def test_where_a_failed_page_came_from_is_not_told_as_well():
    assert "servies par" not in refusal(pages=(page(OLD, passed=False, observed="502"),))


def test_nothing_goes_without_a_set():
    assert "aucun jeu utilisable" in refusal(newest=None)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=1)])
def test_a_set_of_the_machine_before_proves_nothing(late):
    told = refusal(moved_at=recovery_set().consistent_at + late)
    assert "pas encore de jeu de la machine actuelle" in told
    assert "continuity backup web1" in told


def test_without_a_known_move_the_set_must_be_newer_than_the_leftover():
    young = replace(machine(), created_at=NOON + timedelta(hours=1))
    assert "pas encore de jeu" in refusal(moved_at=None, machines=(young,))
    assert retired(moved_at=None).retired


def test_all_that_is_missing_is_told_at_once():
    told = refusal(pages=(), newest=None)
    assert "aucune page à contrôler; aucun jeu utilisable" in told


def test_a_machine_that_a_name_still_leads_to_is_kept_and_the_other_goes():
    other = "192.0.2.7"
    made = retired(machines=(machine(), machine(other, 3)), zones=(zone(NEW, other),))
    assert [each.id for each in made.retired] == ["id-1"]
    (kept,) = made.kept
    assert (kept.machine.id, kept.why_not) == ("id-3", "boutique.atelier.test y mène encore")


def test_nothing_is_planned_when_every_leftover_is_still_named():
    assert "web1-1: boutique.atelier.test y mène encore" in refusal(zones=(zone(NEW, OLD),))


def test_the_digest_covers_what_goes_and_not_what_stays():
    stays = machine("192.0.2.7", 3)
    beside = retired(machines=(machine(), stays), zones=(zone(NEW, "192.0.2.7"),))
    assert beside.digest == retired().digest
    assert retired(machines=(machine(), stays)).digest != beside.digest
    off = replace(machine(), power=PowerState.OFF)
    assert retired(machines=(off,)).digest == retired().digest
    assert retired(newest=recovery_set(NOON + timedelta(hours=1))).digest != retired().digest


def test_a_plan_comes_back_from_the_journal_as_it_was():
    made = retired()
    known = retirement_from_document(json.loads(json.dumps(asdict(made), default=str)))
    assert (known, known.digest) == (made, made.digest)
    with pytest.raises(ValueError, match="server"):
        retirement_from_document({"incident": INCIDENT})
