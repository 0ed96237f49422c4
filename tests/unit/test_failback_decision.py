from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.errors import ConfigurationError, UnsafePlan
from blocks.types import DatabaseContent, SmokeCheck, TableContent
from flows.decisions.failback import (
    REOPEN_AT_LEAST,
    SERVING,
    content_problems,
    decide_failback,
    failback_again,
    file_problems,
    reopen_after,
    write_stop,
)
from flows.decisions.recovery_plan import Purpose, TargetChoice, ZoneView
from flows.decisions.set_choice import SetChoice
from tests.unit.samples import NOON, OLD, observation, recovery_set, site

INCIDENT = "ret-1"
SAME, OTHER = TargetChoice("memory-vps/a", "", "", "12"), TargetChoice("memory-vps/b", "", "", "13")


def serving(**changes):
    return observation(**({"answering": SERVING} | changes))


def plan(**changes):
    return decide_failback(serving(**changes), INCIDENT)


def chosen(**changes):
    return SetChoice(replace(recovery_set(), **changes), ())


def refusal(**changes):
    with pytest.raises(UnsafePlan) as told:
        plan(**changes)
    return str(told.value)


def test_a_server_that_serves_is_moved_with_its_names():
    made = plan()
    assert (made.purpose, made.fence, made.lost_address) == (Purpose.FAILBACK, True, OLD)
    assert [each.site.name for each in made.sites] == ["boutique", "vitrine"]
    assert [move.name for move in made.sites[0].moves] == ["boutique.atelier.test"] * 2


@pytest.mark.parametrize("port", SERVING)
def test_a_server_that_is_silent_on_a_port_is_not_moved_but_recovered(port):
    told = refusal(answering=tuple(each for each in SERVING if each != port))
    assert f"does not answer on port {port}:" in told
    assert "continuity recover web1" in told


def test_every_silent_port_is_named():
    assert "on port 22, 80, 443" in refusal(answering=())


def test_a_zone_that_cannot_be_read_keeps_everything_where_it_is():
    shut = ZoneView("memory-zone/shut", "shut.test", (), refused="the key is refused")
    told = refusal(zones=(*serving().zones, shut))
    assert "zone shut.test" in told
    assert "the key is refused" in told


def test_without_a_gtid_no_replica_can_start_from_the_set():
    position = recovery_set().position
    assert position is not None
    for unknown in (None, replace(position, gtid="")):
        told = refusal(choice=chosen(position=unknown))
        assert "where it stands in the binary logs" in told
        assert "log_bin" in told


def test_a_server_without_databases_needs_no_position():
    made = plan(choice=chosen(position=None, database_facts=None))
    assert made.purpose is Purpose.FAILBACK


def test_a_target_with_another_mariadb_is_left_out():
    made = plan(targets=(OTHER, SAME))
    assert [each.provider for each in made.targets] == [SAME.provider]
    assert len(made.readiness) == 1


def test_a_target_whose_mariadb_is_not_known_yet_is_kept():
    unknown = TargetChoice("memory-vps/c", "", "")
    made = plan(targets=(OTHER, unknown))
    assert [each.provider for each in made.targets] == [unknown.provider]


def test_with_other_series_only_nothing_is_moved_and_each_says_why():
    told = refusal(targets=(OTHER,))
    assert "memory-vps/b: export SQL (MariaDB 10.11 → MariaDB 11.8)" in told
    assert "--target" in told


def test_no_target_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="no target"):
        plan(targets=())


def test_a_move_warns_neither_of_the_old_server_that_answers_nor_of_an_old_database():
    assert not [each for each in plan().warnings if "répond encore" in each]


def test_what_a_person_should_know_is_told():
    passed_over = SetChoice(recovery_set(sites=("boutique",)), (("web1-bad", "abîmé"),))
    told = plan(choice=passed_over).warnings
    assert "jeu web1-bad écarté : abîmé" in told
    assert "le site vitrine n'est pas dans le jeu : il ne sera pas emmené" in told
    assert f"vitrine.atelier.test ne mène pas à {OLD} : son DNS reste tel quel" in plan().warnings


def test_an_old_set_is_told_because_configuration_comes_from_it():
    day = recovery_set().consistent_at + timedelta(hours=24)
    assert not [each for each in plan(taken_at=day).warnings if "configuration" in each]
    (told,) = [
        each
        for each in plan(taken_at=day + timedelta(seconds=1)).warnings
        if "configuration" in each
    ]
    assert "continuity backup web1" in told


def test_taken_up_again_it_is_the_approved_plan_with_todays_checks():
    known = plan()
    mended = replace(site("boutique", 10), smoke=(SmokeCheck("https://boutique.atelier.test/ok"),))
    moved = ZoneView("memory-zone/atelier", "atelier.test", ())
    again = failback_again(known, serving(sites=(mended, site("vitrine", 60)), zones=(moved,)))
    assert again.digest == known.digest
    assert again.sites[0].site.smoke == mended.smoke
    assert again.sites[0].moves == known.sites[0].moves, "its names may have been moved already"


def test_taken_up_again_once_the_estate_names_the_new_machine_it_refuses():
    with pytest.raises(UnsafePlan, match=f"moved from {OLD}, the estate file names 192.0.2.9"):
        failback_again(plan(), serving(address="192.0.2.9"))


ORDERS = TableContent("shop.orders", 3, "1")
CONTENT = DatabaseContent(("shop",), 1000, (ORDERS,), ("view shop.open 1f", "event shop.tidy 2e"))


def differs(**changes):
    return content_problems(CONTENT, replace(CONTENT, **changes))


def test_the_same_content_has_no_problem():
    assert differs(size=5, gtid="0-1-9") == (), "neither size nor transaction must agree"


def test_databases_that_are_missing_or_too_many_are_named():
    assert differs(databases=()) == ("base shop absente",)
    assert differs(databases=("shop", "tmp")) == ("base tmp en trop",)


def test_tables_that_are_missing_or_too_many_are_named():
    other = replace(ORDERS, name="shop.tmp")
    assert differs(tables=()) == ("table shop.orders absente",)
    assert differs(tables=(ORDERS, other)) == ("table shop.tmp en trop",)


def test_a_table_with_other_rows_or_other_content_is_named():
    fewer, changed = replace(ORDERS, rows=2), replace(ORDERS, checksum="2")
    assert differs(tables=(fewer,)) == ("table shop.orders : 2 lignes au lieu de 3",)
    assert differs(tables=(changed,)) == ("table shop.orders : contenu différent",)


def test_a_program_that_differs_is_named_once_and_events_are_settled_later():
    assert differs(programs=("view shop.open 99", "event shop.tidy 77")) == (
        "view shop.open diffère",
    )
    assert differs(programs=("event shop.tidy 2e",)) == ("view shop.open diffère",)


def test_the_first_different_files_are_named_and_the_others_counted():
    assert file_problems(()) == ()
    assert file_problems(("a", "b")) == ("fichiers différents : a, b",)
    assert file_problems("abcdefg") == ("fichiers différents : a, b, c, d, e et 2 autres",)


def test_the_closed_server_waits_for_as_long_as_the_rehearsal_suggests_and_not_less_than_it_must():
    assert reopen_after(timedelta(seconds=1)) == REOPEN_AT_LEAST
    assert reopen_after(timedelta(minutes=3)) == timedelta(minutes=12)


def test_nobody_could_write_from_the_first_closed_door_to_the_first_open_one():
    assert write_stop(NOON, NOON + timedelta(seconds=9)) == timedelta(seconds=9)
