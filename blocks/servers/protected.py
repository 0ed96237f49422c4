"""A production server and everything that belongs to its protection."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from prefect.blocks.core import Block
from pydantic import BaseModel, Field

from blocks.domain import DeclaredDomain
from blocks.types import ListedPrice, MachineNeeds


class TargetPrice(BaseModel):
    """What a machine costs there by the dated list of prices; used where the provider says none."""

    offer: str = Field(description="What the list calls it.")
    hour: Decimal = Field(description="An hour without VAT.")
    currency: str = Field(description="ISO 4217.")
    read_on: date = Field(description="Day on which the list was read.")
    disk_gb: int = Field(default=0, description="GB of disk that are part of it.")
    disk_gb_hour: Decimal | None = Field(default=None, description="An hour of a further GB.")

    def value(self) -> ListedPrice:
        """Return the plain value that decisions take."""
        return ListedPrice(**self.model_dump())


class DrillLimits(BaseModel):
    """How much a drill may cost, and for how long its machine may live."""

    ceiling: Decimal | None = Field(
        default=None,
        ge=0,
        description="Most that one drill may cost, without VAT; none if left out.",
    )
    currency: str = Field(
        default="EUR", pattern=r"^[A-Z]{3}$", description="Currency of the ceiling (ISO 4217)."
    )
    hours: int = Field(
        default=4, ge=1, le=48, description="Hours after which a drill is stopped and swept."
    )
    egress_gb: Decimal | None = Field(
        default=None,
        ge=0,
        description="Price of a GB read from the repository, in the ceiling's currency.",
    )


class Needs(BaseModel):
    """The least that a new machine must have; what is 0 is left to the provider."""

    cores: int = Field(default=0, ge=0, description="Processor cores.")
    memory_gb: int = Field(default=0, ge=0, description="Memory in GB, as providers write it.")
    disk_gb: int = Field(
        default=0, ge=0, description="Disk in GB; it is never smaller than the data needs."
    )

    def value(self) -> MachineNeeds:
        """Return the plain value that decisions take."""
        return MachineNeeds(self.cores, self.memory_gb * 1024**3, self.disk_gb * 10**9)


class Target(BaseModel):
    """Where a new machine may be made; targets are tried in order."""

    provider: str = Field(description="Block of the provider, such as nspawn-vps/lab.")
    size: str = Field(
        default="", description="The provider's name of the size; empty for its default."
    )
    region: str = Field(
        default="", description="The provider's name of the place; empty for its default."
    )
    price: TargetPrice | None = Field(
        default=None, description="Listed price, where the provider itself says none."
    )


class Floating(BaseModel):
    """Where the server's address can be led to another machine."""

    provider: str = Field(description="Block of the provider, such as hetzner-vps/secours.")
    region: str = Field(
        default="", description="The provider's name of the place; empty for its default."
    )


class Retention(BaseModel):
    """How many recovery sets are kept, counted from the newest."""

    last: int = Field(default=3, ge=1, description="The newest sets, whatever their age.")
    daily: int = Field(default=7, ge=0, description="Days of which the newest set is kept.")
    weekly: int = Field(default=5, ge=0, description="Weeks of which the newest set is kept.")
    monthly: int = Field(default=6, ge=0, description="Months of which the newest set is kept.")


class Verification(BaseModel):
    """How soon what was backed up is read again, and proven by a restore."""

    read_within_days: int = Field(
        default=7, ge=2, le=257, description="Days within which every stored object is read again."
    )
    prove_within_days: int = Field(
        default=7,
        ge=1,
        description="Days within which a set is proven by a restore, and for which that counts.",
    )
    sample_files: int = Field(
        default=40, ge=0, le=1000, description="Files compared with the living server each time."
    )


class Heartbeats(BaseModel):
    """Dead-man's switches: blocks that are told when a job has succeeded."""

    backup: str = Field(default="", description="Block for the backups; may be empty.")
    verification: str = Field(default="", description="Block for the verification; may be empty.")


class ClientNews(BaseModel):
    """Who is told of an incident of this server besides the team, and by which way."""

    agency: str = Field(default="", description="Name of the agency, as clients know it.")
    contact: str = Field(default="", description="How clients reach the agency.")
    clients: list[str] = Field(default_factory=list, description="Blocks of the clients.")
    mail: str = Field(default="", description="Block of the relay for clients; may be empty.")
    status_page: str = Field(default="", description="Block of the status page; may be empty.")


class ProtectedServer(Block):
    """A production server: how it is reached, what is on it, where its copies go, what replaces it.

    Holds names of other blocks (`type/name`), so that a flow needs the name of this one only.

    Example:
        ```python
        from blocks.servers.protected import ProtectedServer

        server = ProtectedServer.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Protected server"
    _block_type_slug = "protected-server"
    _description = "A production server, what is on it, where its copies go and what replaces it."

    server: str = Field(
        title="Server", description="Block of the machine, such as ssh-server/web1."
    )
    database: str = Field(
        default="", title="Database", description="Block of its database service; may be empty."
    )
    repository: str = Field(
        title="Repository", description="Block of the repository for its backups."
    )
    sites: list[str] = Field(title="Sites", description="Blocks of the sites on it.")
    zones: list[str] = Field(title="DNS zones", description="Blocks of the zones that lead to it.")
    targets: list[Target] = Field(title="Targets", description="Where a new machine may be made.")
    probe: str = Field(title="Probe", description="Block of the probe for smoke tests.")
    notifiers: list[str] = Field(
        default_factory=list,
        title="Notifiers",
        description="Blocks of the places where people are told.",
    )
    origin: str = Field(
        default="",
        title="Origin",
        description="Provider block that holds this machine, for fencing; may be empty.",
    )
    origin_machine: str = Field(
        default="", title="Origin machine", description="The machine's id at its provider."
    )
    configuration: list[str] = Field(
        title="Configuration",
        description="Directories and files that make up the server's configuration.",
    )
    parallel: int = Field(
        default=2,
        ge=1,
        le=16,
        title="Parallel",
        description="Snapshots taken side by side on the server.",
    )
    retention: Retention = Field(
        default_factory=Retention, title="Retention", description="How many recovery sets are kept."
    )
    allowed_in_drill: list[str] = Field(
        default_factory=list,
        title="Allowed in a drill",
        description="IPv4 addresses that a drill machine may speak with besides the repository.",
    )
    archive: str = Field(
        default="",
        title="Archive",
        description="Block of the archive that changes go to within seconds; may be empty.",
    )
    copies: list[str] = Field(
        default_factory=list,
        title="Copies",
        description="Blocks of further repositories: each recovery set is copied there.",
    )
    domain: DeclaredDomain = Field(
        default_factory=DeclaredDomain,
        title="Failure domain",
        description="Provider, site and account of the server itself.",
    )
    accept_shared_domain: str = Field(
        default="",
        title="Accept a shared domain",
        description="Why all copies may lie where the server is; empty to refuse it.",
    )
    verification: Verification = Field(
        default_factory=Verification,
        title="Verification",
        description="How soon what was backed up is read again, and proven by a restore.",
    )
    heartbeats: Heartbeats = Field(
        default_factory=Heartbeats,
        title="Heartbeats",
        description="Dead-man's switches for the server's backups and their verification.",
    )
    archive_copies: list[str] = Field(
        default_factory=list,
        title="Copies of the archive",
        description="Blocks of further archives: changes go to each of them by itself.",
    )
    witnesses: list[str] = Field(
        default_factory=list,
        title="Witnesses",
        description="Blocks of further probes, which look from other places than the first one.",
    )
    drill: DrillLimits = Field(
        default_factory=DrillLimits,
        title="Drill",
        description="How much a drill may cost, and for how long its machine may live.",
    )
    client_news: ClientNews = Field(
        default_factory=ClientNews,
        title="Client news",
        description="Which clients are told of an incident, by which way.",
    )
    needs: Needs = Field(
        default_factory=Needs,
        title="Needs",
        description="The least that a new machine must have, whoever makes it.",
    )
    monitors: list[str] = Field(
        default_factory=list,
        title="Monitors",
        description="Blocks of monitors elsewhere; those with a token are asked what they see.",
    )
    floating: Floating | None = Field(
        default=None,
        title="Floating",
        description="Where the server's address can be led to another machine; may be left out.",
    )
