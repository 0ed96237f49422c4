"""Machines at a provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class HostKey:
    """An SSH host key pair; `public` is "ssh-ed25519 AAAA..." without a comment."""

    public: str
    private: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MachineNeeds:
    """The least that a machine must have; 0 asks for nothing. Memory and disk in bytes."""

    cores: int = 0
    memory: int = 0
    disk: int = 0


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """What a new machine must be.

    Attributes:
        name: Deterministic for one incident, so that it can be found again.
        tags: Found by these; always holds `managed-by`, `purpose`, `incident`, `server`.
        size: The provider's own name of a size, or "" for the first of its `candidates`.
        region: The provider's own name of a place, or "".
        authorized_key: SSH public key allowed to log in as root.
        expires_at: After this the sweep may destroy it (drills), None for a machine that stays.
        needs: The least that it must have; `size` is refused if it has less disk.
    """

    name: str
    tags: Mapping[str, str]
    size: str
    region: str
    authorized_key: str
    host_key: HostKey
    expires_at: datetime | None = None
    needs: MachineNeeds = MachineNeeds()


class PowerState(StrEnum):
    """Whether a machine runs, as its provider says."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine at a provider."""

    id: str
    name: str
    provider: str
    """Block name of the provider, such as "nspawn-vps/lab"."""
    address: str
    power: PowerState
    tags: Mapping[str, str]
    host_key: str
    """The public host key it was made with; after its first login it shows another."""
    created_at: datetime
    expires_at: datetime | None = None
    size: str = ""
    """The provider's name of its size, "" if it does not tell."""
    region: str = ""
    """The provider's name of where it is, "" if it has only one place."""


class Stock(StrEnum):
    """Whether one more machine can be had."""

    AVAILABLE = "available"
    SOLD_OUT = "sold out"
    UNKNOWN = "unknown"
    """The provider does not tell before a machine is ordered."""


@dataclass(frozen=True, slots=True)
class MachineSize:
    """A size that can be ordered.

    Attributes:
        price: An hour without VAT as the provider tells it now; None when it does not, 0 when it
            costs nothing.
        currency: ISO 4217 of the price, "" without one.
        stock: Whether one more can be had now, as far as the provider's list tells.
        grows: The disk is a volume of its own, made as large as is asked for; `disk` is the least.
        disk_price: An hour of a GB (10^9 bytes) of such a volume, None if not told.
    """

    name: str
    cores: int
    memory: int
    disk: int
    price: Decimal | None = None
    currency: str = ""
    stock: Stock = Stock.UNKNOWN
    grows: bool = False
    disk_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What a provider has left for a size in a place.

    Attributes:
        seen: What was looked at, in French: operators read it.
        left: Machines that may still be made (quota), None if the provider does not tell.
        disk: Bytes that a new machine could fill where machines share a disk, None otherwise.
    """

    stock: Stock
    seen: str
    left: int | None = None
    disk: int | None = None


@dataclass(frozen=True, slots=True)
class FloatingAddress:
    """An address that its provider can lead to another machine.

    Attributes:
        id: The provider's own name of it; may be the address itself.
        address: IPv4.
        region: Where it can be led to a machine, "" for wherever there are machines.
        holder: Id of the machine that it leads to now, "" for none.
    """

    id: str
    address: str
    region: str
    holder: str


@dataclass(frozen=True, slots=True)
class Access:
    """Who we are at a provider, and what its own answers say that we may do there.

    Attributes:
        who: The account, project or user, as the provider names it; never a secret.
        may: Rights that were seen, in French: operators read them.
        missing: Rights that a recovery needs and that are not there, in French.
        unseen: Rights that cannot be tried without changing something, in French.
    """

    who: str
    may: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """What a machine costs according to a list that somebody read on a day, without VAT.

    Attributes:
        offer: What the list calls it.
        hour: An hour, in this currency.
        disk_gb: GB of disk (10^9 bytes) that are part of it.
        disk_gb_hour: An hour of a GB beyond that; None when there is no more to be had.
    """

    offer: str
    hour: Decimal
    currency: str
    read_on: date
    disk_gb: int = 0
    disk_gb_hour: Decimal | None = None
