"""Pieces of a continuous archive: binary logs, and files that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class LogId:
    """One binary log file, told from others of the same name by what its head says.

    Attributes:
        name: File name, such as mariadb-bin.000004.
        identity: First 16 hexadecimal digits of the SHA-256 over its first two events (format
            description with the time it was begun, list of GTIDs it follows), without the mark
            "in use" that is wiped when it is closed. "" when the server could not tell.
    """

    name: str
    identity: str = ""


@dataclass(frozen=True, slots=True)
class LogLink:
    """The binary log before this one, and how long it was when this one began."""

    log: LogId
    size: int


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Bytes `start` to `end` of a binary log; all that was committed until `at` is before `end`.

    Attributes:
        key: Name of the object.
        size: Bytes of the object (compressed, encrypted).
        follows: The log before; None for the first one in the server's index, and for every
            piece but those that begin a log.
        place: Which of the server's buckets it lies in, counted from 0.
    """

    key: str
    size: int
    at: datetime
    log: LogId
    start: int
    end: int
    follows: LogLink | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class FilePiece:
    """The files of a site that changed between `since` and `at`."""

    key: str
    size: int
    at: datetime
    site: str
    since: datetime
    place: int = 0


@dataclass(frozen=True, slots=True)
class ArchiveListing:
    """What the archive of one server holds, oldest first.

    Attributes:
        seen_until: Newest moment that any piece stands for; None for an empty archive.
    """

    logs: tuple[LogPiece, ...]
    files: tuple[FilePiece, ...]
    seen_until: datetime | None


@dataclass(frozen=True, slots=True)
class ShippedSite:
    """A site whose changed files are shipped: its directories, and patterns that are not kept."""

    name: str
    roots: tuple[str, ...]
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where a database service writes its binary logs, and how the pulse is written to it.

    Attributes:
        index: Absolute path of the index of binary logs.
        arguments: Words that lead the client program to the service.
        secrets: Environment of the client program.
        table: Quoted name of the pulse table: one row, the time of the newest pass.
    """

    index: str
    arguments: tuple[str, ...]
    table: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class AgentState:
    """What the agent on a server says of itself.

    Attributes:
        running: Whether its service runs.
        passed_at: When its newest complete pass began; None if there was none.
        error: What went wrong in the newest pass, "" for nothing.
    """

    running: bool
    passed_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class LogSpan:
    """A binary log up to `end`, and the objects that hold it: in order, perhaps overlapping."""

    log: LogId
    end: int
    pieces: tuple[LogPiece, ...]


@dataclass(frozen=True, slots=True)
class LogPoint:
    """A place between two transactions of a binary log.

    Attributes:
        log: The log it is in; `offset` bytes of it are before the point.
        gtid: The last transaction before it, "" if the log has none before it.
        gtids: Newest transaction before the point of each domain.
        at: When that last transaction was written (whole seconds); None without one.
    """

    log: LogId
    offset: int
    gtid: str
    gtids: tuple[str, ...]
    at: datetime | None
