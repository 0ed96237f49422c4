"""A server whose address its provider leads to the new machine: names change only if it must."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from blocks import registry
from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ContinuityError,
    OutOfStock,
    PermissionDenied,
    UnsafePlan,
    VerificationFailed,
)
from blocks.records import StepRecord, StepState
from blocks.repositories.journal import Journal
from blocks.servers.protected import Floating
from flows.drill import drill
from flows.tasks.floating import leads_to
from flows.tasks.incident import open_estate
from tests.fakes.memory_machine import MemoryMachine
from tests.flows.world import BROCHURE, INCIDENT, OLD, SHOP, World, killed_after

FIRST = Floating(provider="memory-vps/first")
STEPS = ["data", "address", "visitors-shop", "cron"]
"""Those around the move; `test_recovery` has all."""
REFUSED = PermissionDenied("address", "the token may not", "make one that may")


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.provider.give_address(OLD)
    made.provider.when_moved(lambda address, there: route(made, address, there))
    with made.provided():
        registry.provide(made.blocks(floating=FIRST))
        made.back_up()
        made.lose()
        yield made


def route(world: World, address: str, there: str) -> None:
    """Let the network lead to the machine, as its provider said; the pages are those of it."""
    world.server.world.led[address] = there
    world.probe.serve(address, SHOP, BROCHURE)


def new_machine(world: World) -> MemoryMachine:
    (made,) = world.machines()
    return world.server.at(made.address, made.host_key).machine


def moves(world: World) -> int:
    return sum(method == "move_address" for method, _ in world.provider.calls)


def records(world: World) -> dict[str, StepRecord]:
    """Return the newest record of each step."""
    return {each.step: each for each in Journal(world.repository.state(), INCIDENT).records()}


def test_all_sites_come_by_the_address_and_no_name_changes(world: World) -> None:
    report = world.recover()
    assert report["verdict"] == "recovered"
    assert world.zone.applied == world.inner.applied == ()
    assert world.address_of(SHOP) == world.address_of(BROCHURE) == (OLD,)
    (made,) = world.machines()
    assert world.provider.address_holder(OLD) == made.id
    assert new_machine(world).taken == {OLD}
    seen = records(world)
    assert seen["address"].state is StepState.DONE
    assert f"{OLD} mène à {made.name}" in seen["address"].did
    for site in ("shop", "brochure"):
        assert (seen[f"dns-{site}"].state, seen[f"visitors-{site}"].state) == (
            StepState.SKIPPED,
            StepState.DONE,
        )
        assert OLD in seen[f"dns-{site}"].why
    order = [each.step for each in Journal(world.repository.state(), INCIDENT).records()]
    assert order.index("fence") < order.index("smoke-shop") < order.index("address")
    assert order.index("data") < order.index("address") < order.index("visitors-shop")
    assert leads_to(open_estate("web1"), made) == OLD
    first, *_, back = report["to_do"]  # type: ignore[misc]
    assert "estate adopt web1" in first
    assert "host_key" in first
    assert "`address:" not in first
    assert f"{OLD} mène à la nouvelle machine" in back


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_and_started_again_it_ends_well(world: World, step: str) -> None:
    with killed_after(step), pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        world.recover()
    assert world.recover()["verdict"] == "recovered"
    assert moves(world) == len(world.machines()) == 1
    assert world.zone.applied == world.inner.applied == ()
    assert not new_machine(world).fenced, "who answers at the address is not the lost server"


def test_killed_between_the_move_and_the_machine_that_takes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("tests.fakes.memory_server.MemoryServer.take_address", die)
        with pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
            world.recover()
    assert moves(world) == 1
    assert world.recover()["verdict"] == "recovered"
    assert moves(world) == 1
    assert new_machine(world).taken == {OLD}


def test_a_living_old_server_is_fenced_before_its_address_moves(world: World) -> None:
    old = world.server.machine
    old.up = True
    world.probe.serve(OLD, SHOP, BROCHURE)
    assert world.recover()["verdict"] == "recovered"
    assert old.fenced
    assert not new_machine(world).fenced


def test_the_lost_servers_ipv6_address_goes_all_the_same(world: World) -> None:
    world.inner.put(SHOP, "AAAA", ["2001:db8::10"], ttl=1)
    assert world.recover()["verdict"] == "recovered"
    assert [each.type for call in world.inner.applied for each in call] == ["AAAA"]
    assert world.address_of(SHOP) == (OLD,)


def test_a_zone_that_cannot_be_read_keeps_nobody_away(world: World) -> None:
    world.inner.close(AuthenticationFailed("zone", "the key is refused", "check it"))
    assert world.recover()["verdict"] == "recovered"


def test_a_machine_at_another_provider_is_reached_by_dns(world: World) -> None:
    world.provider.fail_next("create", OutOfStock("first", "sold out", "take another"))
    assert world.recover()["verdict"] == "recovered"
    assert world.address_of(SHOP) == (world.machines()[0].address,)
    assert moves(world) == 0
    address = records(world)["address"]
    assert address.state is StepState.SKIPPED
    assert "memory-vps/second" in address.why


def test_a_refused_move_falls_back_to_dns_is_told_and_tried_again(world: World) -> None:
    world.provider.fail_next("move_address", REFUSED)
    report = world.recover()
    (made,) = world.machines()
    assert report["verdict"] == "recovered"
    assert world.address_of(SHOP) == world.address_of(BROCHURE) == (made.address,)
    (told,) = report["to_check"]  # type: ignore[misc]
    assert OLD in told
    assert REFUSED.cause in told
    assert new_machine(world).taken == set()
    assert records(world)["address"].state is StepState.FAILED
    again = world.recover()
    assert (again["verdict"], again["to_check"]) == ("recovered", [])
    assert world.provider.address_holder(OLD) == made.id


def test_a_move_that_nobody_sees_from_outside_falls_back_to_dns(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider says that it leads there; the old machine, fenced, still answers."""
    monkeypatch.setattr("flows.tasks.floating.ANSWERS_WITHIN", timedelta(milliseconds=50))
    world.provider.when_moved(lambda *_: None)
    world.server.machine.up = True
    report = world.recover()
    assert report["verdict"] == "recovered"
    assert world.address_of(SHOP) == (world.machines()[0].address,)
    assert "shows another key" in str(report["to_check"])
    assert leads_to(open_estate("web1"), world.machines()[0]) == "", "its names lead elsewhere"


@pytest.mark.parametrize("broken", [SHOP, BROCHURE])
def test_a_site_that_fails_keeps_nobody_else_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr("flows.tasks.sites.WARM_UP", timedelta(milliseconds=100))
    world.probe.break_page(f"https://{broken}/", "HTTP 502 from nginx")
    with pytest.raises(VerificationFailed, match=r"partly recovered: 1 of 2.*HTTP 502"):
        world.recover()
    assert records(world)["address"].state is StepState.DONE
    assert world.zone.applied == world.inner.applied == ()


def test_nobody_is_led_to_data_that_are_not_proven(world: World) -> None:
    error: ContinuityError = CommandFailed("web1", "mbstream died", "look")
    world.database.fail_next("restore_physical", error)
    with pytest.raises(VerificationFailed, match="partly recovered: 1 of 2"):
        world.recover()
    assert moves(world) == 0
    assert "données non prouvées" in records(world)["address"].why
    assert world.address_of(SHOP) == (OLD,)
    assert world.address_of(BROCHURE) == (world.machines()[0].address,)


def test_without_a_healthy_site_the_address_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tasks.sites.WARM_UP", timedelta(milliseconds=100))
    for host in (SHOP, BROCHURE):
        world.probe.break_page(f"https://{host}/", "HTTP 502")
    with pytest.raises(VerificationFailed):
        world.recover()
    assert moves(world) == 0
    assert "aucun site conforme" in records(world)["address"].why


def test_a_drill_leaves_the_address_alone(world: World) -> None:
    drill("web1")
    assert moves(world) == 0
    assert world.provider.address_holder(OLD) == ""


def test_an_incident_whose_machine_was_adopted_is_not_taken_up_again(world: World) -> None:
    """The address is the same before and after: only the origin tells that it is over."""
    world.recover()
    (made,) = world.machines()
    adopted = {"origin": "memory-vps/first", "origin_machine": made.id}
    registry.provide(world.blocks(floating=FIRST, **adopted))
    with pytest.raises(UnsafePlan, match="is over"):
        world.recover()
    assert not new_machine(world).fenced
    assert all(method != "power_off" for method, _ in world.provider.calls)
