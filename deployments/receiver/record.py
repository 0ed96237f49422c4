"""What was received: who, when, what came of it. A file, so that a restart accepts no replay."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blocks.errors import ConfigurationError, Unavailable
from deployments.receiver.verdicts import Verdict

KEPT = timedelta(days=30)
_PATIENCE = timedelta(seconds=60)
"""After this a message whose look was never started may be sent again: we were killed meanwhile."""

_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS received (
  number INTEGER PRIMARY KEY, at REAL NOT NULL, monitor TEXT NOT NULL, source TEXT NOT NULL,
  host TEXT NOT NULL, server TEXT NOT NULL, verdict TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS received_at ON received (at);
CREATE TABLE IF NOT EXISTS events (
  monitor TEXT NOT NULL, event TEXT NOT NULL, at REAL NOT NULL, answered INTEGER NOT NULL,
  PRIMARY KEY (monitor, event)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record."""

    at: datetime
    monitor: str
    source: str
    host: str
    server: str
    verdict: Verdict


class Record:
    """The record in one SQLite file; every call is one durable transaction, from any thread.

    Raises:
        ConfigurationError: The file cannot be made, or is none of ours.
        Unavailable: It cannot be read or written now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            with self._open() as base:
                base.executescript(_TABLES)
        except (OSError, Unavailable) as error:
            hint = f"look at it: ls -ld {path.parent}; name another: --state FILE"
            raise ConfigurationError(f"record {path}", f"cannot be used ({error})", hint) from error

    def claim(self, monitor: str, event: str, now: datetime) -> bool:
        """Take an event; return whether nobody has taken it before."""
        at = now.timestamp()
        forgotten = (at - KEPT.total_seconds(),)
        with self._open() as base:
            base.execute("DELETE FROM events WHERE at < ?", forgotten)
            base.execute("DELETE FROM received WHERE at < ?", forgotten)
            taken = base.execute(
                "INSERT INTO events VALUES (?, ?, ?, 0) ON CONFLICT DO UPDATE SET at = excluded.at"
                " WHERE answered = 0 AND excluded.at - at > ?",
                (monitor, event, at, _PATIENCE.total_seconds()),
            )
            return taken.rowcount == 1

    def answer(self, monitor: str, event: str, *, done: bool) -> None:
        """Say that an event led to what it should, or that it may be sent again."""
        words = "UPDATE events SET answered = 1" if done else "DELETE FROM events"
        with self._open() as base:
            base.execute(f"{words} WHERE monitor = ? AND event = ?", (monitor, event))

    def write(self, entry: Entry) -> None:
        """Add a line."""
        values = (
            *(entry.at.timestamp(), entry.monitor, entry.source),
            *(entry.host, entry.server, str(entry.verdict)),
        )
        with self._open() as base:
            base.execute("INSERT INTO received VALUES (NULL, ?, ?, ?, ?, ?, ?)", values)

    def entries(self, most: int) -> list[Entry]:
        """Return the newest lines, newest first."""
        query = (
            "SELECT at, monitor, source, host, server, verdict FROM received"
            " ORDER BY number DESC LIMIT ?"
        )
        with self._open() as base:
            rows = base.execute(query, (most,)).fetchall()
        return [
            Entry(datetime.fromtimestamp(at, UTC), monitor, source, host, server, Verdict(verdict))
            for at, monitor, source, host, server, verdict in rows
        ]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=5)) as base, base:
                base.execute("PRAGMA synchronous = FULL")
                yield base
        except sqlite3.Error as error:
            hint = f"look at the disk and at the file: df {self._path.parent}"
            raise Unavailable(f"record {self._path}", str(error), hint) from error
