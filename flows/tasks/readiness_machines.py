"""Look at the machines of a recovery: the lost one's clock, and what would take its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from flows.decisions.database_way import SERIES, restore_way
from flows.decisions.machine_needs import needs_for
from flows.decisions.readiness import Check, judge_clock, judge_target
from flows.decisions.readiness_access import judge_account
from flows.decisions.readiness_machines import RoomView, judge_php, judge_room
from flows.decisions.recovery_plan import TargetChoice
from flows.tasks.harmless import room_at
from flows.tasks.incident import Estate, now
from flows.tasks.look import targets_of
from flows.tasks.readiness_scene import Looks, Scene


def machines(scene: Scene) -> Looks:
    """Return the looks at the server's clock, at providers, sizes, stock and PHP."""
    estate, targets = scene.estate, targets_of(scene.estate)
    return [
        ("horloge", partial(_clock, estate)),
        *((f"compte {name}", partial(_account, estate, name)) for name in estate.providers),
        ("stock", lambda: [judge_room([_room(estate, each) for each in targets], scene.newest)]),
        *((f"machine {each.provider}", partial(_target, scene, each)) for each in targets),
        *((f"PHP {each.provider}", partial(_php, scene, each)) for each in targets),
    ]


def _clock(estate: Estate) -> Sequence[Check]:
    before = now()
    there = estate.server.facts().clock
    return (judge_clock(there, before, now()),)


def _account(estate: Estate, name: str) -> Sequence[Check]:
    return (judge_account(name, [each.name for each in estate.providers[name].find({})]),)


def _room(estate: Estate, target: TargetChoice) -> RoomView:
    return room_at(estate.providers[target.provider], target)


def _target(scene: Scene, target: TargetChoice) -> Sequence[Check]:
    provider = scene.estate.providers[target.provider]
    made, _ = scene.required()
    tried = provider.candidates(target.size, target.region, needs_for(target.needs, made))
    way = restore_way(made.database_facts, SERIES.get(target.release, ""))
    return (judge_target(target, provider.sizes(target.region), tried, made, way),)


def _php(scene: Scene, target: TargetChoice) -> Sequence[Check]:
    made, _ = scene.required()
    return (judge_php(target, made),)
