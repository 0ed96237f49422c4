"""What the estate file says: servers, sites and all that protects them.

Only the shape of each entry is checked here; what entries say of each other is checked in
`deployments.estate_checks`.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from blocks.agency import Person, Supplier
from blocks.archives.base import Archive
from blocks.client_mail.base import ClientMail
from blocks.dns.base import DnsZone
from blocks.domain import DeclaredDomain
from blocks.monitors.base import AlertSource, Heartbeat, Probe
from blocks.notify.base import Notifier
from blocks.repositories.base import Repository
from blocks.servers.protected import DrillLimits, Needs, Retention, Verification
from blocks.sites.site import Freshness, LoginPage, SmokePage
from blocks.status_pages.base import StatusPage
from blocks.types import Frequency, Tier
from blocks.types.clients import FirstMessage, Language
from blocks.vps.base import VpsProvider
from deployments.block_forms import NAME_PATTERN, BlockForm, BlockOf, FieldsOf, Form, NamedBlockForm

CONFIGURATION = ("/etc", "/var/spool/cron", "/usr/local/bin", "/usr/local/sbin", "/usr/local/etc")
"""What makes up a Debian server's configuration when nothing else is said."""

_HOST_NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise PydanticCustomError(
            "address",
            "'{text}' is not an IP address",
            {"text": text, "hint": "write the IPv4 or IPv6 address: a recovery must not need DNS"},
        ) from error


def _domain(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise PydanticCustomError(
            "domain",
            "'{text}' is not a host name",
            {"text": text, "hint": "write it like www.example.org: lower case, without http://"},
        )
    return text


def _mail_address(text: str) -> str:
    if not _MAIL_ADDRESS.fullmatch(text):
        raise PydanticCustomError(
            "mail_address",
            "'{text}' is not a mail address",
            {"text": text, "hint": "write it like anne@example.org, without a name around it"},
        )
    return text


def _absolute_path(text: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or path == PurePosixPath("/") or ".." in path.parts:
        raise PydanticCustomError(
            "absolute_path",
            "'{text}' is not an absolute path below /",
            {"text": text, "hint": "write it from the root, like /srv/shop"},
        )
    return str(path)


_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?=.{1,255}$)([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")

MailAddress = Annotated[str, AfterValidator(_mail_address)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Address = Annotated[str, AfterValidator(_address)]
Domain = Annotated[str, AfterValidator(_domain)]
AbsolutePath = Annotated[str, AfterValidator(_absolute_path)]
DatabaseName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_$-]{1,64}$")]


class PersonEntry(Person, Form):
    """Somebody to call in an incident."""


class SupplierEntry(Supplier, Form):
    """A company that something of ours depends on."""


class Agency(Form):
    """Who runs this estate."""

    name: str = Field(min_length=1, description="Name of the agency, as clients know it.")
    people: list[PersonEntry] = Field(
        default_factory=list, description="Whom to call in an incident, and in which order."
    )
    suppliers: list[SupplierEntry] = Field(
        default_factory=list, description="Companies that the estate depends on."
    )
    contact: str = Field(
        default="", description="How clients reach it: phone and address, as messages say it."
    )


class TargetEntry(Form):
    """Where a new machine may be made; targets are tried in order."""

    provider: Name = Field(description="Name of one of the providers.")
    size: str = Field(
        default="", description="The provider's name of the size; its default if empty."
    )
    region: str = Field(
        default="", description="The provider's name of the place; its default if empty."
    )
    offer: str = Field(
        default="",
        description="Its offer in the list of prices; by provider and size if left out.",
    )


class NeedsEntry(Needs, Form):
    """The least that a new machine must have."""


class Origin(Form):
    """The machine at its provider, so that its power can be cut before another one takes over."""

    provider: Name = Field(description="Name of one of the providers.")
    machine: str = Field(min_length=1, description="The machine's id at that provider.")


class FloatingEntry(Form):
    """Where a server's address can be led to another machine, so that no name needs to change."""

    provider: Name = Field(description="Name of the provider whose floating address it is.")
    region: str = Field(
        default="", description="The provider's name of the place; its default if empty."
    )


class RetentionEntry(Retention, Form):
    """How many recovery sets are kept, counted from the newest."""


class VerificationEntry(Verification, Form):
    """How soon what was backed up is read again, and proven by a restore."""


class DrillEntry(DrillLimits, Form):
    """How much a drill may cost, and for how long its machine may live."""


class HeartbeatsEntry(Form):
    """Dead-man's switches: told at the start and the end of a job, they miss the one that stops."""

    backup: Annotated[BlockForm, BlockOf(Heartbeat, named=False)] | None = Field(
        default=None, description="Told when all servers were backed up."
    )
    verification: Annotated[BlockForm, BlockOf(Heartbeat, named=False)] | None = Field(
        default=None, description="Told when the backups of all servers are proven."
    )


class SmokeEntry(SmokePage, Form):
    """One page that must answer for the site to count as healthy."""

    url: str = Field(pattern=r"^https?://[^/\s]+(/\S*)?$", description="Absolute URL of the page.")
    status: int = Field(default=200, ge=100, le=599, description="Expected HTTP status.")


class FreshnessEntry(Freshness, Form):
    """A query that gives the time of the site's newest row, in UTC."""


class WatchEntry(Form):
    """When the sites are looked at."""

    every_minute: bool = Field(
        default=True, description="Look every minute; otherwise only when an alert comes."
    )


class LoginEntry(LoginPage, Form):
    """The page where the site's people log in; a drill wants a form with a password field there."""

    url: str = Field(pattern=r"^https?://[^/\s]+(/\S*)?$", description="Absolute URL of the page.")


class ServerEntry(Form):
    """A production server: how it is reached, where its copies go, what replaces it."""

    name: Name = Field(description="Name by which sites refer to it.")
    address: Address = Field(description="IP address of the server.")
    ssh: Annotated[BlockForm, FieldsOf("ssh-server", without=("address",))] = Field(
        description="How root logs in."
    )
    database: Annotated[BlockForm, FieldsOf("mariadb")] | None = Field(
        default=None, description="Its MariaDB, and the account that makes the backups."
    )
    repository: Name = Field(description="Name of the repository for its backups.")
    archive: Name | None = Field(
        default=None,
        description="Name of the archive that its changes go to within seconds; none if left out.",
    )
    archive_copies: list[Name] = Field(
        default_factory=list, description="Names of further archives; changes go to each of them."
    )
    targets: list[TargetEntry] = Field(min_length=1, description="Where a new machine may be made.")
    origin: Origin | None = Field(
        default=None, description="The machine at its provider, for fencing."
    )
    floating: FloatingEntry | None = Field(
        default=None,
        description="Says that the address is a floating one, and where; otherwise names change.",
    )
    configuration: list[AbsolutePath] = Field(
        default=list(CONFIGURATION),
        min_length=1,
        description="Paths of the server's configuration.",
    )
    parallel: int = Field(default=2, ge=1, le=16, description="Snapshots taken side by side.")
    retention: RetentionEntry = Field(
        default_factory=RetentionEntry, description="How many recovery sets are kept."
    )
    notifiers: list[Name] | None = Field(
        default=None, description="Names of the notifiers; all of them if left out."
    )
    allowed_in_drill: list[Address] = Field(
        default_factory=list, description="Addresses that a drill machine may speak with."
    )
    copies: list[Name] = Field(
        default_factory=list, description="Names of further repositories; each set is copied there."
    )
    domain: DeclaredDomain = Field(
        default_factory=DeclaredDomain,
        description="Provider, site and account of the server.",
    )
    accept_shared_domain: str = Field(
        default="", description="Why all copies may lie where the server is; empty to refuse it."
    )
    verification: VerificationEntry = Field(
        default_factory=VerificationEntry, description="How soon backups are proven."
    )
    heartbeats: HeartbeatsEntry | None = Field(
        default=None, description="Switches of this server's own, instead of the estate's."
    )
    drill: DrillEntry | None = Field(
        default=None, description="Limits of this server's own, instead of the estate's."
    )
    needs: NeedsEntry = Field(
        default_factory=NeedsEntry,
        description="The least of a new machine where a target names no size; "
        "providers with an API take 4 cores, 8 GB and 100 GB if nothing is said.",
    )


class SiteEntry(Form):
    """A client's site: where its files, databases and pages are, and what was promised."""

    name: Name = Field(description="Short name of the site.")
    title: str = Field(min_length=1, description="Name that people use.")
    server: Name = Field(description="Name of the server it is on.")
    domains: list[Domain] = Field(min_length=1, description="Host names that lead to the site.")
    roots: list[AbsolutePath] = Field(
        min_length=1, description="Directories with the site's files."
    )
    exclude: list[str] = Field(default_factory=list, description="Patterns of files not kept.")
    databases: list[DatabaseName] = Field(default_factory=list, description="Databases it uses.")
    tier: Tier = Field(default=Tier.HOURS_48, description="The promise made to the client.")
    priority: int = Field(default=50, ge=1, le=100, description="1 comes back first.")
    frequency: Frequency = Field(default=Frequency.DAILY, description="How often it is backed up.")
    smoke: list[SmokeEntry] = Field(min_length=1, description="Pages that must answer.")
    freshness: FreshnessEntry | None = Field(
        default=None, description="Query for the site's newest row."
    )
    login: LoginEntry | None = Field(default=None, description="Where the site's people log in.")
    links_ignored: list[str] = Field(
        default_factory=list, description="Parts of URLs that a drill does not follow."
    )
    picture_threshold: float = Field(
        default=0.25, ge=0, le=1, description="Share of pixels that may differ from production."
    )


class ClientEntry(Form):
    """A client of the agency: who is told when their sites are down, and in which words."""

    name: Name = Field(description="Short name of the client.")
    title: str = Field(min_length=1, description="Name of the client, as messages say it.")
    language: Language = Field(
        default=Language.FRENCH, description="Language of the messages: fr or en."
    )
    addresses: list[MailAddress] = Field(
        min_length=1, description="Mail addresses; each gets a message of its own."
    )
    sites: list[Name] = Field(min_length=1, description="Names of the client's sites.")
    first_message: FirstMessage = Field(
        default=FirstMessage.ASK,
        description="Whether the first message goes by itself or waits for a yes.",
    )
    templates: str = Field(
        default="",
        description="Folder with texts of this client's own, such as back.txt.",
    )

    @field_validator("templates")
    @classmethod
    def _from_the_estate_file(cls, folder: str, info: ValidationInfo) -> str:
        around = (info.context or {}).get("folder", Path())
        return str(around / Path(folder).expanduser()) if folder else ""


class Estate(Form):
    """All that the agency protects."""

    agency: Agency
    providers: list[Annotated[NamedBlockForm, BlockOf(VpsProvider)]] = Field(
        description="Providers that make machines."
    )
    repositories: list[Annotated[NamedBlockForm, BlockOf(Repository)]] = Field(
        description="Where backups go."
    )
    archives: list[Annotated[NamedBlockForm, BlockOf(Archive)]] = Field(
        default_factory=list, description="Where changes go within seconds."
    )
    zones: list[Annotated[NamedBlockForm, BlockOf(DnsZone)]] = Field(
        default_factory=list, description="DNS zones that lead to the sites."
    )
    notifiers: list[Annotated[NamedBlockForm, BlockOf(Notifier)]] = Field(
        default_factory=list, description="Where people are told."
    )
    probe: Annotated[BlockForm, BlockOf(Probe, named=False)] = Field(
        description="Who looks at the sites."
    )
    witnesses: list[Annotated[NamedBlockForm, BlockOf(Probe)]] = Field(
        default_factory=list,
        description="Who looks at the sites from other places: a server is down for two at least.",
    )
    alerts: list[Annotated[NamedBlockForm, BlockOf(AlertSource)]] = Field(
        default_factory=list, description="Monitors elsewhere whose alerts make us look."
    )
    watch: WatchEntry = Field(
        default_factory=WatchEntry, description="When the sites are looked at."
    )
    heartbeats: HeartbeatsEntry = Field(
        default_factory=HeartbeatsEntry, description="Dead-man's switches of the whole estate."
    )
    drill: DrillEntry = Field(
        default_factory=DrillEntry, description="Limits of drills, for servers without their own."
    )
    servers: list[ServerEntry] = Field(description="Production servers.")
    sites: list[SiteEntry] = Field(default_factory=list, description="Clients' sites.")
    clients: list[ClientEntry] = Field(
        default_factory=list, description="Clients who are told of an incident."
    )
    client_mail: Annotated[BlockForm, BlockOf(ClientMail, named=False)] | None = Field(
        default=None, description="The relay for mail to clients; not one of a protected server."
    )
    status_page: Annotated[BlockForm, BlockOf(StatusPage, named=False)] | None = Field(
        default=None, description="The public status page; not on a protected server."
    )
