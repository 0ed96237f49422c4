"""Values that blocks take and return. Plain, frozen, without Prefect, I/O or clock.

Sizes are bytes, durations are timedelta, times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Tier(StrEnum):
    """The promise made to a client: the longest time a site may be down."""

    HOURS_48 = "48h"
    HOUR_1 = "1h"


class Frequency(StrEnum):
    """How often a site is backed up."""

    DAILY = "daily"
    WEEKLY = "weekly"


# --- commands on a server -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """A command to run on a server.

    Attributes:
        argv: The words of the command. Never holds a secret: argv is visible to every user.
        secrets: Environment variables handed over on standard input, never stored on disk.
    """

    argv: tuple[str, ...]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a remote command gave back. `stderr` holds its last 64 KiB."""

    status: int
    stdout: bytes
    stderr: str


@dataclass(frozen=True, slots=True)
class Account:
    """One line of /etc/passwd with the groups the user is in besides the primary one."""

    name: str
    uid: int
    gid: int
    group: str
    home: str
    shell: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server is, read at one moment."""

    hostname: str
    distribution: str
    release: str
    cores: int
    memory: int
    disk_size: int
    disk_free: int
    packages: tuple[str, ...]
    """Packages that were asked for by name (apt-mark showmanual), sorted."""
    accounts: tuple[Account, ...]
    services: tuple[str, ...]
    """Enabled systemd services, sorted."""
    clock: datetime


# --- databases ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table and its exact number of rows at the time of the look."""

    name: str
    engine: str
    rows: int


@dataclass(frozen=True, slots=True)
class DatabaseSchema:
    """One database of a server (system databases are left out)."""

    name: str
    size: int
    tables: tuple[TableFacts, ...]


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """A database server as it was at one moment."""

    version: str
    """Full version, such as 10.11.19-MariaDB-0+deb12u1."""
    series: str
    """Major and minor, such as 10.11: a physical copy is only restored into the same series."""
    size: int
    schemas: tuple[DatabaseSchema, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the binary log a physical copy stands; what it holds is consistent at `at`."""

    file: str
    offset: int
    gtid: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Canary:
    """A known value written before a backup and required after a restore."""

    server: str
    nonce: str
    written_at: datetime


# --- repositories ---------------------------------------------------------------------------


class Part(StrEnum):
    """What a snapshot holds of a server."""

    PHYSICAL = "physical"
    """The whole database server, as an xbstream."""
    DATABASE = "database"
    """One database as SQL."""
    GRANTS = "grants"
    """Database users and their rights as SQL."""
    SITE = "site"
    """The files of one site."""
    CONFIGURATION = "configuration"
    """Server configuration: web server, PHP, certificates, cron, ..."""


@dataclass(frozen=True, slots=True)
class Label:
    """Names a snapshot: of which server and set, which part, and of what (site or database)."""

    server: str
    set_id: str
    part: Part
    subject: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One restic snapshot.

    Attributes:
        id: Full hexadecimal snapshot id.
        tree: Hexadecimal id of its root tree: equal trees hold equal contents.
        size: Bytes it restores to.
        added: Bytes that were new and had to be sent (after compression).
        files: Number of files.
    """

    id: str
    label: Label
    tree: str
    time: datetime
    size: int
    added: int
    files: int


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """What a manifest says of one snapshot; the repository must say the same.

    Attributes:
        taken_in: The set that took it. Differs from the manifest's own set for a site that was
            not due: its newest snapshot is carried over, so that every set is complete.
        time: The moment whose state it holds, as far as a walk through files has one.
    """

    id: str
    part: Part
    subject: str
    tree: str
    size: int
    added: int
    files: int
    time: datetime
    taken_in: str


@dataclass(frozen=True, slots=True)
class RecoverySet:
    """Everything one backup run took of one server, complete and checked: its manifest.

    Attributes:
        id: `<server>-<UTC time of start as YYYYMMDDTHHMMSSZ>`; sorts by time within a server.
        consistent_at: The databases are as they were at this moment (end of the physical copy).
        sites: Names of the sites it can bring back.
        read_back: What was read from the bucket again and found right before this was written.
    """

    id: str
    server: str
    frequency: Frequency
    started_at: datetime
    consistent_at: datetime
    finished_at: datetime
    sites: tuple[str, ...]
    snapshots: tuple[SnapshotRef, ...]
    server_facts: ServerFacts
    database_facts: DatabaseFacts | None
    position: Position | None
    canary: Canary
    read_back: ReadBack
    format: int = 1


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Objects that were read from the bucket again and whose content is what its name says."""

    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What a restore of files did."""

    files: int
    bytes: int
    skipped: int
    """Files that were already there, unchanged."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a bucket."""

    key: str
    size: int
    etag: str
    modified: datetime


# --- machines -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HostKey:
    """An SSH host key pair; `public` is "ssh-ed25519 AAAA..." without a comment."""

    public: str
    private: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """What a new machine must be.

    Attributes:
        name: Deterministic for one incident, so that it can be found again.
        tags: Found by these; always holds `managed-by`, `purpose`, `incident`, `server`.
        size: The provider's own name of a size, or "" for its default.
        region: The provider's own name of a place, or "".
        authorized_key: SSH public key allowed to log in as root.
        expires_at: After this the sweep may destroy it (drills), None for a machine that stays.
    """

    name: str
    tags: Mapping[str, str]
    size: str
    region: str
    authorized_key: str
    host_key: HostKey
    expires_at: datetime | None = None


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
    """The public host key it was made with."""
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MachineSize:
    """A size that can be ordered."""

    name: str
    cores: int
    memory: int
    disk: int


# --- DNS ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class AddressRecord:
    """All addresses of one name. `name` is absolute without the final dot, `type` is A or AAAA."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class AddressChange:
    """Replace one record's addresses. Empty `new` removes the record."""

    name: str
    type: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    ttl: int


# --- sites and probes -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SmokeCheck:
    """One page that must answer.

    Attributes:
        url: Absolute http(s) URL; its host is sent as Host header and SNI.
        status: Expected HTTP status.
        contains: Text that must be in the body, "" for none.
        needs_database: Whether the page shows that the database answers.
    """

    url: str
    status: int = 200
    contains: str = ""
    needs_database: bool = False


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """How one page answered at one address."""

    check: SmokeCheck
    address: str
    passed: bool
    observed: str
    """One sentence: what was seen, for people."""
    seconds: float
