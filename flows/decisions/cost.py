"""Decide what continuity costs, without VAT: each promise a month, one drill, one recovery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from flows.decisions.machine_needs import ROOM, SYSTEM
from flows.reports.wording import counted

GB = 1_000_000_000
EURO = "EUR"
UNTIL_HOME = Decimal(1)
"""Months that a new machine is paid after a recovery, until the server has gone home."""
STUDY_CORES, STUDY_MEMORY, STUDY_DISK = 4, 8, 100
"""What the study asks of a spare server, in cores and GB."""
Range = tuple[Decimal, Decimal]
P = TypeVar("P", bound="Price")


@dataclass(frozen=True, slots=True)
class Price:
    """What every price has.

    Attributes:
        currency: ISO 4217; amounts of different currencies are never added.
        read_on: The day on which somebody read it at `source`.
    """

    provider: str
    name: str
    currency: str
    read_on: date
    source: str
    note: str = ""

    @property
    def title(self) -> str:
        """Provider and name, as people say them."""
        return f"{self.provider} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePrice(Price):
    """A machine a month; `disk_gb_month` is what a GB beyond its own disk costs, None: no more."""

    cores: int
    memory_gb: int
    disk_gb: int
    month: Decimal
    disk_gb_month: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePrice(Price):
    """A TB a month.

    Attributes:
        minimum_gb: Paid even if less is stored.
        minimum_days: An object is paid for so long, even if it is removed before.
        egress_free: Times the stored amount that may leave without cost, None without limit.
        egress_gb: Price of a GB beyond that; None when nobody knows it.
    """

    tb_month: Decimal
    minimum_gb: Decimal = Decimal(0)
    minimum_days: int = 0
    egress_free: Decimal | None = Decimal(0)
    egress_gb: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """People's work in euros, lowest and highest, as the study has it."""

    recovery: Range
    drill: Range
    administrator_year: Range
    standby_month: Range
    standby_setup: Range


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices, and after how long one is old."""

    machines: tuple[MachinePrice, ...]
    storages: tuple[StoragePrice, ...]
    staff: Staff
    current: timedelta
    hours_in_month: Decimal


@dataclass(frozen=True, slots=True)
class Need:
    """What is to be protected, in GB (10^9 bytes).

    Attributes:
        servers: How many.
        largest: Data of the largest server: what one drill or recovery brings back.
        stored: What one repository holds of all servers.
        written: What is newly written to one repository each day.
    """

    servers: int
    largest: Decimal
    stored: Decimal
    written: Decimal

    @property
    def disk(self) -> Decimal:
        """Disk of a new machine: the study's, or more where readiness would ask for more."""
        return max(Decimal(STUDY_DISK), Decimal(SYSTEM) / GB + self.largest * ROOM)


@dataclass(frozen=True, slots=True)
class Line:
    """One amount; `price` is where it comes from, None for what the study says.

    Attributes:
        low: None together with `high` when nobody knows the price.
    """

    what: str
    low: Decimal | None
    high: Decimal | None
    currency: str = EURO
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one thing costs."""

    title: str
    lines: tuple[Line, ...]

    @property
    def complete(self) -> bool:
        """Whether every line has an amount; else the totals are the least that it costs."""
        return all(line.low is not None for line in self.lines)

    def totals(self) -> dict[str, Range]:
        """Return lowest and highest sum by currency."""
        sums: dict[str, Range] = {}
        for line in self.lines:
            if line.low is not None and line.high is not None:
                low, high = sums.get(line.currency, (Decimal(0), Decimal(0)))
                sums[line.currency] = (low + line.low, high + line.high)
        return sums


@dataclass(frozen=True, slots=True)
class Choice:
    """What is ordered: a machine, a storage, and another storage for the copy."""

    machine: MachinePrice
    storage: StoragePrice
    copy: StoragePrice


def is_old(price: Price, prices: PriceList, today: date) -> bool:
    """Say whether a price was read too long ago to be called current."""
    return today - price.read_on > prices.current


def machine_month(price: MachinePrice, need: Need) -> Decimal | None:
    """Return what a machine with enough disk costs a month; None when it is too small."""
    if price.cores < STUDY_CORES or price.memory_gb < STUDY_MEMORY:
        return None
    missing = max(need.disk - price.disk_gb, Decimal(0))
    if missing and price.disk_gb_month is None:
        return None
    return price.month + missing * (price.disk_gb_month or Decimal(0))


def storage_month(price: StoragePrice, need: Need) -> Decimal:
    """Return what a repository costs a month, at most: what was removed early is still paid."""
    kept = need.written * price.minimum_days
    billed = max(need.stored + kept, price.minimum_gb)
    return billed * price.tb_month / 1000


def egress(price: StoragePrice, need: Need) -> Decimal | None:
    """Return what it costs to read one server's data back; None when nobody knows."""
    if price.egress_free is None:
        return Decimal(0)
    paid = max(need.largest - need.stored * price.egress_free, Decimal(0))
    if not paid:
        return Decimal(0)
    return None if price.egress_gb is None else paid * price.egress_gb


def machines_by_price(prices: PriceList, need: Need) -> tuple[tuple[MachinePrice, Decimal], ...]:
    """Return the machines that suffice with their price a month, each currency's cheapest first."""
    found = [(each, machine_month(each, need)) for each in prices.machines]
    return _by_price((each, month) for each, month in found if month is not None)


def storages_by_price(prices: PriceList, need: Need) -> tuple[tuple[StoragePrice, Decimal], ...]:
    """Return the storages with their price a month, each currency's cheapest first."""
    return _by_price((each, storage_month(each, need)) for each in prices.storages)


def _by_price(found: Iterable[tuple[P, Decimal]]) -> tuple[tuple[P, Decimal], ...]:
    return tuple(sorted(found, key=lambda each: (each[0].currency != EURO, each[1])))


def cheapest(prices: PriceList, need: Need) -> Choice | None:
    """Choose the cheapest in euros with the copy at another provider; None when nothing suffices.

    A storage of which nobody knows what reading back costs is not chosen.
    """
    machines = machines_by_price(prices, need)
    storages = [
        each for each, _ in storages_by_price(prices, need) if egress(each, need) is not None
    ]
    others = [each for each in storages if each.provider != storages[0].provider]
    return Choice(machines[0][0], storages[0], others[0]) if machines and others else None


def estimates(
    choice: Choice, need: Need, prices: PriceList, *, drill_hours: int = 1
) -> tuple[Estimate, ...]:
    """Return what each promise costs a month, and one drill and one recovery of a server.

    Raises:
        ValueError: The chosen machine is too small for the need.
    """
    month = machine_month(choice.machine, need)
    if month is None:
        raise ValueError(f"{choice.machine.title} is too small")
    staff = prices.staff
    backups = (
        _storage("dépôt", choice.storage, need),
        _storage("copie", choice.copy, need),
        Line("administrateur", staff.administrator_year[0] / 12, staff.administrator_year[1] / 12),
    )
    running = counted(need.servers, "machine de secours en marche", "machines de secours en marche")
    standby = _line(running, month * need.servers, choice.machine)
    hours = month / prices.hours_in_month * drill_hours
    out = _line("sortie de données", egress(choice.storage, need), choice.storage)
    stay = _line("machine neuve, un mois", month * UNTIL_HOME, choice.machine)
    return (
        Estimate("Palier 48 h, par mois", backups),
        Estimate(
            "Palier 1 h, par mois",
            (*backups, standby, Line("maintenance du secours", *staff.standby_month)),
        ),
        Estimate("Palier 1 h, mise en place", (Line("personnes", *staff.standby_setup),)),
        Estimate(
            "Un exercice",
            (
                _line(f"machine, {drill_hours} h", hours, choice.machine),
                out,
                Line("personnes", *staff.drill),
            ),
        ),
        Estimate("Une reprise", (stay, out, Line("personnes", *staff.recovery))),
    )


def _storage(role: str, price: StoragePrice, need: Need) -> Line:
    return _line(role, storage_month(price, need), price)


def _line(what: str, amount: Decimal | None, price: Price) -> Line:
    return Line(what, amount, amount, price.currency, price)


def named(prices: Sequence[P], wanted: str) -> P | None:
    """Return the only price that a person can mean by title, name or provider; None if unsure."""
    said = wanted.casefold()
    found = [
        each
        for each in prices
        if said in (each.title.casefold(), each.name.casefold(), each.provider.casefold())
    ]
    return found[0] if len(found) == 1 else None
