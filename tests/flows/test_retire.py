"""Old machines go only when it is proven that the server is well without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from blocks import registry
from blocks.errors import NotFound, UnsafePlan
from flows.retire import retire
from flows.tasks.approval import Approval
from tests.flows.world import SHOP, World


def destroy() -> dict[str, object]:
    return retire("web1", approval=Approval.AUTOMATIC)


@contextmanager
def estate_names(world: World, address: str, key: str) -> Iterator[None]:
    """Let the estate name another machine, as after `estate apply`."""
    blocks = world.blocks() | {"memory-server/web1": world.server.at(address, key)}
    registry.provide(blocks)
    try:
        yield
    finally:
        registry.provide(world.blocks())


@pytest.fixture
def twice(world: World) -> Iterator[World]:
    """Web1 was lost and recovered twice: the estate names the second machine, without a set."""
    world.back_up()
    world.lose()
    world.recover()
    (first,) = world.machines()
    with estate_names(world, first.address, world.shown_key(first)):
        world.back_up_later()
        world.recover(incident="inc-second")
        (second,) = [each for each in world.machines() if each.id != first.id]
    with estate_names(world, second.address, world.shown_key(second)):
        yield world


def test_a_server_that_left_nothing_has_nothing_to_destroy(world: World) -> None:
    world.back_up()
    with pytest.raises(NotFound, match="none besides"):
        destroy()


def test_without_a_set_of_the_new_machine_nothing_goes(twice: World) -> None:
    with pytest.raises(UnsafePlan, match="continuity backup web1"):
        destroy()
    assert len(twice.machines()) == 2


def test_with_a_set_and_answering_pages_the_old_machine_goes_alone(twice: World) -> None:
    twice.back_up_later()
    first, second = sorted(twice.machines(), key=lambda each: each.created_at)
    report = destroy()
    assert report["destroyed"] == [first.id]
    assert [each.id for each in twice.machines()] == [second.id]
    with pytest.raises(NotFound):
        destroy()


def test_a_machine_that_a_name_still_leads_to_stays(twice: World) -> None:
    twice.back_up_later()
    first, _ = sorted(twice.machines(), key=lambda each: each.created_at)
    twice.zone.put("old.atelier.test", "A", [first.address], ttl=1)
    with pytest.raises(UnsafePlan, match=r"old\.atelier\.test y mène encore"):
        destroy()
    assert len(twice.machines()) == 2


def test_while_a_page_fails_nothing_goes(twice: World) -> None:
    twice.back_up_later()
    _, second = sorted(twice.machines(), key=lambda each: each.created_at)
    twice.probe.stop(second.address)
    with pytest.raises(UnsafePlan, match=SHOP):
        destroy()
    assert len(twice.machines()) == 2
