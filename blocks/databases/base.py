"""A MariaDB on a server: read it, copy it, bring it back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from prefect.blocks.core import Block

from blocks.servers.base import Server
from blocks.types import (
    Access,
    AccountRights,
    Canary,
    DatabaseContent,
    DatabaseFacts,
    LogSource,
    Position,
    RemoteCommand,
)

REPLAY_FOLDER = "/var/lib/continuity/replay/logs"


class Database(Block, ABC):
    """One database service; each method is told on which server it is.

    Reading goes through a tunnel with the block's own account (so that it proves the account);
    restores run on the server as root over the local socket. Errors: `AuthenticationFailed`,
    `Unreachable`, `CommandFailed`, `DiskFull`, `DeadlineExceeded`.
    """

    # --- reading ---

    @abstractmethod
    def access(self, server: Server) -> Access:
        """Log in with the account; say who it is, and which rights that a backup needs it has."""

    @abstractmethod
    def facts(self, server: Server) -> DatabaseFacts:
        """Read version, databases, tables and their exact row counts. Changes nothing."""

    @abstractmethod
    def read_canary(self, server: Server, nonce: str = "") -> Canary | None:
        """Return the newest canary row, or the one with this nonce; None if there is none."""

    @abstractmethod
    def read_pulse(self, server: Server) -> datetime | None:
        """Return when the archive's newest pass began that the data knows, None without archive."""

    @abstractmethod
    def newest(self, server: Server, database: str, query: str) -> datetime | None:
        """Run a read-only query that gives one time (UTC); None if it gives NULL or no row."""

    @abstractmethod
    def log_source(self, server: Server) -> LogSource | None:
        """Return where binary logs are written, None if none are; make the pulse table if missing.

        Raises `ConfigurationError` if they are encrypted: nobody else could read them.
        """

    @abstractmethod
    def begin_log(self, server: Server) -> None:
        """Begin a new binary log, if any are written: what follows is in few objects."""

    @abstractmethod
    def canary_home(self) -> str:
        """Return the name of the database that holds the canary."""

    # --- backup: commands whose standard output is the backup ---

    @abstractmethod
    def write_canary(self, server: Server, canary: Canary) -> None:
        """Write the canary row, creating `continuity.canary` when missing. Durable on return."""

    @abstractmethod
    def physical_copy(self) -> RemoteCommand:
        """Return the command that streams the whole server as an xbstream without stopping it."""

    @abstractmethod
    def physical_position(self, server: Server) -> Position:
        """Return where the last `physical_copy` on this server stands (read from what it left)."""

    @abstractmethod
    def logical_dump(self, database: str) -> RemoteCommand:
        """Return the command that dumps one database with routines, triggers and events as SQL."""

    @abstractmethod
    def grants_dump(self) -> RemoteCommand:
        """Return the command that dumps users and their rights as SQL (re-runnable)."""

    # --- restore ---

    @abstractmethod
    def installed_series(self, server: Server) -> str:
        """Return the series of the installed service, such as 10.11, running or not; "" if none."""

    @abstractmethod
    def restore_physical(
        self,
        server: Server,
        stream: RemoteCommand,
        *,
        snapshot: str,
        timeout: timedelta,
        size: int = 0,
    ) -> None:
        """Replace the server's data by the copy that `stream` writes out, and start the service.

        Extracts beside the live directory, prepares, then swaps by rename; a run killed anywhere in
        between is repaired by running again. `snapshot` names the copy: if the server already
        holds it (marker), nothing is done but starting the service. With a `size` (bytes), room
        for it is required first: `DiskFull`.
        """

    @abstractmethod
    def restore_logical(
        self,
        server: Server,
        database: str,
        stream: RemoteCommand,
        *,
        snapshot: str,
        timeout: timedelta,
    ) -> None:
        """Load one database from SQL into the running service, replacing it. Marked like above."""

    @abstractmethod
    def restore_grants(self, server: Server, stream: RemoteCommand, *, timeout: timedelta) -> None:
        """Load users and rights. Idempotent."""

    @abstractmethod
    def replay(
        self,
        server: Server,
        *,
        begin: int,
        gtids: Sequence[str],
        marker: str,
        timeout: timedelta,
    ) -> None:
        """Apply the binary logs in `REPLAY_FOLDER`, in the order of their names, from `begin` on.

        On the data of a physical copy that stands at offset `begin` of the first one, while nobody
        writes. Afterwards the newest transaction of each domain must be among `gtids`:
        `VerificationFailed`. Killed anywhere, it goes on when run again; with the marker of a
        replay that was done, it does nothing.
        """

    # --- following a service that goes on, and taking over from it ---

    @abstractmethod
    def follow(self, server: Server, source: Server, *, local: int, gtid: str) -> None:
        """Let the service on `server` apply what the one on `source` writes, as it writes it.

        On the data of a physical copy that stands at `gtid`; nobody else can write there until
        `take_over`. `local` is the port of the server's loopback that leads to the source. The
        source gets an account for it that can do nothing else. Idempotent.
        """

    @abstractmethod
    def catch_up(self, server: Server, source: Server, *, timeout: timedelta) -> str:
        """Wait until all that the source has written now is applied; return up to where (GTID).

        Raises `VerificationFailed` if it does not follow any more, and why.
        """

    @abstractmethod
    def release_line(self, source: Server) -> str:
        """Return the line of a shell that undoes `hold_writes`; asked for before it."""

    @abstractmethod
    def hold_writes(self, source: Server) -> None:
        """Let nobody write but root: end connections, stop events. Idempotent."""

    @abstractmethod
    def take_over(self, server: Server, source: Server) -> None:
        """Let the service follow nobody any more, and be written to. Idempotent."""

    @abstractmethod
    def shut_out(self, source: Server) -> None:
        """Remove the account that `follow` made on the source. Idempotent."""

    @abstractmethod
    def source_port(self) -> int:
        """Return the port of a server's loopback at which the service listens."""

    # --- some databases of a service that goes on ---

    @abstractmethod
    def content(
        self, server: Server, databases: Sequence[str], *, checksums: bool
    ) -> DatabaseContent:
        """Read what these databases hold; with checksums every row is read. Changes nothing."""

    @abstractmethod
    def row_hashes(self, server: Server, tables: Sequence[str]) -> Mapping[str, str]:
        """Return a hash over the rows of tables (`database.table`) as an SQL export has them."""

    @abstractmethod
    def accounts(self, server: Server) -> tuple[AccountRights, ...]:
        """Return all accounts, roles left out, with what they may work on."""

    @abstractmethod
    def close_accounts(self, server: Server, accounts: Sequence[str]) -> None:
        """Let accounts not log in any more, and end their connections. Not in binary logs."""

    @abstractmethod
    def open_accounts(self, server: Server, accounts: Sequence[str]) -> None:
        """Let accounts log in again; those that are gone are left out. Idempotent."""

    @abstractmethod
    def scratch(self, server: Server) -> Scratch:
        """Return the second instance on this server, whether or not it is there."""


class Scratch(ABC):
    """A second instance beside a running service: own data, own socket, no network, limits.

    It cannot reach the service's files. In this order: `remove`, `restore`, logs into
    `log_folder`, `start`, `replay`; then it is read and handed over. Errors as those of `Database`.
    """

    log_folder: str
    """Where binary logs are put before the start."""

    @abstractmethod
    def room(self) -> int:
        """Return how many bytes are free where its data would be, and the service's is."""

    @abstractmethod
    def remove(self) -> bool:
        """Stop it and remove all that is of it; return whether there was anything. Idempotent."""

    @abstractmethod
    def restore(self, stream: RemoteCommand, *, snapshot: str, timeout: timedelta) -> None:
        """Make its data from the physical copy that `stream` writes out."""

    @abstractmethod
    def start(self) -> None:
        """Start it with the settings that the service's data needs."""

    @abstractmethod
    def replay(self, *, begin: int, gtids: Sequence[str], timeout: timedelta) -> None:
        """Apply the logs in `log_folder`; see `Database.replay`."""

    @abstractmethod
    def content(self, databases: Sequence[str]) -> DatabaseContent:
        """Read what these databases hold here, with checksums."""

    @abstractmethod
    def row_hashes(self, tables: Sequence[str]) -> Mapping[str, str]:
        """Return a hash over the rows of tables as an SQL export has them."""

    @abstractmethod
    def hand_over(self, databases: Sequence[str], *, timeout: timedelta) -> None:
        """Replace the service's databases by these, all but their events. Can be repeated."""

    @abstractmethod
    def hand_over_events(self, databases: Sequence[str], *, timeout: timedelta) -> None:
        """Make the events of these databases in the service. After `hand_over`."""
