"""What the estate file says of one production server, and of what replaces it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from blocks.domain import DeclaredDomain
from blocks.monitors.base import Heartbeat
from blocks.servers.protected import DrillLimits, Needs, Retention, Verification
from deployments.block_forms import BlockForm, BlockOf, FieldsOf, Form
from deployments.estate_words import AbsolutePath, Address, Name

CONFIGURATION = ("/etc", "/var/spool/cron", "/usr/local/bin", "/usr/local/sbin", "/usr/local/etc")
"""What makes up a Debian server's configuration when nothing else is said."""


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
