"""What a MariaDB server holds, in a form that two servers can be compared by."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta

from blocks.servers.base import Server

_SYSTEM = "('information_schema', 'performance_schema', 'mysql', 'sys')"
_TIMEOUT = timedelta(minutes=5)
_MARK = "@@continuity-answer@@"
_CLIENT = ("mariadb", "--batch", "--skip-column-names", "--default-character-set=utf8mb4")

# Rows as SQL in the order of the primary key, one a line and without what each series of MariaDB
# writes around them: a checksum that says the same on another one.
_HASH_ROWS = r"""
set -o pipefail
while IFS=. read -r database table; do
  sum=$(mariadb-dump --compact --no-create-info --skip-triggers --order-by-primary --hex-blob \
        --single-transaction --default-character-set=utf8mb4 --skip-extended-insert \
        "$database" "$table" | sed -n 's/^INSERT INTO `[^`]*` VALUES *//; /^(/p' | sha256sum) \
    || exit 1
  printf '%s.%s\t%s\n' "$database" "$table" "${sum%% *}"
done
"""
_PROGRAMS = f"""
SELECT 'PROCEDURE', routine_schema, routine_name FROM information_schema.routines
 WHERE routine_type = 'PROCEDURE' AND routine_schema NOT IN {_SYSTEM}
UNION ALL SELECT 'FUNCTION', routine_schema, routine_name FROM information_schema.routines
 WHERE routine_type = 'FUNCTION' AND routine_schema NOT IN {_SYSTEM}
UNION ALL SELECT 'TRIGGER', trigger_schema, trigger_name FROM information_schema.triggers
 WHERE trigger_schema NOT IN {_SYSTEM}
UNION ALL SELECT 'EVENT', event_schema, event_name FROM information_schema.events
UNION ALL SELECT 'VIEW', table_schema, table_name FROM information_schema.views
 WHERE table_schema NOT IN {_SYSTEM}
"""  # noqa: S608 - only constants
_TABLES = f"""
SELECT table_schema, table_name FROM information_schema.tables
 WHERE table_type = 'BASE TABLE' AND table_schema NOT IN {_SYSTEM}
"""  # noqa: S608 - only constants
_COLUMNS = re.compile(r"\((`[^()]*`)\)")
_ACCOUNTS = "SELECT user, host, COALESCE(JSON_VALUE(priv, '$.is_role'), 0) FROM mysql.global_priv"


def tables(server: Server, *, without: Collection[str] = ()) -> dict[str, dict[str, str]]:
    """Return of each table its definition, number of rows and a checksum over all of them."""
    listed = _rows(server, _TABLES)
    names = sorted(
        f"{database}.{table}" for database, table in listed if f"{database}.{table}" not in without
    )
    definitions = _answers(server, {name: f"SHOW CREATE TABLE {_quoted(name)}" for name in names})
    counts = _answers(server, {name: f"SELECT COUNT(*) FROM {_quoted(name)}" for name in names})  # noqa: S608
    told = server.run(
        ("bash", "-c", _HASH_ROWS),
        stdin="".join(f"{n}\n" for n in names).encode(),
        timeout=_TIMEOUT,
    )
    sums = dict(line.split("\t") for line in told.stdout.decode().splitlines())
    return {
        name: {
            "definition": definitions[name][0].split("\t", 1)[1],
            "rows": counts[name][0],
            "sha256": sums[name],
        }
        for name in names
    }


def programs(server: Server) -> dict[str, dict[str, str]]:
    """Return routines, triggers, events and views as defined, with definer and SQL mode."""
    listed = _rows(server, _PROGRAMS)
    asked = {}
    for kind, database, name in listed:
        whole = f"{database}.{name}"
        asked[f"{kind.lower()} {whole}"] = f"SHOW CREATE {kind} {_quoted(whole)}"
    answers = _answers(server, asked)
    return {name: {"definition": _definition(name, lines[0])} for name, lines in answers.items()}


def accounts(server: Server) -> dict[str, dict[str, str]]:
    """Return how each database account logs in and what it may do."""
    listed = _rows(server, _ACCOUNTS)
    asked = {}
    for user, host, is_role in listed:
        if is_role == "1":
            asked[f"role {user}"] = f"SHOW GRANTS FOR `{user}`"
        else:
            account = f"`{user}`@`{host}`"
            asked[f"user {account}"] = f"SHOW CREATE USER {account}; SHOW GRANTS FOR {account}"
    answers = _answers(server, asked)
    return {
        name: {"grants": "\n".join(sorted(map(_in_order, lines)))}
        for name, lines in answers.items()
    }


def _in_order(grant: str) -> str:
    """Sort a right's columns: they come in the order in which they were granted."""
    return _COLUMNS.sub(lambda found: f"({', '.join(sorted(found[1].split(', ')))})", grant)


def _definition(name: str, line: str) -> str:
    """Return the row of SHOW CREATE; a trigger's last column is when it was made."""
    return line.rsplit("\t", 1)[0] if name.startswith("trigger ") else line


def _quoted(name: str) -> str:
    return ".".join(f"`{part.replace('`', '``')}`" for part in name.split(".", 1))


def _rows(server: Server, query: str) -> list[list[str]]:
    told = server.run(_CLIENT, stdin=query.encode(), timeout=_TIMEOUT)
    return [line.split("\t") for line in told.stdout.decode().splitlines()]


def _answers(server: Server, statements: Mapping[str, str]) -> dict[str, list[str]]:
    """Run all statements in one client; return the lines that each of them answered."""
    script = "SET time_zone = '+00:00';\n" + "".join(
        f"SELECT '{_MARK}';\n{statement};\n" for statement in statements.values()
    )
    told = server.run(_CLIENT, stdin=script.encode(), timeout=_TIMEOUT).stdout.decode()
    parts = told.split(f"{_MARK}\n")[1:]
    return {name: part.splitlines() for name, part in zip(statements, parts, strict=True)}
