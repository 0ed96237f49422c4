"""Decide what a drill may cost at most, before anything is spent. Amounts are without VAT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from blocks.errors import OverCeiling
from blocks.types import ListedPrice, MachineSize
from flows.decisions.cost import GB
from flows.decisions.recovery_plan import TargetChoice

UNTIL_SWEPT = 1
"""Hours: a killed drill's machine lives until its time is over and the next sweep comes by."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the estate allows a drill.

    Attributes:
        ceiling: Most that it may cost; None for no limit.
        hours: For how long its machine may live.
        egress_gb: Price of a GB read from the repository; None when nobody said it.
    """

    ceiling: Decimal | None
    currency: str
    hours: int
    egress_gb: Decimal | None


@dataclass(frozen=True, slots=True)
class DrillCost:
    """The most that a drill at one target costs.

    Attributes:
        machine: The machine, for all the hours that it may live.
        egress: What is read from the repository.
        currency: Of both; the ceiling's where the machine's price is not known.
        offer: Where the machine's price comes from (French).
        read_on: Day of the list that it comes from; None for the provider's own price.
        unknown: Why there is no total (French), "" if there is one.
        hint: What makes it known.
    """

    provider: str
    currency: str
    machine: Decimal | None = None
    egress: Decimal | None = None
    offer: str = ""
    read_on: date | None = None
    unknown: str = ""
    hint: str = ""

    @property
    def total(self) -> Decimal | None:
        """The sum, None while a part of it is not known."""
        if self.unknown or self.machine is None or self.egress is None:
            return None
        return self.machine + self.egress


def cost_at(
    target: TargetChoice,
    tried: Sequence[MachineSize],
    listed: ListedPrice | None,
    data: int,
    limits: Limits,
) -> DrillCost:
    """Return the most that a drill costs at a target.

    Args:
        target: Where its machine would be made.
        tried: The sizes that would be tried there, with their disks: the dearest one counts.
        listed: The target's price in the list, for a provider that says none.
        data: Bytes that are restored.
        limits: What is allowed.
    """
    if not tried:
        unknown = f"taille {target.size or 'par défaut'} pas proposée, ou trop petite"
        hint = "correct `size` of the target in the estate file"
        return DrillCost(target.provider, limits.currency, unknown=unknown, hint=hint)
    hours = limits.hours + UNTIL_SWEPT
    egress = None if limits.egress_gb is None else limits.egress_gb * data / GB
    hour, currency, offer, read_on = hour_of(_dearest_size(tried), listed)
    unknown, hint = _why_unknown(hour, currency, egress, limits)
    return DrillCost(
        target.provider,
        currency or limits.currency,
        machine=None if hour is None else hour * hours,
        egress=egress,
        offer=offer,
        read_on=read_on,
        unknown=unknown,
        hint=hint,
    )


def _dearest_size(tried: Sequence[MachineSize]) -> MachineSize:
    """Return the size that costs most; one without a price may cost anything."""
    return max(tried, key=lambda each: (each.price is None, each.price or Decimal(0)))


def hour_of(
    size: MachineSize, listed: ListedPrice | None
) -> tuple[Decimal | None, str, str, date | None]:
    """Return an hour's price, its currency, where it is from, and the day if from the list."""
    if size.price is not None:
        return size.price, size.currency, f"{size.name}, prix du fournisseur", None
    if listed is None:
        return None, "", "", None
    more = max(Decimal(size.disk) / GB - listed.disk_gb, Decimal(0))
    disk = more * (listed.disk_gb_hour or Decimal(0))
    return listed.hour + disk, listed.currency, listed.offer, listed.read_on


def _why_unknown(
    hour: Decimal | None, currency: str, egress: Decimal | None, limits: Limits
) -> tuple[str, str]:
    if hour is None:
        hint = "name an `offer` of prices.yaml at the target in the estate file"
        return "prix de la machine inconnu", hint
    if currency != limits.currency:
        hint = f"say drill: {{currency: {currency}}} in the estate file"
        return f"prix de la machine en {currency}, plafond en {limits.currency}", hint
    if egress is None:
        return "prix de la sortie de données inconnu", (
            "say drill: {egress_gb: PRICE} in the estate file, 0 where reading costs nothing"
        )
    return "", ""


def affordable(costs: Sequence[DrillCost], limits: Limits) -> tuple[DrillCost, ...]:
    """Return the targets, in their order, where a drill stays within the ceiling.

    Without a ceiling all of them. What costs nobody knows how much never passes one.
    """
    ceiling = limits.ceiling
    if ceiling is None:
        return tuple(costs)
    return tuple(each for each in costs if each.total is not None and each.total <= ceiling)


def dearest(costs: Sequence[DrillCost]) -> DrillCost:
    """Return the target that may cost most; one of unknown cost may cost anything.

    Targets are tried in their order, so what the dearest one costs is what may be spent.
    """
    return max(costs, key=lambda each: (each.total is None, each.total or Decimal(0)))


def over_ceiling(server: str, costs: Sequence[DrillCost], limits: Limits) -> OverCeiling:
    """Return why no drill may be made at any of the targets."""
    said = "; ".join(
        f"{each.provider}: {each.unknown}"
        if each.total is None
        else f"{each.provider}: up to {each.total:.2f} {each.currency}"
        for each in costs
    )
    hints = list(dict.fromkeys(each.hint for each in costs if each.hint))
    hints = hints or ["raise drill: {ceiling: ...} in the estate file, or name a cheaper size"]
    return OverCeiling(
        f"drill of {server}",
        f"may cost {limits.ceiling:.2f} {limits.currency} at most ({said}); nothing was made",
        f"{' and '.join(hints)} (Prefect: continuity estate apply)",
    )
