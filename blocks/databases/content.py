"""Read what some databases hold, and who may write there, over a local socket as root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from blocks.databases.connection import identifier
from blocks.servers.base import Server
from blocks.types import AccountRights, DatabaseContent, TableContent

_LONG = timedelta(hours=2)
"""An exact count of a large table reads all of it."""

_LIST = """
SELECT 'gtid', @@GLOBAL.gtid_binlog_pos;
SELECT 'database', SCHEMA_NAME FROM information_schema.SCHEMATA
  WHERE SCHEMA_NAME IN ({names}) ORDER BY SCHEMA_NAME;
SELECT 'table', TABLE_SCHEMA, TABLE_NAME, COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0)
  FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND TABLE_SCHEMA IN ({names}) ORDER BY TABLE_SCHEMA, TABLE_NAME;
SELECT 'program', CONCAT_WS(' ', 'view', CONCAT(TABLE_SCHEMA, '.', TABLE_NAME),
  MD5(CONCAT_WS('|', VIEW_DEFINITION, DEFINER, SECURITY_TYPE, CHECK_OPTION)))
  FROM information_schema.VIEWS WHERE TABLE_SCHEMA IN ({names});
SELECT 'program', CONCAT_WS(' ', LOWER(ROUTINE_TYPE), CONCAT(ROUTINE_SCHEMA, '.', ROUTINE_NAME),
  MD5(CONCAT_WS('|', ROUTINE_DEFINITION, DTD_IDENTIFIER, DEFINER, SECURITY_TYPE, SQL_MODE)))
  FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA IN ({names});
SELECT 'program', CONCAT_WS(' ', 'trigger', CONCAT(TRIGGER_SCHEMA, '.', TRIGGER_NAME),
  MD5(CONCAT_WS('|', EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER,
  ACTION_STATEMENT, DEFINER, SQL_MODE)))
  FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA IN ({names});
SELECT 'program', CONCAT_WS(' ', 'event', CONCAT(EVENT_SCHEMA, '.', EVENT_NAME),
  MD5(CONCAT_WS('|', EVENT_DEFINITION, STATUS, INTERVAL_VALUE, INTERVAL_FIELD, DEFINER, SQL_MODE)))
  FROM information_schema.EVENTS WHERE EVENT_SCHEMA IN ({names});
"""
_ACCOUNTS = """
SELECT 'account', CONCAT(QUOTE(User), '@', QUOTE(Host)),
  COALESCE(JSON_VALUE(Priv, '$.access'), 0) <> 0, COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0)
  FROM mysql.global_priv WHERE COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) = 0 ORDER BY User, Host;
SELECT 'on', CONCAT(QUOTE(User), '@', QUOTE(Host)), Db FROM mysql.db
UNION SELECT 'on', CONCAT(QUOTE(User), '@', QUOTE(Host)), Db FROM mysql.tables_priv
UNION SELECT 'on', CONCAT(QUOTE(User), '@', QUOTE(Host)), Db FROM mysql.procs_priv;
SELECT 'role', CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.roles_mapping;
"""
# Rows as SQL writes them, in the order of the primary key: says the same of the same values even
# where their bytes differ, such as numbers that an export rounds.
_HASH_ROWS = r"""
set -o pipefail
while IFS=$'\t' read -r database table; do
  sum=$("$@" "$database" "$table" | sha256sum) || exit 1
  printf '%s.%s\t%s\n' "$database" "$table" "${sum%% *}"
done
"""


_PLAIN_ROWS = (
    *("--compact", "--no-create-info", "--skip-triggers", "--order-by-primary", "--hex-blob"),
    *("--single-transaction", "--skip-extended-insert", "--default-character-set=utf8mb4"),
)


@dataclass(frozen=True, slots=True)
class Instance:
    """A MariaDB that runs on a server, by its local socket ("" for where the service has it)."""

    server: Server
    socket: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words that lead a client program to it, as root."""
        socket = (f"--socket={self.socket}",) if self.socket else ()
        return ("--no-defaults", "--protocol=socket", *socket, "--user=root")

    def sql(
        self,
        statements: str,
        *,
        timeout: timedelta = timedelta(seconds=60),
        accept: Sequence[int] = (0,),
        headings: bool = False,
    ) -> str:
        """Run statements; return the lines of their results, columns parted by tabs."""
        names = () if headings else ("--skip-column-names",)
        charset = "--default-character-set=utf8mb4"
        words = ("mariadb", *self.arguments, "--batch", "--raw", charset, *names)
        done = self.server.run(words, timeout=timeout, stdin=statements.encode(), accept=accept)
        return done.stdout.decode(errors="replace")

    def rows(self, statements: str, *, timeout: timedelta = _LONG) -> list[list[str]]:
        """Run statements; return the columns of each line of their results."""
        return [line.split("\t") for line in self.sql(statements, timeout=timeout).splitlines()]


def read_content(
    instance: Instance, databases: Sequence[str], *, checksums: bool
) -> DatabaseContent:
    """Read what these databases hold; checksums make the server read every row."""
    listed = instance.rows(_LIST.format(names=", ".join(map(quoted, databases)) or "''"))
    tables = [(row[1], row[2]) for row in listed if row[0] == "table"]
    rows = {row[0]: int(row[1]) for row in instance.rows(_counts(tables))} if tables else {}
    sums = {}
    if checksums and tables:
        names = ", ".join(_whole(*table) for table in tables)
        sums = {row[0]: row[1] for row in instance.rows(f"CHECKSUM TABLE {names}")}
    return DatabaseContent(
        databases=tuple(row[1] for row in listed if row[0] == "database"),
        size=sum(int(row[3]) for row in listed if row[0] == "table"),
        tables=tuple(
            TableContent(name, rows[name], sums.get(name, ""))
            for name in (f"{database}.{table}" for database, table in tables)
        ),
        programs=tuple(sorted(row[1] for row in listed if row[0] == "program")),
        gtid=next((row[1] for row in listed if row[0] == "gtid" and row[1:]), ""),
    )


def _counts(tables: Sequence[tuple[str, str]]) -> str:
    """Return statements that count all rows, InnoDB's as of one moment."""
    begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;"
    counts = (
        f"SELECT {quoted(f'{database}.{table}')}, COUNT(*) FROM {_whole(database, table)};"  # noqa: S608
        for database, table in tables
    )
    return "\n".join([begin, *counts])


def read_accounts(instance: Instance) -> tuple[AccountRights, ...]:
    """Read every account of the service with the databases it may work on."""
    found = instance.rows(_ACCOUNTS)
    roles = {row[1] for row in found if row[0] == "role"}
    return tuple(
        AccountRights(
            account=row[1],
            databases=tuple(on[2] for on in found if on[0] == "on" and on[1] == row[1]),
            elsewhere=row[2] == "1" or row[1] in roles,
            locked=row[3] in ("1", "true"),
        )
        for row in found
        if row[0] == "account"
    )


def close_accounts(instance: Instance, accounts: Sequence[str]) -> None:
    """Let these accounts neither log in nor go on; not told to the binary log."""
    instance.sql(_locking(accounts, "LOCK"))
    if accounts:
        closed = ", ".join(map(quoted, accounts))
        going = instance.sql(
            "SELECT CONCAT('KILL CONNECTION ', p.ID, ';') FROM information_schema.PROCESSLIST p "  # noqa: S608
            "JOIN mysql.global_priv a ON p.USER = a.User "
            f"WHERE CONCAT(QUOTE(a.User), '@', QUOTE(a.Host)) IN ({closed})"
        )
        # One that ended by itself in between is no failure.
        instance.sql(going, accept=(0, 1))


def open_accounts(instance: Instance, accounts: Sequence[str]) -> None:
    """Let these accounts log in again."""
    instance.sql(_locking(accounts, "UNLOCK"))


def _locking(accounts: Sequence[str], word: str) -> str:
    statements = (f"ALTER USER IF EXISTS {each} ACCOUNT {word};" for each in accounts)
    return "\n".join(["SET SESSION sql_log_bin = 0;", *statements])


def row_hashes(instance: Instance, tables: Sequence[str]) -> dict[str, str]:
    """Return a hash over each table's rows as an SQL export writes them."""
    dump = ("mariadb-dump", *instance.arguments, *_PLAIN_ROWS)
    lines = "".join(each.replace(".", "\t", 1) + "\n" for each in tables)
    words = ("bash", "-c", _HASH_ROWS, "hash-rows", *dump)
    said = instance.server.run(words, timeout=_LONG, stdin=lines.encode()).stdout.decode()
    return dict(line.split("\t", 1) for line in said.splitlines())


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _whole(database: str, table: str) -> str:
    return f"{identifier(database)}.{identifier(table)}"
