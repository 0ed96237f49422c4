from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from blocks.errors import ConfigurationError, OutOfScope, StaleObservation, UnsafePlan
from blocks.types import SmokeCheck
from flows.decisions.recovery_again import taken_up
from flows.decisions.recovery_decision import decide_recovery, guard_recovery
from flows.decisions.recovery_plan import Purpose, RecordMove, ZoneView, plan_from_document
from flows.decisions.set_choice import SetChoice
from tests.unit.samples import NOON, OLD, observation, recovery_set, site

INCIDENT = "inc-web1-1"


def plan(**changes):
    return decide_recovery(observation(**changes), INCIDENT, Purpose.RECOVERY)


def test_sites_come_back_by_priority():
    assert [each.site.name for each in plan().sites] == ["boutique", "vitrine"]


def test_only_records_of_declared_domains_that_lead_to_the_lost_server_move():
    moves = [(move.name, move.type) for each in plan().sites for move in each.moves]
    assert moves == [("boutique.atelier.test", "A"), ("boutique.atelier.test", "AAAA")]


def test_a_stale_ipv6_address_is_removed_and_the_ipv4_one_replaced():
    first, second = plan().sites[0].moves
    assert first.change(OLD, "10.89.0.100").new == ("10.89.0.100",)
    assert second.change(OLD, "10.89.0.100").new == ()


def test_other_addresses_of_the_same_name_stay():
    move = RecordMove("z", "www.atelier.test", "A", (OLD, "192.0.2.7"), 60)
    assert move.change(OLD, "10.89.0.100").new == ("10.89.0.100", "192.0.2.7")


def test_a_site_whose_dns_leads_elsewhere_is_named():
    assert any("vitrine.atelier.test" in warning for warning in plan().warnings)


def test_a_site_that_the_set_lacks_is_named_and_left_out():
    made = plan(choice=SetChoice(recovery_set(sites=("boutique",)), ()))
    assert [each.site.name for each in made.sites] == ["boutique"]
    assert any("vitrine" in warning and "pas dans le jeu" in warning for warning in made.warnings)


def test_a_drill_touches_neither_dns_nor_the_old_server():
    made = decide_recovery(observation(), INCIDENT, Purpose.DRILL)
    assert not made.fence
    assert all(not each.moves for each in made.sites)


def test_no_target_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="no target"):
        plan(targets=())


def test_the_digest_covers_what_is_done_and_not_when_it_was_looked_at():
    later = plan(taken_at=NOON + timedelta(hours=5), answering=(22,))
    assert later.digest == plan().digest
    assert plan(address="10.89.0.11").digest != plan().digest
    assert (
        plan(choice=SetChoice(recovery_set(NOON - timedelta(days=1)), ())).digest != plan().digest
    )
    assert plan(sites=(site("boutique", 10),)).digest != plan().digest


def closed(zone="atelier.test"):
    return ZoneView("memory-zone/closed", zone, (), refused="zone x: no answer. Next: ask it")


def test_names_of_a_zone_that_could_not_be_read_stay_and_are_told():
    made = plan(zones=(closed(),))
    assert [each.moves for each in made.sites] == [(), ()]
    assert [each.unread for each in made.sites] == [
        ("boutique.atelier.test",),
        ("vitrine.atelier.test",),
    ]
    said = "\n".join(made.warnings)
    assert "zone atelier.test illisible : zone x: no answer" in said
    assert f"continuity recover web1 --incident {INCIDENT}" in said
    assert "ne mène pas" not in said
    assert made.digest != plan().digest


def test_the_innermost_zone_answers_for_a_name():
    zones = (*observation().zones, closed("vitrine.atelier.test"))
    boutique, vitrine = plan(zones=zones).sites
    assert boutique.moves
    assert boutique.unread == ()
    assert vitrine.unread == ("vitrine.atelier.test",)


def test_a_drill_says_which_zone_a_recovery_could_not_read():
    made = decide_recovery(observation(zones=(closed(),)), INCIDENT, Purpose.DRILL)
    assert made.sites[0].unread == ()
    assert any("zone atelier.test illisible" in each for each in made.warnings)


def test_taken_up_a_plan_gains_the_names_that_can_be_read_now():
    blind = plan(zones=(closed(),))
    assert taken_up(blind, observation(zones=(closed(),))) == blind
    seeing = taken_up(blind, observation())
    assert seeing.sites[0].moves == plan().sites[0].moves
    assert seeing.sites[0].unread == ()
    assert seeing.digest not in (blind.digest, plan(zones=()).digest)
    assert not any("illisible" in each for each in seeing.warnings)


def test_taken_up_a_plan_keeps_its_changes_when_the_world_already_has_them():
    moved = observation(zones=(ZoneView("memory-zone/atelier", "atelier.test", ()),))
    assert taken_up(plan(), moved).sites == plan().sites
    assert taken_up(plan(), moved).digest == plan().digest


def test_a_plan_is_not_taken_up_once_the_estate_names_the_new_machine():
    with pytest.raises(UnsafePlan, match=r"names 10\.89\.0\.100 by now") as caught:
        taken_up(plan(), observation(address="10.89.0.100"))
    assert OLD in caught.value.hint


def test_a_mended_check_is_used_and_needs_no_new_approval():
    mended = replace(site("boutique", 10), smoke=(SmokeCheck("https://boutique.atelier.test/x"),))
    again = taken_up(plan(), observation(sites=(mended, site("vitrine", 60))))
    assert again.sites[0].site.smoke == mended.smoke
    assert again.digest == plan().digest


def test_other_domains_of_a_site_need_a_new_approval():
    wider = site("boutique", 10, ("boutique.atelier.test", "www.boutique.atelier.test"))
    assert plan(sites=(wider, site("vitrine", 60))).digest != plan().digest


def test_the_plan_survives_the_journal():
    document = json.loads(json.dumps(asdict(plan()), default=str))
    assert plan_from_document(document) == plan()
    assert plan_from_document(document).digest == plan().digest


def test_guard_refuses_an_old_look():
    seen = observation()
    with pytest.raises(StaleObservation):
        guard_recovery(plan(), seen, seen.taken_at + timedelta(minutes=11))


@pytest.mark.parametrize(
    "move",
    [
        RecordMove("z", "mail.atelier.test", "A", (OLD,), 60),
        RecordMove("z", "boutique.atelier.test", "A", ("192.0.2.9",), 60),
    ],
)
def test_guard_refuses_a_record_outside_the_declared_scope(move):
    seen, made = observation(), plan()
    first = replace(made.sites[0], moves=(move,))
    with pytest.raises(OutOfScope, match=move.name):
        guard_recovery(replace(made, sites=(first,)), seen, seen.taken_at)


def test_guard_lets_a_good_plan_pass():
    seen = observation()
    guard_recovery(plan(), seen, seen.taken_at)
