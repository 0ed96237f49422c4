"""One bucket of a continuous archive: what changes on a server lies there seconds later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prefect.blocks.core import Block
from pydantic import Field

from blocks.archives.agent import Destination
from blocks.domain import DeclaredDomain
from blocks.repositories.versions import VersionedObjects
from blocks.servers.base import Server
from blocks.types import ArchiveListing, FailureDomain, KeyRole, LogPiece, SelfTest, StoreAddress


class Archive(Block, ABC):
    """A bucket that an agent on each server ships binary logs and changed files to.

    Errors are those of `Server` and `ObjectStore`; content that is not what was put there is
    `DamagedData`, with the piece's key as its subject. See `ArchivePlaces` for all the buckets of
    one server.
    """

    domain: DeclaredDomain = Field(
        default_factory=DeclaredDomain,
        title="Failure domain",
        description="Provider, site and account of this archive.",
    )
    interval_seconds: int = Field(
        default=15, ge=5, le=30, title="Interval", description="Seconds from one pass to the next."
    )

    lock_days: int = Field(
        default=14,
        ge=5,
        le=400,
        title="Lock days",
        description="Days for which what live sets need of it stays locked, at the least half.",
    )

    def lock_time(self) -> timedelta:
        """Return how long ahead everything that live sets need shall be locked."""
        return timedelta(days=self.lock_days)

    @abstractmethod
    def place(self) -> str:
        """Name where it lies; what was kept about another place says nothing about this one."""

    @abstractmethod
    def check_key(self, role: KeyRole) -> str:
        """Log in to the store with the key made for this role; return its id. Changes nothing.

        The agent's key may not even list, so being told that is taken for a log-in. What a key may
        do besides is for `self_test` to find out.
        """

    @abstractmethod
    def self_test(self, at: datetime) -> SelfTest:
        """Try with each key what an attacker would try, on an object of our own."""

    @abstractmethod
    def retains(self) -> bool:
        """Return whether there is a key that may lengthen locks."""

    @abstractmethod
    def versions(self) -> VersionedObjects:
        """Return all versions of its pieces, with the key that may lengthen locks."""

    @abstractmethod
    def address(self) -> StoreAddress:
        """Return where it lies, for a person who has to type it by hand."""

    @abstractmethod
    def failure_domain(self) -> FailureDomain:
        """Return the declared domain with the id of the key that servers write with."""

    @abstractmethod
    def destination(self, name: str) -> Destination:
        """Return where the agent of a server ships to, and with which key."""

    @abstractmethod
    def addresses(self) -> tuple[str, ...]:
        """Return the store's IPv4 addresses: an isolated machine fetches from there.

        Raises `Unreachable` if its name cannot be resolved.
        """

    @abstractmethod
    def listing(self, name: str, since: datetime | None = None) -> ArchiveListing:
        """Return what the archive of a server holds, from pieces not older than `since`."""

    @abstractmethod
    def read(self, piece: LogPiece) -> Iterator[bytes]:
        """Yield the bytes of a piece as they were on the server."""

    @abstractmethod
    def fetch(self, server: Server, keys: Sequence[str], folder: str, timeout: timedelta) -> None:
        """Bring objects to a server, decrypted and still compressed: files `1`, `2`, ... in order.

        Needs `age` and `curl` on the server. The folder is emptied first. Raises `Unavailable` when
        the server cannot get them from the store.
        """
