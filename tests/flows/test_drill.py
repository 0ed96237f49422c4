"""The drill over memory blocks: isolated, without DNS, always destroyed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from blocks import registry
from blocks.errors import CommandFailed, ContinuityError, OverCeiling, VerificationFailed
from blocks.records import StepRecord, StepState
from blocks.repositories.journal import Journal, incidents
from blocks.servers.protected import DrillLimits
from flows.decisions.recovery_plan import RecoveryPlan
from flows.drill import drill
from flows.reports.any_plan import read_plan
from flows.reports.plan_text import plan_markdown
from flows.tasks.incident import listeners, now
from tests.flows.world import World, kill_a_drill


def test_a_drill_is_green_and_leaves_nothing(world: World) -> None:
    world.back_up()
    report = drill("web1")
    assert report["verdict"] == "recovered"
    assert report["purpose"] == "drill"
    assert world.machines() == ()
    assert world.zone.applied == ()
    assert not world.server.machine.fenced


def test_the_machine_is_isolated_before_anything_is_restored(world: World) -> None:
    world.back_up()
    drill("web1")
    (incident,) = incidents(world.repository.state())
    steps = [r.step for r in Journal(world.repository.state(), incident).records() if r.ended_at]
    assert steps.index("isolate") < steps.index("packages")
    assert "cron" not in steps


def test_a_failed_drill_destroys_its_machine_too(world: World) -> None:
    world.back_up()
    world.repository.fail_next("restore_paths", CommandFailed("restic", "ended with 1", "look"))
    with pytest.raises(VerificationFailed):
        drill("web1")
    assert world.machines() == ()


def test_what_a_killed_drill_left_is_swept_by_the_next(world: World) -> None:
    world.back_up()
    kill_a_drill()
    (left,) = world.machines()
    del world.server.world.machines[left.address]  # the next machine gets this address again
    assert drill("web1")["verdict"] == "recovered"
    assert world.machines() == ()


def limited(world: World, **limits: object) -> None:
    registry.provide(world.blocks(drill=DrillLimits.model_validate(limits)))


def test_a_drill_over_its_ceiling_stops_before_it_spends(world: World) -> None:
    world.back_up()
    limited(world, ceiling="0.49", egress_gb=0)  # 4 h and the next sweep, at 0.10 an hour
    with pytest.raises(OverCeiling, match=r"0\.49 EUR at most.*up to 0\.50 EUR.*nothing was made"):
        drill("web1")
    assert world.provider.calls == world.reserve.calls == ()
    (incident,) = incidents(world.repository.state())
    steps = {r.step for r in Journal(world.repository.state(), incident).records()}
    assert not steps & {"plan", "lease", "machine"}


def test_a_drill_of_unknown_cost_is_refused_under_a_ceiling_and_says_what_to_do(
    world: World,
) -> None:
    world.back_up()
    world.provider.hour = world.reserve.hour = None
    limited(world, ceiling=5, egress_gb=0)
    with pytest.raises(OverCeiling, match=r"prix de la machine inconnu.*offer"):
        drill("web1")
    assert world.provider.calls == ()
    limited(world)
    assert drill("web1")["verdict"] == "recovered", "without a ceiling nothing is refused"


def test_a_target_over_the_ceiling_is_left_out_for_one_that_is_not(world: World) -> None:
    world.back_up()
    world.provider.hour = Decimal(3)
    limited(world, ceiling="0.50", egress_gb=0)
    report = drill("web1")
    assert report["verdict"] == "recovered"
    assert world.provider.calls == ()
    assert world.reserve.calls[0][0] == "create"
    (incident,) = incidents(world.repository.state())
    plan = read_plan(Journal(world.repository.state(), incident).document("plan.json") or {})
    assert isinstance(plan, RecoveryPlan)
    page = plan_markdown(plan, now())
    assert "| Coût de l'exercice | au plus 0,50 € hors taxes (plafond 0,50 €)" in page
    assert "memory-vps/first écarté : au plus 15 €" in page


def test_a_drill_past_its_hours_begins_nothing_more_and_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.back_up()
    later = now() + timedelta(hours=5)

    def listen(record: StepRecord) -> None:
        if (record.step, record.state) == ("accounts", StepState.DONE):
            monkeypatch.setattr("flows.tasks.drill_limits.now", lambda: later)

    listeners.append(listen)
    try:
        with pytest.raises(ContinuityError, match="not done after 4 h"):
            drill("web1")
    finally:
        listeners.remove(listen)
    assert world.machines() == ()
