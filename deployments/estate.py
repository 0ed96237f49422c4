"""What the estate file says: servers, sites and all that protects them.

Only the shape of each entry is checked here; what entries say of each other is checked in
`deployments.estate_checks`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from blocks.agency import Person, Supplier
from blocks.archives.base import Archive
from blocks.client_mail.base import ClientMail
from blocks.dns.base import DnsZone
from blocks.monitors.base import AlertSource, Probe
from blocks.notify.base import Notifier
from blocks.repositories.base import Repository
from blocks.sites.site import Freshness, LoginPage, SmokePage
from blocks.status_pages.base import StatusPage
from blocks.types import Frequency, Tier
from blocks.types.clients import FirstMessage, Language
from blocks.vps.base import VpsProvider
from deployments.block_forms import BlockForm, BlockOf, Form, NamedBlockForm
from deployments.estate_server import (
    DrillEntry,
    HeartbeatsEntry,
    ServerEntry,
)
from deployments.estate_words import AbsolutePath, DatabaseName, Domain, MailAddress, Name


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
