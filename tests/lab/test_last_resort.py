"""Prefect is lost, and the old server still answers: a recovery from the estate file alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deployments.lab import control, production
from deployments.lab import lab as whole
from deployments.lab.config import Lab
from tests.lab import estate as place
from tests.lab.estate import SERVER, estate, journal, made_machines
from tests.lab.story import Story, back_up

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

INCIDENT = "last-resort-1"
_SOON = timedelta(seconds=3)


@pytest.fixture(scope="module")
def alive(here: Lab, story: Story) -> None:
    """Web1 serves its visitors, has recovery sets, and no recovery's machine is left."""
    place.forget_recoveries()
    whole.up(here, lambda _: None)
    assert production.connect(here).answers(443, timeout=_SOON)
    # It is another machine than the one that the sets before it are of.
    back_up()


@pytest.fixture(scope="module")
def run(here: Lab, alive: None) -> str:
    """What `recover --local` said, without any address of a Prefect server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in control.environment(here):
            patch.delenv(name, raising=False)
        words = ("recover", SERVER, "--incident", INCIDENT, "--local")
        words += ("--estate", str(control.estate_path(here)))
        status, said = place.ended(place.command(*words))
        assert status == 4, said
        quoted = ("--approve", place.digest(INCIDENT), "--operator", "Camille")
        status, said = place.ended(place.command(*words, *quoted))
        assert status == 0, said
    return said


def test_it_needs_no_prefect_server(run: str) -> None:
    report = place.report(INCIDENT)
    assert report["verdict"] == "recovered"
    assert report["approved_by"] == "Camille"


def test_the_living_server_was_fenced_before_anything_else(run: str) -> None:
    steps = [record.step for record in journal(INCIDENT).records() if record.ended_at]
    assert steps.index("fence") < steps.index("machine")
    old = estate().server
    assert not old.answers(443, timeout=_SOON)
    assert not old.answers(80, timeout=_SOON)


def test_its_services_are_masked_also_across_a_restart(run: str) -> None:
    done = estate().server.run(
        ("systemctl", "is-enabled", "nginx", "mariadb"), timeout=_SOON * 5, accept=(0, 1)
    )
    assert done.stdout.split() == [b"masked", b"masked"]


def test_visitors_are_on_the_new_machine(run: str) -> None:
    (machine,) = made_machines()
    assert place.addresses()["boutique.atelier.test"] == (machine.address,)
