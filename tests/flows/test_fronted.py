"""Names that visitors reach at addresses of their DNS provider, as proxied ones at Cloudflare."""

from __future__ import annotations

from flows.retire import retire
from flows.tasks.approval import Approval
from tests.flows.test_retire import estate_names
from tests.flows.world import BROCHURE, World

EDGE = "198.18.0.1"


def test_a_recovery_ends_well_and_the_old_machine_may_go(world: World) -> None:
    world.back_up()
    world.probe.name(BROCHURE, EDGE)
    world.probe.serve(EDGE, BROCHURE)
    world.zone.front(BROCHURE)
    world.lose()
    assert world.recover()["verdict"] == "recovered"
    (first,) = world.machines()
    assert world.address_of(BROCHURE) == (first.address,)
    with estate_names(world, first.address, world.shown_key(first)):
        world.back_up_later()
        world.recover(incident="inc-second")
    (second,) = [each for each in world.machines() if each.id != first.id]
    with estate_names(world, second.address, world.shown_key(second)):
        world.back_up_later()
        retire("web1", approval=Approval.AUTOMATIC)
    assert [each.id for each in world.machines()] == [second.id]
