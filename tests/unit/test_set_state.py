"""Never green without proof: sets, rows, spot checks, and what is said of them in French."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blocks.types import (
    Damage,
    DatabaseFacts,
    DatabaseSchema,
    FileDigest,
    Proof,
    Reading,
    RecoverySet,
    SpotCheck,
    StoredFile,
    TableFacts,
)
from flows.decisions.row_match import row_problems
from flows.decisions.set_state import SetState, SetStatus, set_statuses
from flows.decisions.spot_check import LARGEST, Finding, comparable, detectable, draw, judge
from flows.decisions.standing import Standing
from flows.decisions.verification_plan import Policy, bound
from flows.reports.verification_text import bound_text, cost_text, spot_text, state_text
from tests.unit.samples import NOON, recovery_set

DAY = timedelta(days=1)
POLICY = Policy(7 * DAY, 7 * DAY, 40)
MADE = recovery_set()
PROOF = Proof("web1", MADE.id, "inc-1", NOON)
SEEN = Reading("web1", NOON, (NOON,) * 256)


def status(
    days: float, proof: Proof | None, reading: Reading = SEEN, refused: str = ""
) -> SetStatus:
    proofs = {MADE.id: proof} if proof else {}
    against = {MADE.id: refused} if refused else {}
    at = MADE.finished_at + days * DAY
    return set_statuses([MADE], against, proofs, reading, POLICY, at)[MADE.id]


@pytest.mark.parametrize(
    ("days", "proof", "state"),
    [
        (1, None, SetState.TAKEN),
        (7, None, SetState.TAKEN),
        (7.1, None, SetState.STALE),
        (1, PROOF, SetState.PROVEN),
        (7.1, PROOF, SetState.STALE),
        (1, replace(PROOF, differences=("rows",)), SetState.FAILED),
        (90, replace(PROOF, differences=("rows",)), SetState.FAILED),
    ],
)
def test_a_set_is_what_is_known_of_it(days: float, proof: Proof | None, state: SetState) -> None:
    assert status(days, proof).state is state


def test_damage_and_refusal_outweigh_a_proof() -> None:
    needed = Damage("web1/restic/data/ab/abcd", (MADE.snapshots[0].id,), NOON)
    other = replace(needed, snapshots=("another",))
    assert status(1, PROOF, replace(SEEN, damaged=(needed,))).state is SetState.FAILED
    assert status(1, PROOF, replace(SEEN, damaged=(other,))).state is SetState.PROVEN
    spot = SpotCheck(MADE.id, NOON, 10, 5, 0, ("/srv/a",))
    assert "/srv/a" in status(1, PROOF, replace(SEEN, spot=spot)).why
    elsewhere = replace(spot, set_id="older")
    assert status(1, PROOF, replace(SEEN, spot=elsewhere)).state is SetState.PROVEN
    assert status(1, PROOF, SEEN, refused="no manifest").why == "no manifest"


def weighed(days: float, proofs: list[Proof], reading: Reading | None = SEEN) -> tuple[str, ...]:
    known = {each.set_id: each for each in proofs}
    return (
        Standing("web1", NOON + days * DAY, POLICY, (MADE,), {}, known, reading).weighed().problems
    )


def test_green_needs_a_proof_and_readings_and_nothing_against() -> None:
    assert weighed(1, [PROOF]) == ()
    assert weighed(1, []) == ("aucun jeu n'a jamais été prouvé",)
    assert weighed(1, [PROOF], None) == ("les données n'ont jamais été relues",)
    assert [each.split(" ")[0] for each in weighed(8, [PROOF])] == ["la", "une"]
    later = replace(PROOF, set_id="web1-later", at=NOON + DAY, differences=("rows",))
    assert weighed(1, [PROOF, later]) == ("le jeu web1-later n'a pas passé sa preuve : rows",)
    hurt = replace(SEEN, damaged=(Damage("web1/restic/data/ab/abcd", ("x",), NOON),))
    assert weighed(1, [PROOF], hurt) == (
        "web1/restic/data/ab/abcd est endommagé, aucun jeu n'en a besoin",
    )


def facts(engine: str = "InnoDB", **rows: int) -> DatabaseFacts:
    tables = tuple(TableFacts(name, engine, count) for name, count in rows.items())
    return DatabaseFacts("10.11.9", "10.11", 1, (DatabaseSchema("shop", 1, tables),))


def counted(before: DatabaseFacts, after: DatabaseFacts | None) -> RecoverySet:
    return replace(MADE, database_facts=before, database_facts_after=after)


@pytest.mark.parametrize(
    ("before", "after", "here", "problem"),
    [
        (5, 5, 5, ""),
        (5, 5, 4, "table shop.orders has 4 rows, not 5"),
        (5, 5, 6, "table shop.orders has 6 rows, not 5"),
        (5, 9, 5, ""),
        (5, 9, 9, ""),
        (5, 9, 13, ""),
        (5, 9, 14, "table shop.orders has 14 rows, not 5 to 9"),
        (5, 9, 0, "table shop.orders has 0 rows, not 5 to 9"),
        (9, 5, 7, ""),
    ],
)
def test_rows_are_what_both_looks_say(before: int, after: int, here: int, problem: str) -> None:
    made = counted(facts(orders=before), facts(orders=after))
    found = row_problems(made, facts(orders=here), exact=True)
    assert found == ((problem,) if problem else ())


def test_tables_that_come_go_or_are_never_copied() -> None:
    made = counted(facts(orders=1, going=2), facts(orders=1, coming=3))
    for extra in ({}, {"going": 2}, {"coming": 3}):
        assert row_problems(made, facts(orders=1, **extra), exact=True) == ()
    assert row_problems(made, facts(), exact=True) == ("table shop.orders is missing",)
    strange = row_problems(made, facts(orders=1, other=1), exact=True)
    assert strange == ("table shop.other is not in the set",)
    memory = counted(facts("MEMORY", cache=9), facts("MEMORY", cache=9))
    assert row_problems(memory, facts("MEMORY", cache=0), exact=True) == ()


def test_a_copy_from_sql_must_at_least_have_what_there_was() -> None:
    made = counted(facts(orders=5), facts(orders=5))
    assert row_problems(made, facts(orders=7, other=1), exact=False) == ()
    lost = row_problems(made, facts(orders=0), exact=False)
    assert lost == ("table shop.orders had 5 rows and is empty",)


def test_only_files_that_rested_are_compared() -> None:
    files = [
        StoredFile("/old", 10, NOON - DAY),
        StoredFile("/just-written", 10, NOON),
        StoredFile("/large", LARGEST + 1, NOON - DAY),
        StoredFile("/caf\ufffd.txt", 10, NOON - DAY),
    ]
    assert comparable(files, NOON) == ("/old",)


@pytest.mark.parametrize(
    ("live", "finding"),
    [
        (FileDigest("same", NOON + DAY), Finding.EQUAL),
        (FileDigest("other", NOON + DAY), Finding.CHANGED),
        (None, Finding.CHANGED),
        (FileDigest("other", NOON - DAY), Finding.UNEXPLAINED),
    ],
)
def test_a_difference_means_something_only_if_the_server_did_not_make_it(
    live: FileDigest | None, finding: Finding
) -> None:
    assert judge("same", live, NOON) is finding


def test_a_sample_is_by_chance_and_what_it_can_show_is_known() -> None:
    names = [f"/srv/{number}" for number in range(1000)]
    first, second = draw(names, "a", 40), draw(names, "b", 40)
    assert draw(reversed(names), "a", 40) == first
    assert len(set(first)) == 40
    assert len(set(first) & set(second)) < 10
    assert set(draw(names[:3], "a", 40)) == set(names[:3])
    share = detectable(40)
    assert (1 - share) ** 40 == pytest.approx(0.05)
    assert detectable(0) == 1


def test_people_read_what_is_known_and_what_is_not() -> None:
    now = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
    proven = SetStatus("s", SetState.PROVEN, now - timedelta(hours=3))
    assert state_text(proven, now) == "prouvé il y a 3 h 00 min"
    assert state_text(SetStatus("s", SetState.TAKEN), now) == "pris, pas encore prouvé"
    assert state_text(SetStatus("s", SetState.STALE), now) == "périmé : jamais prouvé"
    stale = SetStatus("s", SetState.STALE, now - 12 * DAY)
    assert state_text(stale, now) == "périmé : prouvé il y a 12 jours"
    assert state_text(SetStatus("s", SetState.FAILED, why="x"), now) == "ÉCHEC : x"
    young = bound(Reading("web1", NOON), POLICY, NOON)
    assert bound_text(young) == "premier tour en cours : 0 tranches sur 6 (promis : 7 jours)"
    late = bound(SEEN, POLICY, NOON + 8 * DAY)
    assert (
        bound_text(late) == "tout a été relu depuis moins de 8 jours (promis : 7 jours), EN RETARD"
    )
    reading = replace(SEEN, bytes=2_000_000, total=6_000_000)
    assert "6,0 Mo, soit 30,0 Mo sortis du stockage par mois" in cost_text(reading, young)
    spot = SpotCheck("s", NOON, 1096, 40, 1, ("/a",))
    assert "38 identiques" in spot_text(spot)
    assert "plus de 7,2 % des fichiers" in spot_text(spot)
