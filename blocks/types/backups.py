"""Snapshots, recovery sets and what lies in a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from blocks.types.databases import Canary, DatabaseFacts, Position
from blocks.types.promises import Frequency
from blocks.types.servers import ServerFacts


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
    UNDO = "undo"
    """One database as SQL, from right before its site went back; belongs to no set."""


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
        database_facts_after: The databases once more, right after the physical copy: a table whose
            rows are the same before and after must hold just as many in the copy.
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
    database_facts_after: DatabaseFacts | None = None


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
