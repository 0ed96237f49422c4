"""Flexible IP addresses of Scaleway: which belong to one machine, and which may be moved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from blocks.types import FloatingAddress
from blocks.vps.labels import OURS

if TYPE_CHECKING:
    from blocks.vps.scaleway_client import Scaleway


def own(addresses: Iterable[Any]) -> list[Any]:
    """Return those of a machine's addresses that were made with it: they carry our tags."""
    return [each for each in addresses if _is_own(each.tags)]


def floating(api: Scaleway, zone: str, project: str) -> list[FloatingAddress]:
    """Return a zone's flexible IPv4 addresses that were not made for one machine of ours."""
    return [
        FloatingAddress(
            id=str(each.id),
            address=str(each.address),
            region=zone,
            holder=str(each.server.id) if each.server else "",
        )
        for each in api.instance.list_ips_all(zone=zone, project=project)
        if each.address and not _is_own(each.tags)
    ]


def _is_own(tags: Iterable[str]) -> bool:
    return "=".join(OURS) in tags
