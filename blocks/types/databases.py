"""Databases as they were at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from blocks.types.archives import LogId


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
    collations: tuple[str, ...] = ()
    """All that are in use, sorted: another server must know them."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the binary log a physical copy stands; what it holds is consistent at `at`."""

    file: str
    offset: int
    gtid: str
    at: datetime
    identity: str = ""
    """What tells the log from others of its name (see `LogId`); "" if the set has no archive."""

    @property
    def log(self) -> LogId:
        """The log it is in."""
        return LogId(self.file, self.identity)


@dataclass(frozen=True, slots=True)
class Canary:
    """A known value written before a backup and required after a restore."""

    server: str
    nonce: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class TableContent:
    """One table, how many rows it has, and the server's checksum over them ("" if not asked)."""

    name: str
    """With its database: boutique.orders."""
    rows: int
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseContent:
    """What some databases of a service hold.

    Attributes:
        databases: Those that exist of the ones asked for.
        programs: Views, routines, triggers and events, a line each, with a hash of what they say.
        gtid: The last transaction of the service, "" if it writes no binary logs.
    """

    databases: tuple[str, ...]
    size: int
    tables: tuple[TableContent, ...]
    programs: tuple[str, ...]
    gtid: str = ""


@dataclass(frozen=True, slots=True)
class AccountRights:
    """One account of a database service, and which databases it may work on.

    Attributes:
        account: Quoted for use in SQL: 'shop'@'localhost'.
        databases: Names, or patterns, as they are in its rights.
        elsewhere: Whether it has rights on the whole service, or through a role.
        locked: Whether it may not log in.
    """

    account: str
    databases: tuple[str, ...]
    elsewhere: bool
    locked: bool
