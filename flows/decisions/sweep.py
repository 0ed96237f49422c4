"""Decide which left-over drill machines are destroyed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from blocks.types import Machine


def machines_to_sweep(
    machines: Sequence[Machine], live_incidents: Collection[str], now: datetime
) -> tuple[Machine, ...]:
    """Return drill machines that no living run holds, or whose time is over.

    Only machines that say themselves that they are ours and a drill's are ever returned.
    """
    return tuple(
        machine
        for machine in machines
        if machine.tags.get("managed-by") == "continuity"
        and machine.tags.get("purpose") == "drill"
        and (
            machine.tags.get("incident") not in live_incidents
            or (machine.expires_at is not None and machine.expires_at <= now)
        )
    )
