"""Decide what an incident has cost, as far as its journal and the dated prices say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from flows.decisions.cost import (
    GB,
    Line,
    MachinePrice,
    Need,
    PriceList,
    StoragePrice,
    egress,
    is_old,
    named,
)
from flows.decisions.live_prices import company
from flows.reports.wording import duration

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Used:
    """What an incident took.

    Attributes:
        provider: Block of the machine's provider, such as `hetzner-vps/main`; "" without one.
        size: The provider's own name of the machine's size, "" for its default.
        running: Since the machine was made; None without one.
        restored: Bytes of the set that came back; None when nobody can say.
        waited: How long approval was waited for.
    """

    provider: str = ""
    size: str = ""
    running: timedelta | None = None
    restored: int | None = None
    waited: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Spent:
    """One amount of an incident.

    Attributes:
        quantity: How much of it (French).
        unknown: Why its price is not known, "" if it is.
        old: Whether the price was read too long ago to be called current.
    """

    line: Line
    quantity: str
    unknown: str = ""
    old: bool = False


@dataclass(frozen=True, slots=True)
class Prices:
    """The dated prices, with the offers that the operator named."""

    known: PriceList
    today: date
    machine: MachinePrice | None = None
    storage: StoragePrice | None = None


def spent(used: Used, prices: Prices) -> tuple[Spent, ...]:
    """Return machine, data read back, and people."""
    return _machine(used, prices), _egress(used, prices), _people(used, prices)


def _machine(used: Used, prices: Prices) -> Spent:
    if used.running is None:
        return Spent(Line("machine", Decimal(0), Decimal(0)), "aucune machine créée")
    hours = -(-used.running // HOUR)
    quantity = (
        f"{duration(used.running)} jusqu'à ce rapport si elle tourne encore, {hours} h comptées"
    )
    price = prices.machine or _offer(used, prices.known.machines)
    if price is None:
        why = f"{used.provider} {used.size}".strip()
        unknown = f"aucun prix connu pour {why} ; préciser --machine"
        return Spent(Line("machine", None, None), quantity, unknown)
    amount = price.month / prices.known.hours_in_month * hours
    line = Line("machine", amount, amount, price.currency, price)
    return Spent(line, quantity, old=is_old(price, prices.known, prices.today))


def _offer(used: Used, machines: Sequence[MachinePrice]) -> MachinePrice | None:
    """Return the price of this size at this provider: a block's type begins with its name."""
    here = [each for each in machines if each.provider == company(used.provider)]
    return named(here, used.size) if used.size else None


def _egress(used: Used, prices: Prices) -> Spent:
    if used.restored is None:
        unknown = "le jeu restauré n'est plus dans le dépôt, sa taille n'est pas connue"
        return Spent(Line("sortie de données", None, None), "inconnue", unknown)
    amount = Decimal(used.restored) / GB
    quantity = f"{amount:.2f} Go relus".replace(".", ",")
    price = prices.storage
    if price is None:
        unknown = "le stockage n'est pas nommé ; préciser --storage"
        return Spent(Line("sortie de données", None, None), quantity, unknown)
    # What is stored beside this set is not looked up: it could only make reading back cheaper.
    cost = egress(price, Need(1, amount, amount, Decimal(0)))
    line = Line("sortie de données", cost, cost, price.currency, price)
    unknown = "" if cost is not None else "prix de relecture non relevé"
    return Spent(line, quantity, unknown, is_old(price, prices.known, prices.today))


def _people(used: Used, prices: Prices) -> Spent:
    low, high = prices.known.staff.recovery
    quantity = "temps passé non relevé : montant de l'étude"
    if used.waited >= timedelta(seconds=1):
        quantity += f" ; accord attendu {duration(used.waited)}"
    return Spent(Line("personnes", low, high), quantity)
