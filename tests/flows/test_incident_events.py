"""The report holds what other parts did: the alert, the request, messages to clients, the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.errors import DeliveryUnknown, ProviderError
from blocks.types.clients import FirstMessage
from flows.decisions.aftermath import CNIL_WITHIN, Aftermath
from flows.reports.post_incident import post_incident_markdown
from flows.tasks.aftermath import facts_of
from flows.tasks.incident import open_estate
from flows.watch import watch
from tests.fakes.memory_probe import MemoryProbe
from tests.flows.test_client_news import SHOP, Told
from tests.flows.world import BROCHURE, INCIDENT, OLD, World
from tests.flows.world import SHOP as SHOP_NAME


@pytest.fixture
def elsewhere(world: World) -> MemoryProbe:
    """A second vantage point of the same world."""
    probe = MemoryProbe()
    probe.resolve_from(world.inner, world.zone)
    for number in range(1, 20):
        probe.serve(f"192.0.2.{number}", SHOP_NAME, BROCHURE)
    probe.serve(OLD, SHOP_NAME, BROCHURE)
    return probe


@pytest.fixture
def told(world: World, elsewhere: MemoryProbe, tmp_path: Path) -> Iterator[Told]:
    made = Told(world, tmp_path)
    made.first = FirstMessage.AUTOMATIC
    made.witnesses = {"memory-probe/elsewhere": elsewhere}
    with made.provided():
        world.back_up()
        yield made


def lose(told: Told, elsewhere: MemoryProbe) -> None:
    told.world.lose()
    elsewhere.stop(OLD)


def look(alert: str = "") -> str:
    return watch("web1", alert=alert, confirm_seconds=0)["web1"]


def facts() -> Aftermath:
    return facts_of(open_estate("web1"), INCIDENT)


def events() -> list[str]:
    return [each.text for each in facts().timeline.marks]


def test_alert_recovery_and_messages_stand_in_the_report_in_their_order(
    told: Told, elsewhere: MemoryProbe
) -> None:
    lose(told, elsewhere)
    assert look("uptimerobot : boutique.atelier.test down") == "down"
    assert look("pingdom : vitrine.atelier.test down") == "down"
    told.world.recover()
    told.send()
    assert [look(), look()] == ["up", "up"]
    assert events() == [
        "Alerte reçue de uptimerobot : boutique.atelier.test ne répond plus",
        "Panne confirmée de 2 points de vue : « ce poste » et « elsewhere »",
        "Reprise demandée à Prefect : elle attend un accord",
        "Alerte reçue de pingdom : vitrine.atelier.test ne répond plus",
        "L'Atelier : message « incident constaté » envoyé à 2 destinataires",
        "L'Atelier : message « de nouveau en ligne » envoyé à 2 destinataires",
        "Harbour : message « de nouveau en ligne » envoyé à 1 destinataire",
        "Page d'état : « de nouveau en ligne »",
        "Le serveur répond de nouveau : alerte close",
    ]
    found = facts()
    marks = found.timeline.marks
    assert [each.at for each in marks] == sorted(each.at for each in marks)
    assert found.breach.known_at == marks[0].at < found.records[0].started_at
    assert found.breach.notify_by == marks[0].at + CNIL_WITHIN
    page = post_incident_markdown(found)
    assert "\n1. " in page
    assert SHOP not in page, "the report is shown to others"


def test_an_incident_without_alert_and_clients_has_no_events(world: World) -> None:
    world.back_up()
    world.lose()
    world.recover()
    found = facts()
    assert found.timeline.marks == ()
    assert found.breach.known_at == found.records[0].started_at


def test_an_alert_that_came_before_the_loss_was_proven_is_the_first_trace(
    told: Told, elsewhere: MemoryProbe
) -> None:
    lose(told, elsewhere)
    witnesses, told.witnesses = told.witnesses, {}
    with told.provided():
        assert look("uptimerobot : boutique.atelier.test down") == "unknown"
    told.witnesses = witnesses
    with told.provided():
        assert look() == "down"
        told.world.recover()
        assert events()[0].startswith("Alerte reçue de uptimerobot")
        assert facts().breach.known_at == facts().timeline.marks[0].at


def test_an_alert_of_a_server_that_answers_is_no_trace_of_a_later_loss(
    told: Told, elsewhere: MemoryProbe
) -> None:
    told.world.probe.break_page(f"https://{SHOP_NAME}/", "HTTP 500", OLD)
    elsewhere.break_page(f"https://{SHOP_NAME}/", "HTTP 500", OLD)
    look("uptimerobot : boutique.atelier.test down")
    lose(told, elsewhere)
    look()
    told.world.recover()
    assert events()[0].startswith("Panne confirmée")


def test_an_earlier_loss_that_ended_belongs_to_no_later_recovery(
    told: Told, elsewhere: MemoryProbe
) -> None:
    lose(told, elsewhere)
    look("uptimerobot : boutique.atelier.test down")
    for probe in (told.world.probe, elsewhere):
        probe.serve(OLD, SHOP_NAME, BROCHURE)
    assert [look(), look()] == ["up", "up"]
    told.world.recover()
    assert not [each for each in events() if "Alerte" in each or "Panne" in each]


def test_what_is_uncertain_is_said_so(told: Told, elsewhere: MemoryProbe) -> None:
    told.first = FirstMessage.ASK
    with told.provided():
        lose(told, elsewhere)
        told.world.recover()
        told.mail.fail_always(DeliveryUnknown("relay", "did not answer", "look at its log"))
        with pytest.raises(ProviderError, match="incertain"):
            told.send()
    with told.provided():
        assert "L'Atelier : message « de nouveau en ligne », 2 envois incertains" in events()
