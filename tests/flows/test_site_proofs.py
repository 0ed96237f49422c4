"""A site is proven by a drill, until the estate or the plan says something else."""

from __future__ import annotations

from blocks import registry
from blocks.servers.protected import Target
from blocks.sites.site import SmokePage
from flows.decisions.site_proof import SiteState
from flows.drill import drill
from flows.tasks.incident import open_estate
from flows.tasks.look import look_at_copies
from flows.tasks.readiness_looks import look_at_readiness
from flows.tasks.site_proofs import site_standings
from tests.flows.world import SHOP, World


def states() -> dict[str, tuple[SiteState, str]]:
    estate = open_estate("web1")
    found = site_standings(estate, look_at_copies(estate))
    return {each.site: (each.state, each.why) for each in found}


def readiness() -> dict[str, str]:
    found = look_at_readiness(open_estate("web1"))
    return {each.site: str(each.state) for each in found if each.about == "preuve du site"}


def test_an_edit_resets_a_site_until_the_next_drill(world: World) -> None:
    world.back_up()
    assert {state for state, _ in states().values()} == {SiteState.NEVER}
    assert readiness() == {"shop": "failed", "brochure": "failed"}
    drill("web1")
    assert {state for state, _ in states().values()} == {SiteState.PROVEN}
    assert readiness() == {"shop": "ready", "brochure": "ready"}

    world.shop.title = "Une autre enseigne"
    assert states()["shop"] == (SiteState.PROVEN, "")
    world.shop.smoke = [SmokePage(url=f"https://{SHOP}/panier", needs_database=True)]
    assert states()["shop"] == (SiteState.AGAIN, "changé depuis la preuve : pages")
    assert states()["brochure"] == (SiteState.PROVEN, "")
    assert readiness() == {"shop": "unknown", "brochure": "ready"}

    registry.provide(world.blocks(targets=[Target(provider="memory-vps/second")]))
    assert states()["brochure"] == (SiteState.AGAIN, "changé depuis la preuve : machines")
    drill("web1")
    assert {state for state, _ in states().values()} == {SiteState.PROVEN}
