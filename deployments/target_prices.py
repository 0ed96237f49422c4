"""Find what a target costs in the dated list of prices."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from blocks.servers.protected import TargetPrice
from deployments.estate import Estate
from deployments.estate_mistakes import Finding, did_you_mean
from deployments.estate_server import TargetEntry
from flows.decisions.cost import MachinePrice, PriceList, named
from flows.decisions.live_prices import company

PLACES = Decimal("0.000001")


def target_price(provider: str, target: TargetEntry, prices: PriceList) -> TargetPrice | None:
    """Return a target's price an hour; None when the list has no such offer.

    Args:
        provider: Reference of the provider's block: its type begins with the company's name.
        target: What the estate says of it.
        prices: The list.
    """
    if target.offer:
        found = named(prices.machines, target.offer)
    else:
        found = _by_size(provider, target, prices)
    if found is None:
        return None
    disk = found.disk_gb_month
    return TargetPrice(
        offer=found.title,
        hour=(found.month / prices.hours_in_month).quantize(PLACES),
        currency=found.currency,
        read_on=found.read_on,
        disk_gb=found.disk_gb,
        disk_gb_hour=None if disk is None else (disk / prices.hours_in_month).quantize(PLACES),
    )


def check_offers(estate: Estate, prices: PriceList) -> Iterator[Finding]:
    """Yield the offers that the list of prices does not have."""
    known = [each.title for each in prices.machines]
    for index, server in enumerate(estate.servers):
        for position, target in enumerate(server.targets):
            if target.offer and named(prices.machines, target.offer) is None:
                path = ("servers", index, "targets", position, "offer")
                text = f"server '{server.name}': the list of prices has no offer '{target.offer}'"
                yield Finding(path, text, did_you_mean(target.offer, known))


def _by_size(provider: str, target: TargetEntry, prices: PriceList) -> MachinePrice | None:
    found = [
        each
        for each in prices.machines
        if each.name == target.size and each.provider == company(provider)
    ]
    return found[0] if len(found) == 1 else None
