"""A drill follows the links of each site's first page and looks at its login page."""

from __future__ import annotations

import pytest

from blocks.errors import VerificationFailed
from blocks.repositories.journal import Journal, incidents
from blocks.sites.site import LoginPage
from flows.drill import drill
from tests.flows.world import OLD, SHOP, World

FIRST, STYLE, LOGIN = (
    f"https://{SHOP}/",
    f"https://{SHOP}/style.css",
    f"https://{SHOP}/wp-login.php",
)
NEW = "192.0.2.1"
FORM = '<form><input name="log"><input type="password" name="pwd"></form>'


@pytest.fixture(autouse=True)
def _shop(world: World) -> None:
    world.back_up()
    world.probe.write(FIRST, '<link rel="stylesheet" href="/style.css"><a href="/panier">x</a>')


def seen(world: World, step: str) -> str:
    store = world.repository.state()
    (incident,) = incidents(store)
    return [r.saw for r in Journal(store, incident).records() if r.step == step and r.ended_at][-1]


def test_links_and_login_are_looked_at(world: World) -> None:
    world.shop.login = LoginPage(url=LOGIN)
    world.probe.write(LOGIN, FORM)
    assert drill("web1")["verdict"] == "recovered"
    assert seen(world, "links-shop") == (
        "2 liens et fichiers suivis ; la page de connexion demande un mot de passe"
    )


def test_a_file_that_is_missing_on_the_new_machine_alone_keeps_the_site_from_being_proven(
    world: World,
) -> None:
    world.probe.lose(STYLE, NEW)
    with pytest.raises(VerificationFailed, match=r"shop .*style\.css : HTTP 404"):
        drill("web1")
    assert world.machines() == ()


def test_what_is_broken_in_production_too_is_noted_and_not_counted(world: World) -> None:
    for address in (NEW, OLD):
        world.probe.lose(STYLE, address)
    assert drill("web1")["verdict"] == "recovered"
    assert f"déjà en erreur en production : {STYLE}" in seen(world, "links-shop")


def test_without_production_to_compare_with_a_person_must_look(world: World) -> None:
    world.probe.lose(STYLE, NEW)
    world.probe.stop(OLD)
    report = drill("web1")
    assert report["verdict"] == "recovered"
    assert "shop : en erreur, et la production ne répond pas" in str(report["to_check"])


def test_a_login_page_without_a_password_field_is_red(world: World) -> None:
    world.shop.login = LoginPage(url=LOGIN)
    world.probe.write(LOGIN, "<p>Maintenance</p>")
    with pytest.raises(VerificationFailed, match="has no form that asks for a password"):
        drill("web1")
