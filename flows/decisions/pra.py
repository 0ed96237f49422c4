"""All that the recovery document (plan de reprise d'activité) is made from, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.types import (
    AddressRecord,
    Company,
    Contact,
    FailureDomain,
    Frequency,
    MachineSize,
    RecoverySet,
    StoreAddress,
    Tier,
)
from flows.decisions.aftermath import LOSS_WITH_ARCHIVE, LOSS_WITHOUT, PROMISED
from flows.decisions.protection import Digit
from flows.decisions.recovery_plan import RecoveryPlan, TargetChoice

WEEKLY_LOSS = timedelta(days=7)
"""What may be lost of a site that is backed up once a week, without an archive."""


@dataclass(frozen=True, slots=True)
class PraSite:
    """A client's site as the document describes it.

    Attributes:
        account: The system account that its files belong to; "" if it has none of its own.
        records: Its address records as the zones held them.
        archived: Whether its server has a continuous archive.
    """

    name: str
    title: str
    domains: tuple[str, ...]
    roots: tuple[str, ...]
    databases: tuple[str, ...]
    tier: Tier
    priority: int
    frequency: Frequency
    pages: tuple[str, ...]
    records: tuple[AddressRecord, ...] = ()
    account: str = ""
    archived: bool = False

    @property
    def promised_down(self) -> timedelta:
        """The longest time that it may be down (RTO, and here also MTD)."""
        return PROMISED[self.tier]

    @property
    def promised_loss(self) -> timedelta:
        """The most that may be lost of what was written (RPO)."""
        if self.archived:
            return LOSS_WITH_ARCHIVE
        return WEEKLY_LOSS if self.frequency is Frequency.WEEKLY else LOSS_WITHOUT


@dataclass(frozen=True, slots=True)
class PraStore:
    """A place where backups or changes lie; `copy` says whether it is not the first one."""

    name: str
    address: StoreAddress
    domain: FailureDomain
    lock: timedelta
    copy: bool = False


@dataclass(frozen=True, slots=True)
class PraTarget:
    """Where a new machine may be made; `size` is None if the provider could not be asked."""

    choice: TargetChoice
    size: MachineSize | None = None


@dataclass(frozen=True, slots=True)
class PraServer:
    """A production server as the document describes it.

    Attributes:
        made: The set with the newest data, None without any.
        plan: What a recovery would do now, None if no plan can be made.
        login: What a person types behind `ssh`.
        rule: The digits of 3-2-1-1-0 with their evidence.
    """

    name: str
    address: str
    login: str
    domain: FailureDomain
    origin: str
    origin_machine: str
    sites: tuple[PraSite, ...]
    repositories: tuple[PraStore, ...]
    archives: tuple[PraStore, ...]
    targets: tuple[PraTarget, ...]
    kept: tuple[int, int, int, int]
    """Sets kept: the last ones, daily, weekly, monthly."""
    made: RecoverySet | None = None
    plan: RecoveryPlan | None = None
    rule: tuple[Digit, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A drill, or a recovery for real, as its journal tells it.

    Attributes:
        downs: How long each site was down, by its name; a site that did not come back is missing.
    """

    at: datetime
    server: str
    incident: str
    real: bool
    recovered: bool
    down: timedelta | None
    lost: timedelta | None
    downs: tuple[tuple[str, timedelta], ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Something that runs by itself: its title, and when (French)."""

    title: str
    when: str


@dataclass(frozen=True, slots=True)
class ClientContact:
    """Whom to tell at a client's, and of which sites."""

    name: str
    emails: tuple[str, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the estate's facts: since when, its digest, what changed (French)."""

    at: datetime
    digest: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pra:
    """The whole document, before it is written out.

    Attributes:
        notifiers: Where messages go: kind and name of each.
        versions: The change record, oldest first; the last one is the present one.
        unread: Whether the journal could not be read: nothing is known of trials and versions then.
    """

    at: datetime
    agency: str
    people: tuple[Contact, ...]
    suppliers: tuple[Company, ...]
    servers: tuple[PraServer, ...]
    notifiers: tuple[str, ...]
    jobs: tuple[Job, ...] = ()
    trials: tuple[Trial, ...] = ()
    clients: tuple[ClientContact, ...] = ()
    versions: tuple[Version, ...] = ()
    unread: bool = False

    @property
    def sites(self) -> tuple[PraSite, ...]:
        """All sites, in the order in which they come back."""
        found = [site for server in self.servers for site in server.sites]
        return tuple(sorted(found, key=lambda each: (each.priority, each.name)))

    @property
    def repositories(self) -> tuple[PraStore, ...]:
        """Each repository once."""
        return _once([each for server in self.servers for each in server.repositories])

    @property
    def archives(self) -> tuple[PraStore, ...]:
        """Each archive once."""
        return _once([each for server in self.servers for each in server.archives])

    def last(self, site: str) -> tuple[Trial, timedelta] | None:
        """Return the newest trial that brought a site back, and how long that took."""
        found = [(each, dict(each.downs)[site]) for each in self.trials if site in dict(each.downs)]
        return max(found, key=lambda pair: pair[0].at, default=None)


def _once(stores: list[PraStore]) -> tuple[PraStore, ...]:
    return tuple({each.name: each for each in reversed(stores)}[name] for name in _names(stores))


def _names(stores: list[PraStore]) -> list[str]:
    return list(dict.fromkeys(each.name for each in stores))
