"""What a monitor says is one more place: never alone, never when old, never a veto for long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.types import MonitorCondition, MonitorState
from flows.decisions.alert import (
    Assessment,
    Condition,
    PlaceLook,
    Sight,
    assess,
    needs_confirmation,
    wants_monitors,
)
from flows.decisions.alert_monitors import DOWN_FOR, UP_FOR, said_by, silence
from flows.reports.alert_text import alert_notice, explanation, headline
from tests.unit.test_alert import AT, AlertState, N, P, S, U, W, look, place

UP, DOWN, PAUSED, UNKNOWN = MonitorCondition
HOSTS = {"boutique.test": "boutique", "journal.test": "journal"}
MINUTE = timedelta(minutes=1)


def state(
    condition: MonitorCondition = DOWN, host: str = "boutique.test", *, ago: timedelta | None = None
) -> MonitorState:
    """Return what a monitor says that looked a while ago: 20 seconds, unless told otherwise."""
    seen = AT - (timedelta(seconds=20) if ago is None else ago)
    return MonitorState(host, host, host, f"https://{host}/", condition, True, AT, seen, MINUTE)


def says(*states: MonitorState) -> PlaceLook:
    return said_by("moniteur robot", states, HOSTS, AT)


def twice(*places: PlaceLook) -> Assessment:
    return assess("web1", look(*places), look(*places, after=12))


class TestWorth:
    @pytest.mark.parametrize(("condition", "sight"), [(UP, Sight.ANSWERED), (DOWN, Sight.SILENT)])
    def test_a_fresh_answer_counts(self, condition: MonitorCondition, sight: Sight) -> None:
        found = says(state(condition))
        assert ([page.sight for page in found.pages], found.told) == ([sight], True)

    @pytest.mark.parametrize(("condition", "within"), [(UP, UP_FOR), (DOWN, DOWN_FOR)])
    def test_an_old_one_does_not(self, condition: MonitorCondition, within: timedelta) -> None:
        second = timedelta(seconds=1)
        assert says(state(condition, ago=within)).pages
        assert "trop ancien" in says(state(condition, ago=within + second)).blind

    def test_nor_one_from_the_future(self) -> None:
        assert says(state(ago=-MINUTE)).pages
        assert says(state(ago=-MINUTE * 2)).blind

    @pytest.mark.parametrize(
        ("condition", "every", "counts"),
        [
            (UP, MINUTE, True),
            (UP, MINUTE * 5, False),
            (DOWN, MINUTE * 5, True),
            (DOWN, MINUTE * 11, False),
            (UP, None, False),
            (DOWN, None, False),
        ],
    )
    def test_without_the_time_of_its_look_it_lies_an_interval_back(
        self, condition: MonitorCondition, every: timedelta | None, counts: bool
    ) -> None:
        found = says(replace(state(condition), checked_at=None, every=every))
        assert bool(found.pages) is counts

    def test_it_may_have_been_asked_a_while_ago(self) -> None:
        asked = replace(state(UP), checked_at=None, read_at=AT - MINUTE)
        assert not says(asked).pages

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            (state(PAUSED), "pause"),
            (state(UNKNOWN), "ne se prononce pas"),
            (state(DOWN, "elsewhere.test"), "ne surveille aucun site"),
            (replace(state(DOWN), page=False), "ne surveille aucun site"),
        ],
    )
    def test_what_is_worth_nothing_says_why(self, told: MonitorState, why: str) -> None:
        assert why in says(told).blind
        assert not says(told).pages

    def test_others_of_the_account_change_nothing(self) -> None:
        found = says(state(UP, "elsewhere.test"), state(PAUSED, "journal.test"), state(DOWN))
        assert [(page.site, page.sight) for page in found.pages] == [("boutique", Sight.SILENT)]


SAYS_UP, SAYS_DOWN = says(state(UP)), says(state(DOWN))
MUTE = silence("moniteur robot", "UptimeRobot : answered HTTP 503")
HERE, THERE = place("ici", S, S), place("temoin", S, S)
WELL = place("temoin", P, P)


class TestWeighing:
    @pytest.mark.parametrize(
        ("places", "wanted"),
        [
            # one of ours and a monitor make two
            ((HERE, SAYS_DOWN), Condition.DOWN),
            ((HERE, place("temoin"), SAYS_DOWN), Condition.DOWN),
            ((HERE, THERE, SAYS_DOWN), Condition.DOWN),
            # never without one of ours
            ((SAYS_DOWN,), Condition.UNKNOWN),
            ((SAYS_DOWN, replace(SAYS_DOWN, place="moniteur autre")), Condition.UNKNOWN),
            ((place("ici"), SAYS_DOWN), Condition.UNKNOWN),
            ((place("ici", U, U), SAYS_DOWN), Condition.UNKNOWN),
            ((place("ici"), SAYS_UP), Condition.UNKNOWN),
            # it saw an answer a moment ago
            ((HERE, SAYS_UP), Condition.UNKNOWN),
            ((HERE, THERE, SAYS_UP), Condition.UNKNOWN),
            ((HERE, THERE, SAYS_DOWN, replace(SAYS_UP, place="moniteur autre")), Condition.UNKNOWN),
            # what cannot be asked changes nothing
            ((HERE, MUTE), Condition.UNKNOWN),
            ((HERE, THERE, MUTE), Condition.DOWN),
            # what we see ourselves is what counts
            ((place("ici", P, P), SAYS_DOWN), Condition.UP),
            ((HERE, WELL, SAYS_DOWN), Condition.OWN_NETWORK),
            ((place("ici", W, W), SAYS_UP), Condition.TROUBLE),
            ((place("ici", W, W), SAYS_DOWN), Condition.TROUBLE),
            ((place("ici", N, N), SAYS_DOWN), Condition.TROUBLE),
        ],
    )
    def test_each_case(self, places: tuple[PlaceLook, ...], wanted: Condition) -> None:
        found = twice(*places)
        assert found.condition is wanted
        assert (wanted is Condition.UNKNOWN) == bool(found.why)

    def test_one_look_is_never_enough(self) -> None:
        for places in ((HERE, SAYS_DOWN), (HERE, THERE, SAYS_DOWN)):
            assert assess("web1", look(*places)).condition is Condition.UNKNOWN

    def test_no_failing_site_of_ours_is_passed_by_a_monitor(self) -> None:
        """It knows of a status, not of what must be on the page."""
        assert twice(place("ici", W, P), SAYS_UP).failing == ("boutique",)

    def test_asked_only_where_nothing_answers(self) -> None:
        silent = (look(HERE), look(HERE, THERE), look(HERE, place("temoin")))
        others = (look(WELL), look(HERE, WELL), look(place("ici")), look(place("ici", N, N)))
        assert [wants_monitors(each) for each in silent] == [True] * 3
        assert [wants_monitors(each) for each in others] == [False] * 4
        assert all(needs_confirmation("web1", each) for each in silent)


class TestWords:
    def test_a_loss_names_the_monitor_among_the_places(self) -> None:
        found = twice(HERE, says(replace(state(DOWN), since=AT)))
        assert "vu de « ici » et « moniteur robot »" in headline(found)
        body = alert_notice(found, AlertState()).body
        assert "moniteur robot — https://boutique.test/ : en panne depuis 04:00:00" in body

    def test_one_that_could_not_be_asked_is_named_with_its_reason(self) -> None:
        body = alert_notice(twice(HERE, THERE, MUTE), AlertState()).body
        assert "moniteur robot — ne voit rien : UptimeRobot" in body

    def test_doubt_says_who_saw_an_answer(self) -> None:
        for places in ((HERE, SAYS_UP), (HERE, THERE, SAYS_UP)):
            assert twice(*places).failing == ()
            assert "encore, selon moniteur robot" in explanation(twice(*places))
