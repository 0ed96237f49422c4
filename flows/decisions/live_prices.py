"""Put what providers tell now in the place of what somebody read in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from blocks.types import MachineSize
from flows.decisions.cost import GB, MachinePrice, PriceList

LIVE = "API de l'hébergeur"
"""Source of a price that was asked for just now."""
_COMPANIES = {"ec2": "AWS", "ovh": "OVH", "digitalocean": "DigitalOcean"}
_GIB = 1024**3


def company(provider: str) -> str:
    """Return the company behind a provider's block, as the list of prices names it."""
    kind = provider.split("/", 1)[0].split("-", 1)[0]
    return _COMPANIES.get(kind, kind.capitalize())


def with_live(
    prices: PriceList, told: Mapping[str, Sequence[MachineSize]], today: date
) -> PriceList:
    """Return the list with the live price of each offer that a provider told one for.

    Args:
        prices: The dated list.
        told: Sizes by the provider's company; those without a price, or that cost nothing, are
            passed over.
        today: The day on which they were asked for.
    """
    live = {
        (name, each.name): _machine(name, each, prices, today)
        for name, sizes in told.items()
        for each in sizes
        if each.price
    }
    kept = [each for each in prices.machines if (each.provider, each.name) not in live]
    return replace(prices, machines=(*live.values(), *kept))


def _machine(name: str, size: MachineSize, prices: PriceList, today: date) -> MachinePrice:
    listed = next((m for m in prices.machines if (m.provider, m.name) == (name, size.name)), None)
    hours, more = prices.hours_in_month, listed.disk_gb_month if listed else None
    if size.grows:
        more = None if size.disk_price is None else size.disk_price * hours
    return MachinePrice(
        provider=name,
        name=size.name,
        currency=size.currency,
        read_on=today,
        source=LIVE,
        note=listed.note if listed else "",
        cores=size.cores,
        memory_gb=round(size.memory / _GIB),
        disk_gb=0 if size.grows else size.disk // GB,
        month=(size.price or Decimal(0)) * hours,
        disk_gb_month=more,
    )
