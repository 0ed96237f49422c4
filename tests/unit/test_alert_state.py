"""An alert is opened once, told once and closed once, whatever flaps and whatever clocks do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from flows.decisions.alert import Assessment, Condition
from flows.decisions.alert_state import (
    ASKS,
    OPEN_FOR,
    AlertState,
    Moves,
    OpenIncident,
    settle,
    under_way,
)

AT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
UP, TROUBLE, DOWN = Condition.UP, Condition.TROUBLE, Condition.DOWN
OWN, UNKNOWN = Condition.OWN_NETWORK, Condition.UNKNOWN


def found(condition: Condition, *failing: str) -> Assessment:
    return Assessment("web1", condition, AT, failing=failing)


def passes(conditions: Sequence[Condition], under: str = "") -> list[Moves]:
    """Return what each pass did, each with what the one before left."""
    state, made = AlertState(), []
    for condition in conditions:
        made.append(settle(state, found(condition), under))
        state = made[-1].after
    return made


def told(made: Sequence[Moves]) -> list[Condition]:
    return [each.after.condition for each in made if each.tell]


def test_down_is_told_and_asked_for_at_once() -> None:
    (moves,) = passes([DOWN])
    assert (moves.tell, moves.ask, moves.after.condition) == (True, True, DOWN)
    assert moves.after.since == AT


def test_an_alert_is_told_once_and_closed_once() -> None:
    made = passes([DOWN, DOWN, DOWN, UP, UP, UP, UP])
    assert told(made) == [DOWN, UP]


@pytest.mark.parametrize("blink", [UP, UNKNOWN, OWN])
def test_a_server_that_flaps_stays_one_alert(blink: Condition) -> None:
    made = passes([DOWN, blink] * 10)
    assert told(made) == [DOWN]


@pytest.mark.parametrize("blind", [UNKNOWN, OWN])
def test_what_cannot_be_seen_does_not_bring_it_back(blind: Condition) -> None:
    made = passes([DOWN, *[blind] * 20])
    assert told(made) == [DOWN]
    assert made[-1].after.condition is DOWN


@pytest.mark.parametrize("condition", [TROUBLE, OWN, UNKNOWN])
def test_one_pass_alone_is_not_told(condition: Condition) -> None:
    assert told(passes([condition, UP, condition, UP])) == []
    assert told(passes([condition, condition, condition, UP, UP])) == [condition, UP]


def test_another_failing_site_is_told_again() -> None:
    state = AlertState()
    said = []
    for failing in [("a",), ("a",), ("a",), ("a", "b"), ("a", "b"), ("a", "b")]:
        moves = settle(state, found(TROUBLE, *failing))
        said += [failing] if moves.tell else []
        state = moves.after
    assert said == [("a",), ("a", "b")]


def test_a_server_that_answers_again_in_trouble_is_no_longer_lost() -> None:
    assert told(passes([DOWN, TROUBLE, TROUBLE, UP, UP])) == [DOWN, TROUBLE, UP]


def test_nothing_is_asked_for_beside_a_recovery() -> None:
    made = passes([DOWN, DOWN], under="inc-web1-7")
    assert not any(each.ask for each in made)
    assert told(made) == [DOWN]
    assert made[0].after.taken_up == "inc-web1-7"


def test_a_request_that_nobody_took_up_is_repeated_some_times_only() -> None:
    made = passes([DOWN] * 20)
    assert [each.ask for each in made] == [True] * ASKS + [False] * (20 - ASKS)


def test_once_taken_up_it_is_never_asked_for_again_in_this_alert() -> None:
    """A person who refuses the plan has decided; the sites are down all the same."""
    state = settle(AlertState(), found(DOWN)).after
    state = settle(state, found(DOWN), "inc-web1-7").after
    later = settle(state, found(DOWN), "")
    assert not later.ask
    assert later.after.taken_up == "inc-web1-7"


def test_a_busy_server_is_asked_for_as_soon_as_it_is_free() -> None:
    held = settle(AlertState(), found(DOWN), busy=True)
    assert (held.tell, held.ask) == (True, False)
    assert not settle(held.after, found(DOWN), busy=True).ask
    assert settle(held.after, found(DOWN)).ask


def test_a_new_loss_after_the_end_is_a_new_alert() -> None:
    made = passes([DOWN, UP, UP, DOWN])
    assert told(made) == [DOWN, UP, DOWN]
    assert [each.ask for each in made] == [True, False, False, True]


def test_no_order_of_passes_asks_twice_without_the_server_having_answered() -> None:
    """Every sequence of five passes; the request is taken up right after it was made."""
    for sequence in product([UP, TROUBLE, DOWN, OWN, UNKNOWN], repeat=5):
        state, answered, asked = AlertState(), 2, 0
        for condition in sequence:
            moves = settle(state, found(condition), "inc" if asked and answered < 2 else "")
            if moves.ask:
                assert answered >= 2, sequence
                asked, answered = asked + 1, 0
            seen = condition in (UP, TROUBLE)
            answered = answered + 1 if seen else (answered if answered >= 2 else 0)
            state = moves.after
            assert (state.condition is DOWN) or not state.taken_up


class TestUnderWay:
    def test_a_run_of_prefect_comes_first(self) -> None:
        open_ = [OpenIncident("inc-old", AT, over=False)]
        assert under_way(AT, ["inc-new"], open_) == "inc-new"

    def test_what_was_broken_off_is_taken_up_again_not_started_anew(self) -> None:
        old = OpenIncident("inc-1", AT - timedelta(hours=2), over=False)
        newer = OpenIncident("inc-2", AT - timedelta(hours=1), over=False)
        assert under_way(AT, [], [newer, old]) == "inc-2"

    def test_what_is_over_or_forgotten_does_not_count(self) -> None:
        over = OpenIncident("inc-1", AT, over=True)
        forgotten = OpenIncident("inc-2", AT - OPEN_FOR - timedelta(seconds=1), over=False)
        assert under_way(AT, [], [over, forgotten]) == ""

    def test_a_clock_that_jumped_back_forgets_nothing(self) -> None:
        future = OpenIncident("inc-1", AT + timedelta(hours=3), over=False)
        assert under_way(AT, [], [future]) == "inc-1"
