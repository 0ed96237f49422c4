"""What a campaign looks at after a recovery, and how it puts the world back before the next."""

from __future__ import annotations

import dns.message
import dns.query
from dns.rdtypes.ANY.SOA import SOA

from deployments.lab import names
from deployments.lab.config import Lab
from deployments.lab.names_zones import ZONES
from flows.decisions.recovery_plan import RecoveryPlan
from flows.tasks.incident import Estate

_ANSWER_SECONDS = 5.0


def addresses(estate: Estate, incident: str) -> list[str]:
    """Return the addresses of all machines that carry the incident's tag."""
    tags = {"incident": incident}
    return [m.address for each in estate.providers.values() for m in each.find(tags)]


def moved(estate: Estate, plan: RecoveryPlan, address: str) -> bool:
    """Return whether every planned record leads to the address, and none to the lost server."""
    moves = {(m.zone, m.name, m.type): m for site in plan.sites for m in site.moves}
    seen = {
        (reference, record.name, record.type): record.values
        for reference, zone in estate.zones.items()
        for record in zone.read()
    }
    right = all(
        seen.get(key, ()) == move.change(plan.lost_address, address).new
        for key, move in moves.items()
    )
    return bool(moves) and right and not any(plan.lost_address in each for each in seen.values())


def serials(lab: Lab) -> tuple[int, ...]:
    """Return the serial number of each zone, which the server raises with every change."""
    return tuple(_serial(lab, zone) for zone in ZONES)


def reset(lab: Lab, estate: Estate) -> None:
    """Destroy every machine of a recovery and put the zones back."""
    for provider in estate.providers.values():
        for machine in provider.find({"managed-by": "continuity"}):
            provider.destroy(machine.id)
    names.reset(lab)


def _serial(lab: Lab, zone: str) -> int:
    answer = dns.query.udp(dns.message.make_query(zone, "SOA"), lab.names, timeout=_ANSWER_SECONDS)
    found = answer.answer[0][0]
    assert isinstance(found, SOA)  # noqa: S101 - it was asked for
    return int(found.serial)
