"""What the memory twins of server, database and repository share: machines as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from blocks.errors import ContinuityError
from blocks.types import Account, Canary


@dataclass
class MemoryFile:
    """One file; a link has its target as content and `link` set."""

    content: bytes
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    link: bool = False
    changed: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


@dataclass
class MemoryTable:
    """One table: its rows are texts."""

    rows: list[str] = field(default_factory=list)
    engine: str = "InnoDB"


Schemas = dict[str, dict[str, MemoryTable]]


MARIADB = {"12": "10.11.19-MariaDB-0+deb12u1", "13": "11.8.3-MariaDB-0+deb13u1"}
"""Version of each release of Debian."""


@dataclass
class MemoryService:
    """A database service on a machine."""

    version: str = MARIADB["12"]
    passwords: dict[str, str] = field(default_factory=lambda: {"continuity": "secret"})
    schemas: Schemas = field(default_factory=dict)
    grants: list[str] = field(default_factory=list)
    canaries: list[Canary] = field(default_factory=list)
    newest: dict[tuple[str, str], datetime] = field(default_factory=dict)
    offset: int = 4
    copied: tuple[int, datetime] | None = None
    """Offset and time of the last physical copy."""
    read_only: bool = False
    followers: set[str] = field(default_factory=set)
    """Addresses that may follow this service."""
    follows: str = ""
    """Address of the service whose writes are applied here."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class MemoryMachine:
    """Everything on one machine that the contracts can see."""

    address: str
    host_key: str = "ssh-ed25519 AAAAmemory"
    staged_host_key: str = ""
    up: bool = True
    files: dict[str, MemoryFile] = field(default_factory=dict)
    untouched: set[str] = field(default_factory=set)
    """Files that are as their package brought them."""
    packages: list[str] = field(default_factory=list)
    release: str = "12"
    known_packages: set[str] | None = None
    """What the mirror has; None for everything."""
    accounts: list[Account] = field(default_factory=list)
    enabled: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    fenced: bool = False
    isolated: tuple[str, ...] | None = None
    joined: str = ""
    """Address of the machine whose files can be read from here."""
    closed: set[str] | None = None
    """Services that the maintenance stopped; None when there is none."""
    undo: list[str] = field(default_factory=list)
    kept_closed: bool = False
    leads_to: str = ""
    """Address that web visitors are passed on to."""
    taken: set[str] = field(default_factory=set)
    """Addresses that it has besides its own."""
    database: MemoryService | None = None
    disk_size: int = 50 * 1024**3
    disk_free: int = 40 * 1024**3
    clock: Callable[[], datetime] = _now
    streams: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    """Standard output of commands, by their words."""
    readers: list[Callable[[tuple[str, ...]], bytes | None]] = field(default_factory=list)
    """Asked in turn for the output of a command that `streams` does not hold."""
    jobs: set[str] = field(default_factory=set)
    failures: dict[str, ContinuityError] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Every call that could change something: method and what it was about."""


@dataclass
class MemoryWorld:
    """All machines of a test, by address; a machine is there as soon as it is asked for."""

    machines: dict[str, MemoryMachine] = field(default_factory=dict)
    make: Callable[[str], MemoryMachine] = MemoryMachine
    """Makes the machine at an address that is new."""
    led: dict[str, str] = field(default_factory=dict)
    """Address of the machine that a floating address is led to by its provider."""

    def machine(self, address: str) -> MemoryMachine:
        """Return the machine at this address; at a floating one, if the machine has taken it."""
        if address in self.led:
            there = self.machine(self.led[address])
            return there if address in there.taken else MemoryMachine(address, up=False)
        if address not in self.machines:
            self.machines[address] = self.make(address)
        return self.machines[address]
