"""What clients are told, when, and that no text breaks at 3 a.m."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from blocks.records import StepRecord, StepState
from blocks.repositories.messages import ClientMessages
from blocks.types import Tier
from blocks.types.clients import Language, Sending
from flows.decisions.abandoned import unsaid_end
from flows.decisions.client_delivery import Action, Uncertain, action
from flows.decisions.client_news import (
    CLOSED_BY_HAND,
    ClientSite,
    ClientView,
    News,
    Phase,
    known,
    newest,
    news,
)
from flows.reports.client_texts import message, refused_template, when
from tests.fakes.memory_objects import MemoryObjects

AT = datetime(2026, 3, 10, 2, 40, tzinfo=UTC)
SHOP = ClientSite("shop", "La boutique", ("shop.test",), Tier.HOURS_48)
BLOG = ClientSite("blog", "Le blog", ("blog.test",), Tier.HOURS_48)
ATELIER = ClientView("atelier", "L'Atelier", Language.FRENCH, ("a@b.test",), (SHOP, BLOG))
HARBOUR = ClientView("harbour", "Harbour", Language.ENGLISH, ("c@d.test",), (SHOP,))
LEFT_OVER = r"\{\{|\{%|None|TODO|Undefined|\b(le|du|on|between) *[.,:(]"
PLAN = {"purpose": "recovery"}


def done(*steps: str, state: StepState = StepState.DONE) -> list[StepRecord]:
    data = {"data": {"data_as_of": (AT - timedelta(seconds=14)).isoformat()}}
    return [
        StepRecord("inc", n, step, state, AT + timedelta(minutes=n), AT + timedelta(minutes=n),
                   data=data.get(step, {}), why="Fausse alerte." if step == CLOSED_BY_HAND else "")
        for n, step in enumerate(steps)
    ]  # fmt: skip


def phases(records: list[StepRecord], client: ClientView = ATELIER, **more: object) -> list[str]:
    facts = known("inc", records, more.get("plan", PLAN), None, more.get("protected"))  # type: ignore[arg-type]
    return [str(each.phase) for each in news([client], facts)]


def test_phases_follow_the_journal() -> None:
    steps = ["observe", "plan", "approve", "visitors-shop", "visitors-blog"]
    assert phases(done(*steps[:1])) == []
    assert phases(done(*steps[:2])) == ["detected"]
    assert phases(done(*steps[:3])) == ["detected", "recovering"]
    assert phases(done(*steps[:4])) == ["detected", "recovering"], "one of two sites is not back"
    assert phases(done(*steps[:4]), HARBOUR) == ["detected", "recovering", "back"]
    assert phases(done(*steps)) == ["detected", "recovering", "back"]
    later = AT + timedelta(hours=1)
    assert phases(done(*steps), protected=later)[-1] == "closed"
    assert phases(done(*steps), protected=AT)[-1] == "back", "an older backup protects nothing"


def test_a_drill_and_a_restore_of_one_site_tell_nobody() -> None:
    steps = done("plan", "approve", "visitors-shop", "visitors-blog")
    assert phases(steps, plan={"purpose": "drill"}) == []
    assert phases(steps, plan={"site": "shop"}) == []
    assert phases(steps, plan=None) == []


def test_a_site_that_failed_again_is_not_back() -> None:
    records = done("plan", "approve", "visitors-shop")
    records += done("visitors-shop", state=StepState.FAILED)
    assert phases(records, HARBOUR) == ["detected", "recovering"]


def test_an_operator_may_close_it_with_a_word() -> None:
    facts = known("inc", done("plan", CLOSED_BY_HAND), PLAN, None, None)
    (told,) = newest(news([ATELIER], facts))
    assert (told.phase, told.back_at, told.reason) == (Phase.CLOSED, None, "Fausse alerte.")
    _, body = message(told, "OmniWeb", "", "")
    assert "Fausse alerte." in body
    assert "de nouveau en ligne" not in body, "nobody saw that"
    assert "sauvegardé" not in body


def test_nothing_is_said_of_data_that_was_not_proven() -> None:
    facts = known("inc", done("plan", "approve", "visitors-shop"), PLAN, None, None)
    told = newest(news([HARBOUR], facts))[0]
    assert told.data_as_of is None
    assert "could not yet establish" in message(told, "OmniWeb", "", "")[1]


def test_what_is_lost_is_said_to_the_second() -> None:
    down = {"down_since": AT.isoformat()}
    steps = done("plan", "approve", "data", "visitors-shop", "visitors-blog")
    facts = known("inc", steps, PLAN, down, None)
    (told,) = newest(news([ATELIER], facts))
    said = "le 10 mars 2026 entre 3 h 39 min 46 s et 3 h 40 min 00 s (heure de Paris)"
    assert said in message(told, "OmniWeb", "", "")[1]


@pytest.mark.parametrize(
    ("language", "phase", "sites", "full"), list(product(Language, Phase, (1, 2), (True, False)))
)
def test_every_text_is_whole(language: Language, phase: Phase, sites: int, full: bool) -> None:
    client = ClientView("c", "Client", language, (), (SHOP, BLOG)[:sites])
    moment = AT if full else None
    told = News(phase, client, AT, full, moment, moment, moment, moment, "", full)
    subject, body = message(told, "OmniWeb", "01 23", "https://etat.test")
    assert subject
    assert len(subject) < 78
    assert "\n\n\n" not in body
    for text in (subject, body):
        assert not re.search(r"\{\{|\{%|None|TODO|Undefined|\b(le|du|on|between) *[.,:(]", text), (
            text
        )
    for wanted in (*(site.title for site in client.sites), "01 23", "https://etat.test", "OmniWeb"):
        assert wanted in body
    assert ("Bonjour" in body) is (language is Language.FRENCH)


def test_times_are_those_of_paris_in_the_language_of_the_client() -> None:
    assert when(AT, Language.FRENCH) == "10 mars 2026 à 3 h 40 (heure de Paris)"
    assert when(AT.replace(day=1, month=7), Language.FRENCH).startswith("1er juillet 2026 à 4 h 40")
    assert when(AT, Language.ENGLISH) == "10 March 2026 at 03:40 (Paris time)"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Objet\n{{ sites[0] }} {{ nobody }}", "'nobody' is undefined"),
        ("Objet\n{% if lost_from %}{{ nobody }}{% endif %}", "'nobody' is undefined"),
        ("Objet\n{% if %}", "cannot be filled in"),
        ("Objet\n{{ 1 / 0 }}", "division"),
        ("Objet seul", "wants a subject"),
        ("Objet\n{{ sites.__class__.__mro__ }}", "cannot be filled in"),
        ("Objet\nBonjour {{ client }} {{ lost_between }}", ""),
    ],
)
def test_a_text_of_a_client_is_refused_before_it_is_needed(text: str, why: str) -> None:
    found = refused_template(ATELIER, Phase.BACK, text)
    assert (why in found) if why else not found


def test_what_was_begun_is_never_sent_again_by_itself() -> None:
    assert action(Sending.OPEN, Uncertain.LEAVE) is Action.SEND
    assert action(Sending.CLAIMED, Uncertain.LEAVE) is Action.NOTHING
    assert action(Sending.CLAIMED, Uncertain.AGAIN) is Action.SEND_AGAIN
    assert action(Sending.CLAIMED, Uncertain.DELIVERED) is Action.PROVE
    for wish in Uncertain:
        assert action(Sending.SENT, wish) is Action.NOTHING


def test_messages_after_the_end_do_not_hide_that_it_was_told() -> None:
    records = done("observe", "verify", "clients-back")
    assert unsaid_end(records, "CRASHED", AT + timedelta(hours=1)) == ""


def test_of_two_who_send_at_once_one_has_the_claim() -> None:
    store = MemoryObjects()
    one, other = ClientMessages(store, "inc"), ClientMessages(store, "inc")
    assert one.claim("back", "a@b.test", AT)
    assert not other.claim("back", "A@b.test", AT), "the same mailbox"
    assert other.state("back", "a@b.test") is Sending.CLAIMED
    assert other.claim("closed", "a@b.test", AT)
    one.give_back("back", "a@b.test")
    assert other.claim("back", "a@b.test", AT)
    other.prove("back", "a@b.test", "<id>", AT)
    assert one.state("back", "a@b.test") is Sending.SENT
    assert not any(b"a@b" in key.encode() for key in store.held)
