"""What may be said of sets that lie in several repositories: each counts, and each is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from blocks.types import Damage, Proof, Reading
from flows.decisions.set_state import SetState
from flows.decisions.standing import Standing, Standings
from flows.decisions.verification_plan import Policy
from flows.reports.verification_text import (
    standing_text,
    states_text,
    verification_document,
    verification_markdown,
)
from tests.unit.samples import NOON, recovery_set

DAY = timedelta(days=1)
POLICY = Policy(7 * DAY, 7 * DAY, 40)
MADE, OLDER = recovery_set(), recovery_set(NOON - DAY)
PROOF = Proof("web1", MADE.id, "inc-1", NOON)
SEEN = Reading("web1", NOON, (NOON,) * 256, total=6_000_000)
FIRST = Standing(
    "web1", NOON + DAY, POLICY, (OLDER, MADE), {}, {MADE.id: PROOF}, SEEN, repository="principal"
)
SECOND = replace(FIRST, repository="copie")
UNREAD = Standing(
    "web1", NOON + DAY, POLICY, (), {}, {}, None, repository="copie", failed="does not answer"
)


def both(second: Standing, first: Standing = FIRST) -> Standings:
    return Standings((first, second), first.sets, {})


def test_green_wants_every_repository_proven() -> None:
    assert both(SECOND).weighed().green
    unproven = both(replace(SECOND, proofs={}))
    assert unproven.weighed().problems == ("copie : aucun jeu n'a jamais été prouvé",)
    assert unproven.proven_at is None
    older = both(replace(SECOND, proofs={MADE.id: replace(PROOF, at=NOON - DAY)}))
    assert older.proven_at == NOON - DAY, "the one that was proven the longest ago"


def test_one_that_cannot_be_read_is_one_problem_and_hides_nothing_of_the_other() -> None:
    known = both(UNREAD)
    troubles = {"copie": ["relecture : x", "restauration : y"], "principal": ["restauration : z"]}
    assert known.weighed(troubles).problems == (
        "principal : restauration : z",
        "copie : illisible : does not answer",
    )
    assert known.statuses[MADE.id].state is SetState.PROVEN


def test_a_set_is_as_good_as_its_best_repository_and_each_is_told() -> None:
    hurt = replace(SEEN, damaged=(Damage("web1/data/ab", (MADE.snapshots[0].id,), NOON),))
    known = both(replace(SECOND, reading=hurt))
    assert known.statuses[MADE.id].state is SetState.PROVEN
    assert not known.weighed().green
    lines = states_text(known, MADE.id).splitlines()
    assert lines == [
        "principal : prouvé il y a 24 h 00 min",
        "copie : ÉCHEC : web1/data/ab est endommagé",
    ]


def test_a_copy_has_a_day_to_get_the_newest_set() -> None:
    late = replace(SECOND, sets=(OLDER,), proofs={OLDER.id: replace(PROOF, set_id=OLDER.id)})
    assert both(late).weighed().green
    days = {"taken_at": NOON + 2 * DAY}
    found = both(replace(late, **days), replace(FIRST, **days)).weighed().problems
    assert found == (f"copie : le jeu {MADE.id} n'y est pas entier",)
    refused = replace(SECOND, refused={MADE.id: "a snapshot is missing"}, **days)
    again = both(refused, replace(FIRST, **days)).weighed().problems
    assert f"copie : le jeu {MADE.id} n'y est pas entier" in again


def test_the_page_has_bytes_cost_and_bound_of_each_and_a_column_each() -> None:
    known = both(UNREAD)
    page = verification_markdown(verification_document(known, known.weighed()))
    assert "**NON PROUVÉES**" in page
    assert "- copie : illisible : does not answer" in page
    first, second = page.index("## Dépôt principal"), page.index("## Dépôt copie")
    assert first < page.index("6,0 Mo, soit 30,0 Mo sortis du stockage par mois") < second
    assert first < page.index("tout a été relu depuis moins de 24 h") < second
    assert "**Illisible** : does not answer" in page[second:]
    assert "| Jeu | principal | copie |" in page
    assert f"| `{MADE.id}` | prouvé il y a 24 h 00 min | illisible |" in page
    assert standing_text(known).startswith(
        "NON PROUVÉ : principal : dernière preuve il y a 24 h 00 min ; copie : aucune preuve ;"
    )


def test_a_single_repository_needs_no_name() -> None:
    alone = Standings((FIRST,), FIRST.sets, {})
    assert standing_text(alone) == "dernière preuve il y a 24 h 00 min"
    assert states_text(alone, MADE.id) == "prouvé il y a 24 h 00 min"
