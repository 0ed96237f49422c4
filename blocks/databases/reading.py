"""Read a MariaDB: facts, canary, newest row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import PurePosixPath

from pymysql.cursors import Cursor

from blocks.databases.connection import identifier
from blocks.errors import ConfigurationError, ProviderError
from blocks.types import Canary, DatabaseFacts, DatabaseSchema, TableFacts

SYSTEM_DATABASES = ("information_schema", "mysql", "performance_schema", "sys")
_SERIES = re.compile(r"(\d+\.\d+)\.\d+")
_TABLES = """
SELECT table_schema, table_name, COALESCE(engine, ''),
       COALESCE(data_length, 0) + COALESCE(index_length, 0)
FROM information_schema.tables
WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
ORDER BY table_schema, table_name
"""
_COLLATIONS = """
SELECT table_schema, collation_name FROM information_schema.columns
 WHERE collation_name IS NOT NULL
UNION SELECT schema_name, default_collation_name FROM information_schema.schemata
"""
_SCHEMAS = "SELECT schema_name FROM information_schema.schemata ORDER BY schema_name"


def series(version: str) -> str:
    """Return major and minor of a version, "" if it is none."""
    found = _SERIES.search(version)
    return found[1] if found else ""


def read_facts(cursor: Cursor) -> DatabaseFacts:
    """Read all databases with exact row counts, InnoDB's as of one moment."""
    cursor.execute("SELECT VERSION()")
    version = str(_first(cursor))
    cursor.execute(_SCHEMAS)
    names = [str(row[0]) for row in cursor.fetchall() if row[0] not in SYSTEM_DATABASES]
    cursor.execute(_TABLES)
    rows = [row for row in cursor.fetchall() if row[0] in names]
    cursor.execute(_COLLATIONS)
    collations = tuple(sorted({str(row[1]) for row in cursor.fetchall() if row[0] in names}))
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    schemas = tuple(
        _schema(cursor, name, [row for row in rows if row[0] == name]) for name in names
    )
    size = sum(each.size for each in schemas)
    return DatabaseFacts(version, series(version), size, schemas, collations)


def _schema(cursor: Cursor, name: str, rows: Sequence[tuple[object, ...]]) -> DatabaseSchema:
    tables = tuple(
        TableFacts(str(table), str(engine), _count(cursor, name, str(table)))
        for _, table, engine, _ in rows
    )
    return DatabaseSchema(name, sum(int(str(row[3])) for row in rows), tables)


def _count(cursor: Cursor, schema: str, table: str) -> int:
    # Identifiers cannot be parameters; they come from information_schema and are quoted.
    cursor.execute(f"SELECT COUNT(*) FROM {identifier(schema)}.{identifier(table)}")  # noqa: S608
    return int(str(_first(cursor)))


def _first(cursor: Cursor) -> object:
    row = cursor.fetchone()
    return row[0] if row else None


def write_canary(cursor: Cursor, database: str, canary: Canary) -> None:
    """Add the canary and flush the storage engine's log to the disk."""
    table = f"{identifier(database)}.canary"
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {identifier(database)}")
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (nonce varchar(64) PRIMARY KEY, "
        "server varchar(255) NOT NULL, written_at datetime(6) NOT NULL) ENGINE=InnoDB"
    )
    moment = canary.written_at.astimezone(UTC).replace(tzinfo=None)
    cursor.execute(
        f"REPLACE INTO {table} (nonce, server, written_at) VALUES (%s, %s, %s)",  # noqa: S608
        (canary.nonce, canary.server, moment),
    )
    cursor.execute(f"DELETE FROM {table} WHERE written_at < %s - INTERVAL 90 DAY", (moment,))  # noqa: S608
    cursor.connection.commit()
    # innodb_flush_log_at_trx_commit may be relaxed on a busy server.
    cursor.execute("FLUSH ENGINE LOGS")


def read_pulse(cursor: Cursor, database: str) -> datetime | None:
    """Return the time in the pulse table, None when the table is missing or empty."""
    if not _exists(cursor, database, "pulse"):
        return None
    return newest(cursor, database, "SELECT MAX(beaten_at) FROM pulse")


def _exists(cursor: Cursor, database: str, table: str) -> bool:
    cursor.execute(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema=%s AND table_name=%s",
        (database, table),
    )
    return bool(_first(cursor))


def read_canary(cursor: Cursor, database: str, nonce: str) -> Canary | None:
    """Return the newest canary, or the one with this nonce; None when there is none."""
    if not _exists(cursor, database, "canary"):
        return None
    cursor.execute(
        f"SELECT server, nonce, written_at FROM {identifier(database)}.canary "  # noqa: S608
        "WHERE %s IN ('', nonce) ORDER BY written_at DESC, nonce LIMIT 1",
        (nonce,),
    )
    row = cursor.fetchone()
    return Canary(str(row[0]), str(row[1]), moment(row[2], "the canary")) if row else None


def log_index(cursor: Cursor, subject: str) -> str:
    """Return the path of the index of binary logs, "" if none are written."""
    cursor.execute("SELECT @@log_bin, COALESCE(@@log_bin_index, ''), @@encrypt_binlog, @@datadir")
    row = cursor.fetchone()
    on, index, encrypted, folder = row if row else (0, "", 0, "")
    if not on or not index:
        return ""
    if encrypted:
        raise ConfigurationError(
            subject,
            "encrypts its binary logs, so that no other server could replay them",
            "set encrypt_binlog = OFF: the archive is encrypted; or leave `archive` out",
        )
    return str(PurePosixPath(str(folder)) / str(index))


def make_pulse_table(cursor: Cursor, database: str) -> str:
    """Make the table of one row that the archive writes the time to; return its quoted name."""
    table = f"{identifier(database)}.pulse"
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {identifier(database)}")
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (id tinyint PRIMARY KEY, "
        "beaten_at datetime(6) NOT NULL) ENGINE=InnoDB"
    )
    return table


def newest(cursor: Cursor, database: str, query: str) -> datetime | None:
    """Return the first value of the query's first row as a UTC time."""
    cursor.execute(f"USE {identifier(database)}")
    cursor.execute("START TRANSACTION READ ONLY")
    cursor.execute(query)
    value = _first(cursor)
    return None if value is None else moment(value, f"query {query!r} on {database}")


def moment(value: object, subject: str) -> datetime:
    """Return a database's time (UTC, without a zone) as an aware one."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ConfigurationError(
        subject,
        f"gives {value!r}, which is not a time",
        "let it select one DATETIME or TIMESTAMP, such as SELECT MAX(created_at) FROM orders",
    )


_BINLOG = re.compile(
    r"^binlog_pos = filename '([^']+)', position '(\d+)'"
    r"(?:, GTID of the last change '([^']*)')?\s*$",
    re.MULTILINE,
)


def parse_position(subject: str, text: str) -> tuple[str, int, str]:
    """Return binlog file, offset and GTID from what mariadb-backup writes as xtrabackup_info."""
    found = _BINLOG.search(text)
    if found is None or "\nend_time = " not in text:
        raise ProviderError(
            subject,
            "xtrabackup_info holds no binary log position of a complete copy",
            "is log_bin on? On the server: mariadb -e 'SHOW MASTER STATUS'; then back up again",
        )
    return found[1], int(found[2]), found[3] or ""
