"""Which loss an incident answers, and which alerts are kept until one is proven."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flows.decisions.alert import Assessment, Condition
from flows.decisions.alert_state import HEARD, AlertState, listening
from flows.decisions.loss import ANSWERED_WITHIN, Loss, answered
from flows.decisions.timeline import Mark
from flows.reports.alert_text import received_text
from tests.unit.samples import NOON

MINUTE = timedelta(minutes=1)
ALERT = Mark(NOON, "Alerte")


def test_the_newest_loss_that_the_recovery_could_answer_is_meant() -> None:
    first, second = Loss(NOON - 2 * MINUTE), Loss(NOON - MINUTE)
    assert answered([second, first], NOON, NOON + MINUTE) == second
    assert answered([], NOON, NOON) is None


@pytest.mark.parametrize(
    "other",
    [
        Loss(NOON - 9 * MINUTE, ended_at=NOON - MINUTE),
        Loss(NOON + 2 * MINUTE),
        Loss(NOON - ANSWERED_WITHIN - MINUTE),
    ],
    ids=["ended before", "began after", "forgotten"],
)
def test_another_loss_is_not(other: Loss) -> None:
    assert answered([other], NOON, NOON + MINUTE) is None


def test_what_is_noted_again_keeps_its_first_time() -> None:
    loss = Loss(NOON).noted(ALERT).noted(Mark(NOON + MINUTE, "Alerte"), Mark(NOON, "Autre"))
    assert loss.events == (ALERT, Mark(NOON, "Autre"))


def assessment(condition: Condition) -> Assessment:
    return Assessment("web1", condition, NOON)


@pytest.mark.parametrize("condition", [Condition.UP, Condition.TROUBLE])
def test_a_server_that_answers_forgets_alerts(condition: Condition) -> None:
    assert listening(AlertState(heard=(ALERT,)), assessment(condition), ALERT).heard == ()


@pytest.mark.parametrize("condition", [Condition.UNKNOWN, Condition.OWN_NETWORK, Condition.DOWN])
def test_until_a_look_shows_it_the_first_alerts_are_kept(condition: Condition) -> None:
    state, found = AlertState(), assessment(condition)
    for number in [0, *range(HEARD + 5)]:
        state = listening(state, found, Mark(NOON + number * MINUTE, f"Alerte {number}"))
    assert [each.text for each in state.heard] == [f"Alerte {n}" for n in range(HEARD)]
    assert listening(state, found, None) == state


def test_an_alert_is_told_with_its_monitor() -> None:
    said = received_text("pingdom : boutique.example down")
    assert said == "Alerte reçue de pingdom : boutique.example ne répond plus"
    assert received_text("essai d'Anne") == "Regard demandé (essai d'Anne)"
