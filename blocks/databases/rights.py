"""Read what MariaDB's account may do, from its own grants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pymysql.cursors import Cursor

from blocks.types import Access

NEEDED = (
    "SELECT",
    "SHOW VIEW",
    "TRIGGER",
    "EVENT",
    "LOCK TABLES",
    "RELOAD",
    "PROCESS",
    "BINLOG MONITOR",
    "REPLICA MONITOR",
    "CONNECTION ADMIN",
)
"""What a backup's account must have on everything."""
_ALL = "ALL PRIVILEGES"
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<place>\S+) TO ")
_QUOTING = re.compile(r"""[`"\\]""")
"""Around a name, one or the other by `sql_mode`; `\\` before a `_` that is no wildcard."""
_SHOWN = {"REPLICA MONITOR": "SLAVE MONITOR"}
"""What is granted under one name and shown under another (MariaDB 10.11)."""


def read_rights(cursor: Cursor, canary_database: str) -> Access:
    """Return whose session it is, and which of the rights that a backup needs it has."""
    cursor.execute("SELECT CURRENT_USER()")
    found = cursor.fetchone()
    cursor.execute("SHOW GRANTS")
    return judge_grants(
        str(found[0]) if found else "", [str(row[0]) for row in cursor.fetchall()], canary_database
    )


def judge_grants(who: str, grants: Iterable[str], canary_database: str) -> Access:
    """Say what lines of SHOW GRANTS let an account do. They hold its password's hash: not kept."""
    read = [match for line in grants if (match := _GRANT.match(line))]
    held = [(_QUOTING.sub("", match["place"]), _rights(match)) for match in read]
    lacks = [each for each in NEEDED if not _has(held, ("*.*",), _SHOWN.get(each, each))]
    missing = [f"{each} ON *.*" for each in lacks]
    places = ("*.*", f"{canary_database}.*")
    if not _has(held, places, _ALL):
        missing.append(f"ALL ON {canary_database}.*")
    may = () if missing else ("lire, verrouiller et copier toutes les bases",)
    return Access(who, may, tuple(f"GRANT {each}" for each in missing))


def _rights(match: re.Match[str]) -> frozenset[str]:
    return frozenset(each.strip() for each in match["rights"].split(","))


def _has(held: Sequence[tuple[str, frozenset[str]]], places: Sequence[str], right: str) -> bool:
    return any(place in places and rights & {right, _ALL} for place, rights in held)
