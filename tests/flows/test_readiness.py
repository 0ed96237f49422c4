"""Readiness over memory blocks: ready only after backup, proof and drill; red for what breaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.errors import AuthenticationFailed, Unreachable, VerificationFailed
from deployments.cli.progress import shown
from flows.drill import drill
from flows.readiness import readiness
from flows.tasks.incident import open_estate
from flows.tasks.readiness_looks import last_drill, look_at_readiness, readiness_of
from tests.flows.world import OLD, SHOP, World


def checks() -> dict[str, str]:
    """Return the state of each check by its name, with its site if it is of one."""
    found = look_at_readiness(open_estate("web1"))
    return {f"{each.about} {each.site}".strip(): str(each.state) for each in found}


def test_without_a_set_nobody_is_ready_and_people_are_told(world: World) -> None:
    with pytest.raises(VerificationFailed, match="aucun jeu utilisable"):
        readiness("web1")
    assert any("Contrôle avant sinistre" in each.notice.text for each in world.notifier.threads)


def test_a_drill_and_a_set_make_those_checks_green(world: World) -> None:
    assert last_drill(open_estate("web1")) is None
    world.back_up()
    assert checks()["exercice"] == "failed"
    drill("web1")
    found = checks()
    assert found["annonces memory-notifier/team"] == found["certificat shop"] == "ready"
    assert found["dernier jeu"] == found["exercice"] == found["horloge"] == "ready"
    assert found["pages shop"] == found[f"DNS {SHOP} shop"] == "ready"
    world.lose()
    world.recover()
    assert last_drill(open_estate("web1")) is not None


def test_what_breaks_is_red_and_hides_nothing_else(world: World) -> None:
    world.back_up()
    before = checks()
    world.probe.stop(OLD)
    world.zone.close(AuthenticationFailed("zone atelier", "the key is refused", "renew it"))
    world.inner.put(SHOP, "A", ["192.0.2.77"], ttl=7200)
    world.server.fail_next("facts", Unreachable("server web1", "does not answer", "look"))
    world.notifier.fail_always(AuthenticationFailed("Slack", "token revoked", "take a new one"))
    world.provider.fail_next("find", AuthenticationFailed("vps", "the token ended", "renew it"))
    after = checks()
    changed = {name: state for name, state in after.items() if before.get(name) != state}
    assert changed == {
        "pages shop": "failed",
        "pages brochure": "failed",
        f"DNS {SHOP} shop": "failed",
        "durée DNS shop": "warning",
        "DNS vitrine.atelier.test brochure": "unknown",
        "durée DNS brochure": "unknown",
        "certificat shop": "unknown",
        "certificat brochure": "unknown",
        "autres noms": "unknown",
        "courrier (MX)": "unknown",
        "expéditeurs (SPF)": "unknown",
        "clé DNS memory-zone/atelier": "failed",
        "annonces memory-notifier/team": "failed",
        "horloge": "unknown",
        "compte memory-vps/first": "failed",
    }


def test_without_prefect_the_yes_is_asked_for_at_the_terminal(world: World) -> None:
    """A configured server that burned must not be asked when everything comes from the estate."""
    with temporary_settings({PREFECT_API_URL: None}):
        found = look_at_readiness(open_estate("web1"))
    (check,) = [each for each in found if each.about == "accord"]
    assert check.seen == "demandé au terminal, sans Prefect"


def test_a_prefect_that_does_not_answer_is_unknown(world: World) -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert checks()["accord"] == "unknown"


def test_json_for_a_script_has_no_line_of_progress_before_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for quiet, printed in ((True, False), (False, True)):
        with shown(quiet=quiet):
            readiness_of.fn(open_estate("web1"), subject="web1")
        assert bool(capsys.readouterr().out) is printed


def test_a_certificate_that_nobody_renewed_is_red(world: World) -> None:
    world.back_up()
    world.probe.certify(SHOP, datetime.now(UTC) + timedelta(days=3))
    found = checks()
    assert (found["certificat shop"], found["certificat brochure"]) == ("failed", "ready")
