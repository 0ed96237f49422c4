"""Additional IP addresses in a project of OVH Public Cloud.

Shapes: `cloud.ip.FailoverIp` (`id`, `ip`, `continentCode`, `routedTo`: an instance's id) and
`cloud.Region` (`continentCode`) in the vendor's TypeScript types. A refusal of an address that is
bound to another region than the instance's was not recorded: it is then OVH's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blocks.types import FloatingAddress, Machine

if TYPE_CHECKING:
    from blocks.vps.ovh_client import OvhClient

CALLS = (
    ("GET", "/cloud/project/{project}/ip/failover"),
    ("GET", "/cloud/project/{project}/region/*"),
    ("POST", "/cloud/project/{project}/ip/failover/*/attach"),
)
"""Rules that a consumer key needs besides, where a server has a floating address."""


def addresses(api: OvhClient) -> tuple[FloatingAddress, ...]:
    """Return the project's additional IPv4 addresses; their region is a continent."""
    return tuple(
        FloatingAddress(
            id=str(each["id"]),
            address=str(each["ip"]),
            region=str(each.get("continentCode") or ""),
            holder=str(each.get("routedTo") or ""),
        )
        for each in api.get(f"{api.root}/ip/failover")
        if ":" not in str(each["ip"])
    )


def continent(api: OvhClient, machine: Machine) -> str:
    """Return the continent of the region where a machine is."""
    return str(api.get(f"{api.root}/region/{machine.region}")["continentCode"])


def attach(api: OvhClient, address: FloatingAddress, machine: Machine) -> None:
    """Ask for the address to be routed to the machine."""
    api.post(f"{api.root}/ip/failover/{address.id}/attach", instanceId=machine.id)
