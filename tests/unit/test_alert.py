"""A server is down only when two places see nothing answer, twice; all else is something else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flows.decisions.alert import (
    Assessment,
    Condition,
    PageSeen,
    PlaceLook,
    Round,
    Sight,
    assess,
    needs_confirmation,
)
from flows.decisions.alert_state import AlertState
from flows.reports.alert_text import alert_notice, explanation, headline, seen, what_next
from flows.reports.observed_text import in_french

AT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
SITES = ("boutique", "journal")
P, W, S, N, U = Sight.PASSED, Sight.WRONG, Sight.SILENT, Sight.UNNAMED, Sight.UNSEEN


def place(name: str, *sights: Sight) -> PlaceLook:
    """Return a look at a page of each site; without sights, a place that could not look."""
    if not sights:
        return PlaceLook(name, blind="ssh does not answer")
    pages = [
        PageSeen(site, f"https://{site}.test/", sight, f"{sight} here")
        for site, sight in zip(SITES, sights, strict=True)
    ]
    return PlaceLook(name, tuple(pages))


def look(*places: PlaceLook, after: float = 0) -> Round:
    return Round(AT + timedelta(seconds=after), places)


def twice(*places: PlaceLook) -> Assessment:
    return assess("web1", look(*places), look(*places, after=12))


ONE_ROUND = [
    ((P, P), (P, P), Condition.UP),
    ((S, S), (S, S), Condition.DOWN),
    ((S, N), (N, S), Condition.DOWN),
    # one vantage point alone: its own network
    ((S, S), (P, P), Condition.OWN_NETWORK),
    ((P, P), (S, S), Condition.OWN_NETWORK),
    ((P, S), (P, P), Condition.OWN_NETWORK),
    ((W, P), (P, P), Condition.OWN_NETWORK),
    # the server answers
    ((W, P), (W, P), Condition.TROUBLE),
    ((W, W), (W, W), Condition.TROUBLE),
    ((S, P), (S, P), Condition.TROUBLE),
    ((S, S), (W, P), Condition.TROUBLE),
    ((S, S), (W, W), Condition.TROUBLE),
    # names without addresses: the DNS, not the server
    ((N, N), (N, N), Condition.TROUBLE),
    # one blind
    ((S, S), (), Condition.UNKNOWN),
    ((), (S, S), Condition.UNKNOWN),
    ((S, S), (U, U), Condition.UNKNOWN),
    ((P, P), (), Condition.UP),
    ((W, P), (), Condition.TROUBLE),
    # all blind
    ((), (), Condition.UNKNOWN),
    ((U, U), (U, U), Condition.UNKNOWN),
    ((U, U), (), Condition.UNKNOWN),
    # partly blind: what is seen counts
    ((S, U), (U, S), Condition.DOWN),
    ((U, P), (U, P), Condition.UP),
]


@pytest.mark.parametrize(("here", "there", "wanted"), ONE_ROUND)
def test_two_places(here: tuple[Sight, ...], there: tuple[Sight, ...], wanted: Condition) -> None:
    found = twice(place("ici", *here), place("temoin", *there))
    assert found.condition is wanted
    assert (found.condition is Condition.UNKNOWN) == bool(found.why)


@pytest.mark.parametrize(("here", "there", "wanted"), ONE_ROUND)
def test_a_single_look_never_says_down(
    here: tuple[Sight, ...], there: tuple[Sight, ...], wanted: Condition
) -> None:
    first = look(place("ici", *here), place("temoin", *there))
    found = assess("web1", first)
    assert found.condition is (Condition.UNKNOWN if wanted is Condition.DOWN else wanted)
    assert needs_confirmation("web1", first) == (wanted is not Condition.UP)


@pytest.mark.parametrize("sights", [(S, S), (S, N), (W, W), (N, N), (U, U)])
def test_an_estate_with_one_place_is_never_down(sights: tuple[Sight, ...]) -> None:
    assert twice(place("ici", *sights)).condition is not Condition.DOWN


def test_a_third_place_that_sees_it_answer_outweighs_two() -> None:
    silent = place("a", S, S), place("b", S, S)
    assert twice(*silent, place("c", P, P)).condition is Condition.OWN_NETWORK
    assert twice(*silent, place("c", W, P)).condition is Condition.TROUBLE
    assert twice(*silent, place("c")).condition is Condition.DOWN
    assert twice(*silent, place("c", S, S)).silent == ("a", "b", "c")


class TestConfirmation:
    dead = (place("ici", S, S), place("temoin", S, S))
    well = (place("ici", P, P), place("temoin", P, P))

    def test_it_is_down_since_the_first_look(self) -> None:
        found = assess("web1", look(*self.dead), look(*self.dead, after=12))
        assert (found.condition, found.since) == (Condition.DOWN, AT)

    def test_a_blink_is_no_loss(self) -> None:
        assert assess("web1", look(*self.dead), look(*self.well, after=12)).condition is (
            Condition.UP
        )
        late = assess("web1", look(*self.well), look(*self.dead, after=12))
        assert late.condition is Condition.UNKNOWN

    def test_a_place_that_goes_blind_in_between_confirms_nothing(self) -> None:
        second = look(place("ici", S, S), place("temoin"), after=12)
        assert assess("web1", look(*self.dead), second).condition is Condition.UNKNOWN
        first = look(place("ici", S, S), place("temoin"))
        assert assess("web1", first, look(*self.dead, after=12)).condition is Condition.UNKNOWN

    @pytest.mark.parametrize("after", [-3600, -1, 301, 86400])
    def test_a_clock_that_jumps_confirms_nothing(self, after: float) -> None:
        found = assess("web1", look(*self.dead), look(*self.dead, after=after))
        assert found.condition is Condition.UNKNOWN
        assert "horloge" in found.why


class TestWords:
    def test_each_conclusion_says_what_it_means_and_what_to_type(self) -> None:
        down = twice(*TestConfirmation.dead)
        assert headline(down) == "web1 : ne répond plus, vu de « ici » et « temoin »"
        assert what_next(down) == "continuity recover web1 --down-since 2026-11-28T03:00:00"
        own = twice(place("ici", S, S), place("temoin", P, P))
        assert "Vu de « ici » seulement" in explanation(own)
        half = twice(place("ici", P, W), place("temoin", P, P))
        assert "Vu de « ici » seulement" in explanation(half)
        trouble = twice(place("ici", W, P), place("temoin", W, P))
        assert "(boutique)" in headline(trouble)
        assert "pas de reprise" in explanation(trouble)
        blind = twice(place("ici"), place("temoin"))
        assert "jamais conclue sans deux points de vue" in explanation(blind)
        assert len(seen(blind)) == 2
        assert what_next(twice(*TestConfirmation.well)) == ""

    def test_a_message_says_whether_a_recovery_is_prepared(self) -> None:
        down, before = twice(*TestConfirmation.dead), AlertState()
        asked = alert_notice(down, before, asked=True).body
        assert asked.index("continuity approve") < asked.index("Si rien n'arrive")
        assert asked.index("Si rien n'arrive") < asked.index("continuity recover web1")
        beside = alert_notice(down, before, under_way="inc-web1-7").body
        assert beside.count("continuity recover") == beside.count("--incident inc-web1-7") == 1
        assert "attendra votre accord" in alert_notice(down, before, asked=True).body
        other = alert_notice(down, before, under_way="inc-web1-7").body
        assert "inc-web1-7" in other
        assert "Aucune autre" in other
        up = twice(*TestConfirmation.well)
        closing = alert_notice(up, AlertState(Condition.DOWN))
        assert (closing.failed, closing.final) == (False, True)
        assert "alerte close" in closing.text

    @pytest.mark.parametrize(
        ("observed", "wanted"),
        [
            ("HTTP 502 from nginx, expected 200", "HTTP 502 de nginx, 200 attendu"),
            ("192.0.2.1 : connection refused", "192.0.2.1 : connexion refusée"),
            ("no answer within 0.5 s", "pas de réponse en 0.5 s"),
            ("certificate of a.test has expired", "le certificat de a.test a expiré"),
            ("a.test has no IPv4 address in the DNS", "a.test n'a pas d'adresse IPv4 dans le DNS"),
            (
                "HTTP 200 from nginx, but the text 'Dernière' is not on the page",
                "HTTP 200 de nginx, mais le texte « Dernière » n'est pas dans la page",
            ),
            (
                "HTTP 301, redirects to https://b.test/, expected 200",
                "HTTP 301, redirige vers https://b.test/, 200 attendu",
            ),
            ("something new", "something new"),
        ],
    )
    def test_what_a_probe_saw_is_said_in_french(self, observed: str, wanted: str) -> None:
        assert in_french(observed) == wanted
