"""The recovery document over memory blocks: kept in every repository, with a change record."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from blocks import registry
from blocks.agency import Agency, Person
from blocks.errors import AuthenticationFailed, DamagedData, Unreachable
from blocks.types import Duty
from flows.document import document as whole
from flows.drill import drill
from flows.tasks.pra_keep import HTML, MARKDOWN, PDF, RECORD, keep_document, write_document
from tests.flows.world import OLD, World, two_repositories
from tests.pra_leftovers import leftovers


def document() -> str:
    """Keep the document without its print, which takes seconds; return the digest."""
    return keep_document.fn().pra.versions[-1].digest


CAMILLE = Person(
    name="Camille",
    roles=list(Duty),
    phone="+33 6 00 00 00 01",
    email="camille@omniweb.example",
    order=1,
)


@pytest.fixture
def pair() -> Iterator[World]:
    with two_repositories() as made:
        yield made


def told(world: World, *people: Person) -> None:
    """Let the estate name these people."""
    agency = Agency(title="OmniWeb", people=list(people))
    registry.provide(world.blocks() | {"agency/agency": agency})


def kept(world: World, key: str) -> str:
    return world.repository.state().get(key).decode()


def versions(world: World) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(kept(world, RECORD))["versions"]
    return found


def test_it_is_kept_in_every_repository_and_says_what_a_drill_measured(pair: World) -> None:
    told(pair, CAMILLE)
    pair.back_up()
    drill("web1")
    digest = whole()
    assert pair.second.state().get(PDF).startswith(b"%PDF-")
    text = kept(pair, MARKDOWN)
    assert leftovers(text) == []
    assert f"`{digest}`" in text
    assert "exercice du " in text
    assert "| Camille |" in text
    for store in (pair.repository.state(), pair.second.state()):
        assert store.get(MARKDOWN).decode() == text
        assert digest in store.get(HTML).decode()
        assert json.loads(store.get(RECORD))["versions"][-1]["digest"] == digest


def test_one_repository_gone_keeps_it_in_the_other(pair: World) -> None:
    told(pair, CAMILLE)
    pair.back_up()
    pair.repository.destroy()
    digest = document()
    text = pair.second.state().get(MARKDOWN).decode()
    assert digest in text
    assert leftovers(text) == []


def test_a_change_of_the_estate_makes_a_version_and_nothing_else_does(world: World) -> None:
    told(world)
    document()
    world.back_up()
    document()
    assert [each["changes"] for each in versions(world)] == [["première version"]]
    told(world, CAMILLE)
    document()
    assert (
        "ajouté : personne Camille, téléphone (+33 6 00 00 00 01)" in versions(world)[-1]["changes"]
    )
    assert len(versions(world)) == 2
    assert "| 2 |" in kept(world, MARKDOWN)


def test_looking_at_it_keeps_nothing(world: World) -> None:
    told(world)
    assert "première version" in write_document().markdown
    assert world.repository.state().list("pra/") == ()


def test_it_is_made_of_a_world_that_does_not_answer(world: World) -> None:
    """What is broken says so in French, with the command that tells more."""
    told(world, CAMILLE)
    world.back_up()
    world.zone.close(AuthenticationFailed("zone atelier", "the key is refused", "renew it"))
    world.provider.fail_next("sizes", Unreachable("vps", "does not answer", "look"))
    document()
    text = kept(world, MARKDOWN)
    assert leftovers(text) == []
    assert "aucun enregistrement DNS lu pour brochure" in text


def test_without_any_storage_it_still_says_whom_to_call(world: World) -> None:
    told(world, CAMILLE)
    world.back_up()
    document()
    world.repository.destroy()
    text = write_document().markdown
    assert leftovers(text) == []
    assert CAMILLE.phone in text
    assert "le journal n'a pas pu être lu" in text
    with pytest.raises(Unreachable):
        document()


def test_the_plan_is_made_as_if_the_server_were_gone(world: World) -> None:
    told(world, CAMILLE)
    name = world.back_up()
    before = world.machines(), world.address_of("vitrine.atelier.test")
    document()
    text = kept(world, MARKDOWN)
    assert f"| Jeu de sauvegarde | `{name}` |" in text
    assert "répond encore" not in text
    assert (world.machines(), world.address_of("vitrine.atelier.test")) == before
    assert before == ((), (OLD,))


def test_a_damaged_record_is_not_written_over(world: World) -> None:
    told(world)
    world.repository.state().put(RECORD, b"{}")
    with pytest.raises(DamagedData, match=r"versions\.json"):
        document()
    assert kept(world, RECORD) == "{}"
