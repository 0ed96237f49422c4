"""Decide which left-over drill machines are destroyed, and which machines nobody can explain."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.types import Machine

FORGOTTEN = timedelta(days=7)
"""Since an incident's last word: by then the estate names the machine, or nobody needs it."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A machine of ours that is no drill's and that nothing explains. Never destroyed by itself."""

    machine: Machine
    why: str


def machines_to_sweep(
    machines: Sequence[Machine], live_incidents: Collection[str], now: datetime
) -> tuple[Machine, ...]:
    """Return drill machines that no living run holds, or whose time is over.

    Only machines that say themselves that they are ours and a drill's are ever returned.
    """
    return tuple(
        machine
        for machine in machines
        if is_drill(machine)
        and (
            machine.tags.get("incident") not in live_incidents
            or (machine.expires_at is not None and machine.expires_at <= now)
        )
    )


def is_drill(machine: Machine) -> bool:
    """Return whether a machine says itself that it is ours and a drill's."""
    tags = machine.tags
    return (tags.get("managed-by"), tags.get("purpose")) == ("continuity", "drill")


def strange_machines(
    machines: Sequence[Machine],
    last_words: Mapping[str, datetime],
    in_service: Collection[str],
    now: datetime,
) -> tuple[Stranger, ...]:
    """Return our machines, drills' left out, that should not exist any more.

    Args:
        machines: All machines with our tags at one provider.
        last_words: When each known incident was last heard of, by its id.
        in_service: Addresses of the servers that the estate protects.
        now: The time.
    """
    found = []
    for machine in machines:
        if machine.tags.get("managed-by") != "continuity" or is_drill(machine):
            continue
        why = _strange(machine, last_words, in_service, now)
        if why:
            found.append(Stranger(machine, why))
    return tuple(found)


def _strange(
    machine: Machine,
    last_words: Mapping[str, datetime],
    in_service: Collection[str],
    now: datetime,
) -> str:
    incident = machine.tags.get("incident", "")
    if machine.address in in_service:
        return ""
    if incident not in last_words:
        return f"aucun journal ne connaît l'incident {incident or '(sans nom)'}"
    silent = now - last_words[incident]
    if silent <= FORGOTTEN:
        return ""
    return (
        f"le journal de l'incident {incident} se tait depuis {silent.days} jours, et le fichier "
        f"du parc ne nomme pas {machine.address}"
    )
