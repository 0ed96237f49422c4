"""Which sizes of a provider's list serve a demand, in the order in which they are tried. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from blocks.types import MachineNeeds, MachineSize, Room, Stock

GB = 10**9
HOSTED_NEEDS = MachineNeeds(cores=4, memory=8 * 1024**3, disk=100 * GB)
"""What a site of the continuity study gets when nothing else is said: 4 cores, 8 GB, 100 GB."""
_MEMORY_SHARE = 0.9
"""Providers write 8 GB for anything from 7.5 GiB (DigitalOcean, AWS) to 8 GiB."""


def fitting(
    sizes: Iterable[MachineSize], wanted: str, needs: MachineNeeds
) -> tuple[MachineSize, ...]:
    """Return the sizes that serve, cheapest first, each with the disk that it would get.

    Args:
        sizes: What the provider offers.
        wanted: Its name of one size, which then may have fewer cores and less memory than needed,
            but never less disk; "" for any.
        needs: The least that a machine must have.
    """
    grown = [_with_disk(each, needs.disk) for each in sizes if wanted in ("", each.name)]
    return tuple(sorted((each for each in grown if _serves(each, wanted, needs)), key=_order))


def in_stock(sizes: Iterable[MachineSize]) -> tuple[MachineSize, ...]:
    """Return the sizes that may be had: those the list calls sold out are left out."""
    return tuple(each for each in sizes if each.stock is not Stock.SOLD_OUT)


def room_of(candidates: Sequence[MachineSize], wanted: str, there: str) -> Room:
    """Say what the list tells of the first size that would be tried (French)."""
    if not candidates:
        what = f"la taille {wanted} n'est pas proposée" if wanted else "aucune taille ne convient"
        return Room(Stock.SOLD_OUT, f"{what} {there}".rstrip())
    first = (in_stock(candidates) or candidates)[0]
    seen = {
        Stock.AVAILABLE: "disponible",
        Stock.SOLD_OUT: "épuisée",
        Stock.UNKNOWN: "proposée, stock non communiqué",
    }[first.stock]
    return Room(first.stock, f"{first.name} {seen} {there}".rstrip())


def _with_disk(size: MachineSize, disk: int) -> MachineSize:
    """Let a disk of its own be as large as is needed, and cost what it then costs."""
    if not size.grows:
        return size
    disk = max(size.disk, disk)
    if size.price is None:
        return replace(size, disk=disk)
    more = None if size.disk_price is None else size.disk_price * disk / GB
    return replace(size, disk=disk, price=None if more is None else size.price + more)


def _serves(size: MachineSize, wanted: str, needs: MachineNeeds) -> bool:
    strong = size.cores >= needs.cores and size.memory >= needs.memory * _MEMORY_SHARE
    return size.disk >= needs.disk and (bool(wanted) or strong)


def _order(size: MachineSize) -> tuple[bool, Decimal, int, int, int, str]:
    unknown = size.price is None
    return unknown, size.price or Decimal(0), size.cores, size.memory, size.disk, size.name
