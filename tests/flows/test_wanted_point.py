"""A wanted point in time on a machine that cannot replay logs: never given up, never green."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prefect import flow

from blocks.archives.s3_archive import S3Archive
from blocks.records import StepState
from blocks.repositories.catalogue import Catalogue
from blocks.types import RecoverySet
from flows.decisions.recovery_plan import Purpose, RecoveryPlan
from flows.decisions.verdict import Outcome, Verdict
from flows.rebuild import rebuild
from flows.tasks.ending import verify
from flows.tasks.incident import Incident, Source, now, open_estate
from flows.tasks.look import observe
from flows.tasks.planning import decide
from flows.tasks.work import side_by_side
from tests.fakes.memory_machine import MemoryMachine
from tests.flows.world import BROCHURE, INCIDENT, OLD, SHOP, World

NOWHERE = S3Archive.model_validate(
    {
        "store": {
            "endpoint": "http://127.0.0.1:9",
            "bucket": "archive",
            "access_key": "worker",
            "secret_key": "secret",
            "attempts": 1,
        },
        "agent_access_key": "agent",
        "agent_secret_key": "secret",
        "identity_key": "AGE-SECRET-KEY-1",
    }
)


@pytest.fixture
def moving(world: World) -> World:
    """The world whose next machines turn out to be of Debian 13, though no provider said so."""
    offered = {"cron", "mariadb-server", "nginx"}
    world.server.world.make = lambda address: MemoryMachine(
        address, release="13", known_packages=offered
    )
    world.back_up()
    world.lose()
    return world


def incident(world: World) -> tuple[Incident, RecoverySet]:
    """An incident on a server with an archive, and its set with logs behind it."""
    estate = replace(open_estate("web1"), archive=NOWHERE)
    (made,) = Catalogue(world.repository).list("web1").sets
    assert made.position is not None
    chosen = replace(made, position=replace(made.position, identity="abcd"))
    case = Incident(INCIDENT, estate, "Reprise de web1")
    case.sources = (Source("main", world.repository, chosen),)
    return case, chosen


@flow(task_runner=side_by_side(24))
def carried_out(case: Incident, plan: RecoveryPlan, chosen: RecoverySet) -> Outcome:
    return verify(case, plan, chosen, rebuild(case, plan, chosen), now())


@flow
def planned(case: Incident) -> RecoveryPlan:
    case.estate = replace(case.estate, archive=None)
    return decide(case, observe(case), Purpose.RECOVERY, None)


@pytest.mark.parametrize("point", ["0-1-9", ""])
def test_a_machine_of_another_series_fails_the_step_only_if_a_point_is_wanted(
    moving: World, point: str
) -> None:
    case, chosen = incident(moving)
    archive = case.estate
    plan = replace(planned(case), point=point)
    case.estate, case.sources = archive, (Source("main", moving.repository, chosen),)
    outcome = carried_out(case, plan, chosen)
    replay = [each for each in case.records if each.step == "replay"][-1]
    if not point:
        assert replay.state is StepState.SKIPPED
        return
    assert replay.state is StepState.FAILED
    assert "without --at: continuity recover web1" in replay.why
    assert outcome.verdict is not Verdict.RECOVERED
    assert any("Rejeu des journaux" in each for each in outcome.problems)
    assert not next(each for each in outcome.sites if each.name == "shop").proven
    assert moving.address_of(SHOP) == (OLD,), "nobody is led to data of another moment"
    assert moving.address_of(BROCHURE) == (OLD,)
