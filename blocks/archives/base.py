"""A continuous archive: what changes on a server lies in a bucket seconds later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prefect.blocks.core import Block

from blocks.servers.base import Server
from blocks.types import (
    AgentState,
    ArchiveListing,
    FilePiece,
    LogPiece,
    LogSource,
    LogSpan,
    ShippedSite,
)


class Archive(Block, ABC):
    """Ships binary logs and changed files of servers, and gives them back.

    An agent on the server ships by itself; neither a worker nor a Prefect server is needed. Errors
    are those of `Server` and `ObjectStore`; content that is not what was put there is
    `DamagedData`.
    """

    @abstractmethod
    def start(
        self, server: Server, name: str, logs: LogSource | None, sites: Sequence[ShippedSite]
    ) -> bool:
        """Make sure that the agent ships for this server; return whether anything was changed.

        Idempotent. Nothing that is shipped is shipped again, also after a reboot of the server.
        """

    @abstractmethod
    def stop(self, server: Server) -> None:
        """Make sure that nothing is shipped from this machine any more. Idempotent."""

    @abstractmethod
    def state(self, server: Server) -> AgentState:
        """Ask the agent on the server how it is."""

    @abstractmethod
    def identity(self, server: Server, index: str, log: str) -> str:
        """Return what tells this binary log from others of its name; see `LogId`."""

    @abstractmethod
    def ship_again(self, server: Server, since: datetime) -> None:
        """Have all that changed in files since then shipped with the next pass.

        Called after files were copied: what changed during the copy is then in one piece.
        """

    @abstractmethod
    def listing(self, name: str, since: datetime | None = None) -> ArchiveListing:
        """Return what the archive of a server holds, from pieces not older than `since`."""

    @abstractmethod
    def read(self, piece: LogPiece) -> Iterator[bytes]:
        """Yield the bytes of a piece as they were on the server."""

    @abstractmethod
    def deliver_logs(
        self, server: Server, spans: Sequence[LogSpan], folder: str, *, timeout: timedelta
    ) -> tuple[str, ...]:
        """Write each log up to the span's end to a file of MariaDB's account; return the paths.

        Needs `age`, `zstd` and `curl` on the server. The folder is emptied first.
        """

    @abstractmethod
    def deliver_files(
        self,
        server: Server,
        pieces: Sequence[FilePiece],
        *,
        removals_after: datetime,
        timeout: timedelta,
    ) -> int:
        """Apply changes of files in their order; return how many files were written.

        Files that a piece newer than `removals_after` no longer knows in a changed folder are
        removed. Can be cut anywhere and run again.
        """
