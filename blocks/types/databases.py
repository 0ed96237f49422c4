"""Databases as they were at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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


@dataclass(frozen=True, slots=True)
class Canary:
    """A known value written before a backup and required after a restore."""

    server: str
    nonce: str
    written_at: datetime
