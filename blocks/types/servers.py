"""Commands on a server, and what a server is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


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
    untouched: tuple[str, ...] = ()
    """Configuration files that are still as their package brought them."""
    timers: tuple[str, ...] = ()
    """Enabled systemd timers with their `.timer`, sorted; sets of earlier releases name none."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """How a configuration is put over that of another release of Debian.

    Attributes:
        renamed: Directories that have another name here: old and new absolute path.
        kept: Paths (rsync patterns from the root) of which the machine's own stay.
    """

    renamed: tuple[tuple[str, str], ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SshAddress:
    """Where a server's sshd listens, whom to log in as, and which host key it must show."""

    address: str
    port: int
    user: str
    host_key: str
