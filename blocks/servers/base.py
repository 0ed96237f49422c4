"""A Debian machine that is reached by commands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field

from blocks.types import (
    Account,
    CommandResult,
    FileDigest,
    Overlay,
    RemoteCommand,
    ServerFacts,
    SshAddress,
)


class Server(Block, ABC):
    """Run commands and move small files on one machine, as root.

    Every call has its own timeout and raises an error of `blocks.errors`: `Unreachable`,
    `HostKeyMismatch`, `AuthenticationFailed`, `DeadlineExceeded`, `DiskFull` (recognised from what
    a command says), `CommandFailed`. Nothing a method is given as a secret shows in the server's
    process list, on its disk, in a log or in an error.
    """

    address: str = Field(title="Address", description="IPv4 address or host name of the machine.")

    @abstractmethod
    def at(self, address: str, host_key: str) -> Server:
        """Return the same way in (user, key) to another machine with another pinned host key."""

    @abstractmethod
    def authorized_key(self) -> str:
        """Return the SSH public key with which this block logs in."""

    # --- commands and files ---

    @abstractmethod
    def run(
        self,
        command: RemoteCommand | Sequence[str],
        *,
        timeout: timedelta,
        stdin: bytes = b"",
        job: str = "",
        accept: Iterable[int] = (0,),
    ) -> CommandResult:
        """Run one command and wait for its end.

        Args:
            command: The words, or a `RemoteCommand` with secrets.
            timeout: After this the remote process is killed and `DeadlineExceeded` raised.
            stdin: Bytes for the command's standard input.
            job: If given (lower case, digits, dashes), the command runs as the transient systemd
                unit `continuity-<job>`: a unit of that name still running is stopped first, it
                dies with the timeout even if this process does, and `stop_jobs` finds it.
            accept: Exit statuses that are not a failure.
        """

    @abstractmethod
    def pipe(
        self, source: RemoteCommand, sink: RemoteCommand, *, timeout: timedelta, job: str = ""
    ) -> CommandResult:
        """Run `source | sink` on the server; a failure of either is a failure of the whole."""

    @abstractmethod
    def stop_jobs(self, prefix: str = "") -> tuple[str, ...]:
        """Stop the units `continuity-<prefix>*` that still run; return their names."""

    @abstractmethod
    def put(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """Write a small file atomically (temporary name, then rename), owned by root."""

    @abstractmethod
    def put_file(self, local: Path, path: str, *, mode: int = 0o755) -> None:
        """Copy a local file (up to some 100 MB) to the server atomically."""

    @abstractmethod
    def get(self, path: str) -> bytes:
        """Return a file's content. Raises `NotFound`."""

    @abstractmethod
    def digests(self, paths: Sequence[str]) -> Mapping[str, FileDigest]:
        """Return checksum and last change of those of the paths that are regular files."""

    @abstractmethod
    def tunnel(self, port: int) -> AbstractContextManager[tuple[str, int]]:
        """Forward a local (host, port) to 127.0.0.1:`port` on the server while the block lasts."""

    @abstractmethod
    def answers(self, port: int, *, timeout: timedelta) -> bool:
        """Return whether anything accepts a TCP connection on the port; network errors are a no."""

    @abstractmethod
    def wait_ready(self, *, timeout: timedelta) -> None:
        """Wait until a login with the pinned host key works. Raises at once on a wrong key."""

    # --- its host key, which may have been known to others before the first login ---

    @abstractmethod
    def stage_host_key(self) -> str:
        """Make a new ed25519 host key beside the one in use; return its public half.

        It is not shown to anybody yet, and only root can read it. Idempotent: the same key is
        returned until `install_host_key` put it in force.
        """

    @abstractmethod
    def install_host_key(self, public: str) -> None:
        """Let new logins be shown the staged key, and no other; return when they are.

        Host keys of other types go, and so do the copies of the injected one that cloud-init keeps
        (as soon as it has ended, if they can be found). This block's connection lives on; another
        login needs a block with the new key (`at`). Idempotent, also when the key is in force.

        Raises:
            NotFound: The key is neither staged nor in force; nothing was changed.
        """

    # --- the system (Debian) ---

    @abstractmethod
    def facts(self) -> ServerFacts:
        """Read what the server is. Changes nothing."""

    @abstractmethod
    def release(self) -> str:
        """Return the release of Debian, such as 12; quicker than `facts`."""

    @abstractmethod
    def add_accounts(self, accounts: Sequence[Account]) -> tuple[str, ...]:
        """Create the missing accounts and groups with the given numbers; return the new accounts.

        Existing names are left as they are. A number taken by another name raises `AlreadyExists`,
        except for system accounts (below 1000): those get a free one. Idempotent.
        """

    @abstractmethod
    def offered_packages(self) -> frozenset[str]:
        """Return the names of all packages that can be installed, asking the mirror if needed."""

    @abstractmethod
    def install_packages(self, names: Sequence[str], *, timeout: timedelta) -> tuple[str, ...]:
        """Install the missing packages, without starting their services; return their names.

        Packages that the mirror does not know raise `NotFound` with their names before anything
        is installed. Kernels, boot loaders and a provider's agents are left out: another machine
        has its own. Repairs an interrupted installation first. Idempotent.
        """

    @abstractmethod
    def apply_configuration(self, staging: str, overlay: Overlay | None = None) -> tuple[str, ...]:
        """Put a restored configuration tree in force; return the paths that changed.

        `staging` is a directory on the server with the tree (`<staging>/etc/nginx/...`) as it was
        on the lost server. What belongs to the machine itself is left alone: fstab, hostname,
        hosts, machine-id, network, resolv.conf, SSH host keys and sshd's own settings, apt sources,
        boot. Password hashes and secondary groups of the accounts in
        `staging/etc/{shadow,group}` are merged in; owners follow names, not numbers. Idempotent.

        With an `overlay` the tree is of another release of Debian: its directories are renamed
        (and files in them that name their own directory follow), its kept paths stay this
        machine's, and only where sites are declared are foreign files deleted.
        """

    @abstractmethod
    def start_services(self, names: Sequence[str]) -> tuple[str, ...]:
        """Enable and start the named services that exist here; return those that run afterwards.

        A name that ends in `.timer` is a timer: it runs when it waits for its time. One that runs
        with an older configuration is restarted. The machine's own (ssh, network, systemd) are left
        alone. Raises `CommandFailed` with the last log lines of one that does not come up.
        Idempotent.
        """

    @abstractmethod
    def fence(self) -> None:
        """Stop and mask web server, PHP, database and cron so that no client is served any more.

        Masked until `unfence`, also across a reboot. Idempotent.
        """

    @abstractmethod
    def unfence(self) -> None:
        """Undo `fence`. Idempotent."""

    @abstractmethod
    def isolate(self, allowed: Sequence[str]) -> None:
        """Let the machine speak only with these IPv4 addresses (and answer who connects to it).

        For drills: restored cron jobs and sites must not send mail or call payment providers.
        Idempotent.
        """

    # --- an address that its provider leads from one machine to another ---

    @abstractmethod
    def take_address(self, address: str) -> None:
        """Have this IPv4 address, besides its own, now and after every boot; tell the neighbours.

        Whether anybody gets here by it is up to the provider. Idempotent. Raises
        `ConfigurationError` for what is no IPv4 address.
        """

    @abstractmethod
    def drop_address(self, address: str) -> None:
        """Undo `take_address`. Idempotent."""

    # --- taking over: one server follows another that serves, then stands in its place ---

    @abstractmethod
    def ssh_address(self) -> SshAddress:
        """Return how another machine reaches this one."""

    @abstractmethod
    def join(self, source: Server, port: int, local: int) -> None:
        """Give this machine a way to `source`: its files, read only, and one port of its loopback.

        That port is then reached at port `local` of this machine's own loopback. The key for it is
        made here and may do nothing else. Idempotent, until `part`.
        """

    @abstractmethod
    def part(self, source: Server) -> None:
        """Undo `join` on both sides. Idempotent."""

    @abstractmethod
    def pull(self, source: Server, paths: Sequence[str], *, timeout: timedelta) -> int:
        """Make these directories what they are on `source`; return how many entries changed.

        After `join`. What is not there any more is removed here. Can be cut and run again.
        """

    @abstractmethod
    def differences(
        self, source: Server, paths: Sequence[str], *, contents: bool, timeout: timedelta
    ) -> tuple[str, ...]:
        """Return a line for each entry that is not the same on `source`. Changes nothing.

        After `join`. Compares names, types, sizes, times, owners, modes and links; with `contents`
        also every byte.
        """

    @abstractmethod
    def begin_maintenance(
        self, services: Sequence[str], page: str, *, reopen_after: timedelta
    ) -> None:
        """Stop the services that run; where nginx is among them, answer 503 with this HTML page.

        The machine undoes it by itself after `reopen_after`, unless `keep_closed` came before.
        Idempotent; the time then counts anew.
        """

    @abstractmethod
    def add_undo(self, statement: str) -> None:
        """Let the end of the maintenance run this line of a shell, too, before services start."""

    @abstractmethod
    def end_maintenance(self) -> None:
        """Start what `begin_maintenance` stopped. Idempotent; refused after `keep_closed`."""

    @abstractmethod
    def keep_closed(self) -> None:
        """Never open again by itself. Raises `VerificationFailed` if it was open meanwhile."""

    @abstractmethod
    def lead_on(self, address: str) -> None:
        """Pass who still comes to ports 80 and 443 on to this address, until the next boot."""

    # --- markers: what has been done here, found again after a crash ---

    @abstractmethod
    def read_marker(self, name: str) -> str:
        """Return the text of a marker, "" if there is none."""

    @abstractmethod
    def write_marker(self, name: str, text: str) -> None:
        """Write a marker under /var/lib/continuity/markers, atomically and durably."""
