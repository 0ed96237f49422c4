"""Whether somebody outside would notice: what monitors' answers prove of a site."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.errors import AuthenticationFailed, Unavailable
from blocks.types import MonitorCondition, MonitorState, SmokeCheck, Tier
from flows.decisions.readiness import State
from flows.decisions.readiness_monitors import Answers, hosts_of, judge_accounts, judge_watching
from flows.decisions.recovery_plan import SiteSpec
from tests.unit.samples import NOON, OLD

SHOP, WWW, BLOG = "boutique.test", "www.journal.test", "journal.test"
SITE = SiteSpec("boutique", "", (SHOP,), (), Tier.HOURS_48, 1, (SmokeCheck(f"https://{SHOP}/"),))
DECLARED = {SHOP, WWW}
UP, DOWN, PAUSED, UNKNOWN = MonitorCondition
LOST = Unavailable("Robot", "answered HTTP 503", "look")
REFUSED = AuthenticationFailed("Robot", "refuses the token", "make a new one")


def state(host: str, condition: MonitorCondition = UP, name: str = "") -> MonitorState:
    return MonitorState("1", name, host, "", condition, page=True, read_at=NOON, every=timedelta(1))


@pytest.mark.parametrize(
    ("answers", "wanted", "said"),
    [
        ({"robot": (state(SHOP),)}, State.READY, "robot"),
        ({"robot": (state(SHOP), state(SHOP, PAUSED))}, State.READY, "robot"),
        ({"robot": (state(SHOP, UNKNOWN),)}, State.READY, "robot"),
        ({"robot": (state(SHOP),), "pingdom": LOST}, State.READY, "robot"),
        ({"robot": ()}, State.WARNING, "aucun moniteur"),
        ({"robot": (state(SHOP, PAUSED, "Boutique"),)}, State.WARNING, "« Boutique » (robot)"),
        ({"robot": (state(SHOP, DOWN),)}, State.WARNING, "en panne"),
        ({"robot": (), "pingdom": LOST}, State.UNKNOWN, "pingdom n'a pas pu"),
        ({"robot": (state(f"www.{SHOP}"),)}, State.WARNING, "ne déplace pas"),
        (
            {"robot": (state("preprod.test", name=f"Accueil {SHOP}"),)},
            State.WARNING,
            "preprod.test (robot)",
        ),
        ({"robot": (state(SHOP), state("", name=SHOP))}, State.READY, "robot"),
        ({"robot": (state(SHOP), state(WWW), state("mail.test"))}, State.READY, "robot"),
    ],
)
def test_a_site(answers: Answers, wanted: State, said: str) -> None:
    found = judge_watching(SITE, answers, DECLARED)
    assert found.state is wanted
    assert said in found.seen
    assert (wanted is State.READY) is not bool(found.hint)


def test_a_twin_that_is_declared_is_no_mistake() -> None:
    site = SiteSpec("journal", "", (WWW,), (), Tier.HOURS_48, 1, ())
    answers = {"robot": (state(WWW), state(BLOG))}
    assert judge_watching(site, answers, {WWW}).state is State.WARNING
    assert judge_watching(site, answers, {WWW, BLOG}).state is State.READY
    assert hosts_of(site) == {WWW}


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"robot": (state(SHOP),), "pingdom": ()}, State.READY),
        ({"robot": (state(OLD),)}, State.WARNING),
        ({"robot": (state(SHOP),), "pingdom": LOST}, State.UNKNOWN),
        ({"robot": LOST, "pingdom": REFUSED}, State.FAILED),
    ],
)
def test_the_accounts(answers: Answers, wanted: State) -> None:
    found = judge_accounts(answers, OLD)
    assert found.state is wanted
    assert (wanted is State.READY) is not bool(found.hint)
