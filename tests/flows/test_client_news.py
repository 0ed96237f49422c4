"""Clients are told what is proven, each once, and nothing of it stops a recovery."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.blocks.core import Block

from blocks import registry
from blocks.clients.client import Client
from blocks.errors import ApprovalMismatch, DeliveryUnknown, NotFound, ProviderError, Unreachable
from blocks.repositories.messages import ClientMessages
from blocks.servers.protected import ClientNews
from blocks.status_pages.git import GitStatusPage
from blocks.types.clients import FirstMessage, Language, Sending
from deployments.cli import clients
from flows.backup import backup
from flows.client_news import client_news
from flows.decisions.client_delivery import Uncertain
from flows.decisions.client_news import CLOSED_BY_HAND
from flows.tasks.client_approval import ask_here
from tests.fakes.memory_client_mail import MemoryClientMail
from tests.flows.world import INCIDENT, Killed, World

SHOP, SECOND, BROCHURE = "anne@boutique.test", "compta@boutique.test", "joe@brochure.test"
GONE = Unreachable("mail relay", "did not answer within 10 s", "nc -vz relay 587")


class Told:
    """A world whose clients can be told, and what they were told."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.mail = MemoryClientMail()
        remote = folder / "status.git"
        subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True, timeout=30)
        self.page = GitStatusPage(remote=f"file://{remote}")
        self.first = FirstMessage.ASK
        self.templates: dict[str, str] = {}
        self.witnesses: dict[str, Block] = {}

    @contextmanager
    def provided(self) -> Iterator[None]:
        about = ClientNews(
            agency="OmniWeb", contact="01 23 45 67 89",
            clients=["agency-client/shop", "agency-client/harbour"],
            mail="memory-client-mail/client-mail", status_page="git-status-page/status-page",
        )  # fmt: skip
        shop = Client(title="L'Atelier", addresses=[SHOP, SECOND], sites=["client-site/shop"],
                      first_message=self.first, templates=self.templates)  # fmt: skip
        other = Client(title="Harbour", language=Language.ENGLISH, addresses=[BROCHURE],
                       sites=["client-site/brochure"])  # fmt: skip
        registry.provide(
            self.world.blocks(client_news=about, witnesses=list(self.witnesses))
            | self.witnesses
            | {
                "memory-client-mail/client-mail": self.mail,
                "git-status-page/status-page": self.page,
                "agency-client/shop": shop,
                "agency-client/harbour": other,
            }
        )
        try:
            yield
        finally:
            registry.provide({})

    def send(self, **more: object) -> dict[str, object]:
        """Send as an operator does who read the drafts and quotes their digest."""
        ask_here.append(lambda digest, _: (digest, "Anne"))
        try:
            return client_news("web1", INCIDENT, **more)  # type: ignore[arg-type]
        finally:
            ask_here.pop()

    def states(self, phase: str) -> list[Sending]:
        box = ClientMessages(self.world.repository.state(), INCIDENT)
        return [box.state(phase, address) for address in (SHOP, SECOND, BROCHURE)]

    def told(self) -> list[tuple[str, str]]:
        return [(each.recipient, each.id.split(".")[1]) for each in self.mail.taken]

    def problems(self) -> list[str]:
        """Return what the team was told of steps that failed."""
        replies = [r for thread in self.world.notifier.threads for r in thread.replies]
        return [each.text + each.body for each in replies if each.failed]


@pytest.fixture
def told(world: World, tmp_path: Path) -> Iterator[Told]:
    made = Told(world, tmp_path)
    with made.provided():
        world.back_up()
        world.lose()
        yield made


def test_a_recovery_drafts_and_sends_nothing_by_itself(told: Told) -> None:
    told.world.recover()
    assert told.told() == []
    drafts = [key for key in told.world.repository.state().held if "/messages/drafts/" in key]  # type: ignore[attr-defined]
    assert sorted(key.split("/drafts/")[1] for key in drafts) == [
        f"{phase}/{client}.json"
        for phase in ("back", "detected", "recovering")
        for client in ("harbour", "shop")
    ]
    assert told.page.read() == ()


def test_an_operator_closes_it_from_the_terminal_by_the_incident_alone(told: Told) -> None:
    told.world.recover()
    case = clients._case(INCIDENT)
    assert case.estate.name == "web1"
    with case.step(CLOSED_BY_HAND) as note:
        note.why = "Tout est revenu."
    told.send()
    assert {phase for _, phase in told.told()} == {"closed"}
    assert "Tout est revenu." in told.mail.taken[0].body
    with pytest.raises(NotFound, match="no server's journal has its plan"):
        clients._case("inc-other")


def test_each_recipient_gets_one_message_a_phase_however_often_it_runs(told: Told) -> None:
    told.world.recover()
    assert told.send()["sent"] == 3
    assert told.told() == [(SHOP, "back"), (SECOND, "back"), (BROCHURE, "back")]
    told.send()
    assert len(told.mail.taken) == 3
    told.world.recover()
    assert len(told.mail.taken) == 3
    french, _, english = told.mail.taken
    assert french.subject == "Votre site est de nouveau en ligne"
    assert "  - La boutique\n" in french.body
    assert "01 23 45 67 89" in french.body
    assert english.subject == "Your website is back online"
    (incident,) = told.page.read()
    assert [each.heading for each in incident.paragraphs] == ["De nouveau en ligne"]
    assert incident.affected == ("La boutique", "La vitrine")
    assert not incident.resolved


def test_the_incident_closes_when_the_new_server_is_backed_up(told: Told) -> None:
    told.world.recover()
    told.send()
    (made,) = told.world.machines()
    key = told.world.shown_key(made)
    told.world.server = told.world.server.at(made.address, key)  # type: ignore[assignment]
    with told.provided():
        backup("web1")
        told.send()
        assert told.told()[3:] == [(SHOP, "closed"), (SECOND, "closed"), (BROCHURE, "closed")]
        assert "Le nouveau serveur est sauvegardé" in told.mail.taken[3].body
        (incident,) = told.page.read()
        assert incident.resolved
        assert incident.resolved_at is not None


def test_only_the_first_message_goes_by_itself_and_only_where_policy_says_so(told: Told) -> None:
    told.first = FirstMessage.AUTOMATIC
    with told.provided():
        told.world.recover()
    assert told.told() == [(SHOP, "detected"), (SECOND, "detected")]
    assert "connaît un incident" in told.mail.taken[0].body


def test_a_server_that_still_serves_makes_no_client_afraid(told: Told) -> None:
    told.world.server.machine.up = True
    told.first = FirstMessage.AUTOMATIC
    with told.provided():
        told.world.recover()
    assert told.told() == []
    assert told.states("detected")[0] is Sending.OPEN


def test_a_relay_that_is_gone_does_not_stop_the_recovery_and_is_told(told: Told) -> None:
    told.first = FirstMessage.AUTOMATIC
    told.mail.fail_always(GONE)
    with told.provided():
        report = told.world.recover()
        assert report["verdict"] == "recovered"
        assert any("Clients : incident constaté" in each for each in told.problems())
        with pytest.raises(ProviderError, match="did not answer"):
            told.send()
        assert told.states("back") == [Sending.OPEN] * 3
        told.mail.fail_always(None)
        told.send()
    assert told.states("back") == [Sending.SENT] * 3


def test_a_text_that_cannot_be_filled_in_does_not_stop_the_recovery(told: Told) -> None:
    told.templates = {"detected": "Objet\nBonjour {{ nobody }}"}
    with told.provided():
        assert told.world.recover()["verdict"] == "recovered"
    assert any("nobody" in each for each in told.problems())


def test_a_status_page_that_is_gone_keeps_no_mail_back(told: Told) -> None:
    told.world.recover()
    told.page = GitStatusPage(remote="file:///nowhere.git")
    with told.provided(), pytest.raises(ProviderError, match="page d'état"):
        told.send()
    assert told.states("back") == [Sending.SENT] * 3


def test_killed_between_claim_and_proof_it_is_never_sent_again_by_itself(told: Told) -> None:
    told.world.recover()
    told.mail.then(Killed())
    with pytest.raises(Killed):
        told.send()
    assert told.states("back") == [Sending.CLAIMED, Sending.OPEN, Sending.OPEN]
    told.mail.then(None)
    with pytest.raises(ProviderError, match="incertain"):
        told.send()
    assert told.told() == [(SHOP, "back"), (SECOND, "back"), (BROCHURE, "back")]
    assert told.states("back") == [Sending.CLAIMED, Sending.SENT, Sending.SENT]


def test_an_operator_decides_on_what_is_uncertain(told: Told) -> None:
    told.world.recover()
    told.mail.fail_always(DeliveryUnknown("relay", "did not answer", "look at its log"))
    with pytest.raises(ProviderError, match="incertain"):
        told.send()
    told.mail.fail_always(None)
    told.send(uncertain=Uncertain.DELIVERED)
    assert told.mail.taken == ()
    assert told.states("back") == [Sending.SENT] * 3


def test_sent_again_on_demand_it_has_the_same_message_id(told: Told) -> None:
    told.world.recover()
    told.mail.then(Killed())
    with pytest.raises(Killed):
        told.send()
    told.mail.then(None)
    told.send(uncertain=Uncertain.AGAIN)
    first, again = (each.id for each in told.mail.taken if each.recipient == SHOP)
    assert first == again
    assert told.states("back") == [Sending.SENT] * 3


def test_one_bad_recipient_keeps_nobody_from_knowing(told: Told) -> None:
    told.world.recover()
    told.mail.refuse(SHOP)
    with pytest.raises(ProviderError, match=r"shop : pas envoyé .*550"):
        told.send()
    assert told.told() == [(SECOND, "back"), (BROCHURE, "back")]
    assert told.states("back")[0] is Sending.OPEN


def test_nothing_goes_without_the_digest_of_what_was_read(told: Told) -> None:
    told.world.recover()
    ask_here.append(lambda *_: ("another", "Anne"))
    try:
        with pytest.raises(ApprovalMismatch, match="quotes another"):
            client_news("web1", INCIDENT)
    finally:
        ask_here.pop()
    assert told.told() == []
