"""Tell SQL dumps apart, and explain why a server refuses one. Pure text."""

from __future__ import annotations

import re
from dataclasses import dataclass

SANDBOX = "/*M!999999"
"""How the first line of a dump by a newer mariadb-dump begins: it forbids shell commands. A client
that does not know it takes it for a command and stops (10.11.7, 10.6.17, 10.5.24 and older)."""

_MADE_BY = re.compile(r"^-- (MariaDB|MySQL) dump ", re.MULTILINE)
_SERVER = re.compile(r"^-- Server version\t(\S+)", re.MULTILINE)
_COLLATION = re.compile(r"Unknown collation: '([^']+)'")
_GTID = re.compile(r"Unknown system variable '(?:GTID_PURGED|gtid_purged)'")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a dump comes from: its server's product and version, "" where it does not say."""

    product: str
    version: str
    sandboxed: bool = False

    def __str__(self) -> str:
        return f"{self.product} {self.version}".strip() or "a server of unknown kind"


def recognise(head: str) -> Dialect:
    """Read from its first lines where a dump comes from.

    The server's version counts, not the program's: MySQL's can dump a MariaDB.
    """
    made_by, server = _MADE_BY.search(head), _SERVER.search(head)
    version = server[1] if server else ""
    product = made_by[1] if made_by else ""
    if version:
        product = "MariaDB" if "MariaDB" in version else "MySQL"
    return Dialect(product, version, head.startswith(SANDBOX))


def refusal(said: str) -> tuple[str, str] | None:
    """Return cause and hint if what a client said of a dump is a matter of its dialect.

    Args:
        said: The dump's own first lines, then what the client wrote.
    """
    origin = recognise(said)
    if unknown := _COLLATION.search(said):
        cause = f"the dump of {origin} uses the collation {unknown[1]}, which is not known here"
        return cause, _where_known(unknown[1])
    if _GTID.search(said):
        cause = f"the dump of {origin} sets the GTIDs of MySQL, which MariaDB does not have"
        return cause, "dump again with: mysqldump --set-gtid-purged=OFF"
    return None


def _where_known(collation: str) -> str:
    since = "11.4.5" if "_0900_" in collation else "10.10"
    nearest = "utf8mb4_unicode_520_ci"
    return (
        f"restore onto MariaDB {since} or newer (Debian 13: another target in the estate file), "
        f"or put {nearest}, which sorts nearly alike, in its place in the dump"
    )
