"""Which machines a sweep names because nothing explains them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from blocks.types import Machine, PowerState
from flows.decisions.sweep import strange_machines

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
OLD = NOON - timedelta(days=8)


def machine(incident: str, address: str = "10.0.0.1", **tags: str) -> Machine:
    told = {"managed-by": "continuity", "purpose": "recovery", "incident": incident} | tags
    return Machine("m", incident, "p", address, PowerState.ON, told, "key", OLD)


def strange(*machines: Machine) -> list[str]:
    words = {"fresh": NOON - timedelta(days=6), "old": OLD}
    found = strange_machines(machines, words, ["10.0.0.9"], NOON)
    return [each.machine.name for each in found]


def test_a_machine_of_an_unknown_or_forgotten_incident_is_named():
    assert strange(machine("fresh"), machine("old"), machine("unknown"), machine("")) == [
        "old",
        "unknown",
        "",
    ]


def test_a_machine_that_the_estate_names_is_in_service_whatever_its_incident():
    assert strange(machine("old", "10.0.0.9"), machine("unknown", "10.0.0.9")) == []


def test_drills_and_what_is_not_ours_are_none_of_them():
    drill = machine("unknown", purpose="drill")
    foreign = machine("unknown", **{"managed-by": "terraform"})
    assert strange(drill, foreign) == []
