"""The commands whose standard output is a backup of MariaDB. Fixed text and words, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from blocks.types import RemoteCommand

NOTES_FOLDER = "/run/continuity"
COPY_NOTES = f"{NOTES_FOLDER}/physical"
"""Where mariadb-backup leaves the position of the last copy (xtrabackup_info)."""

_PHYSICAL = 'umask 077; rm -rf "$1"; mkdir -p "$1"; shift; exec mariadb-backup "$@"'

# Users and roles as statements that can be run again, in an order that works: roles, users, then
# rights. mariadb-dump --system=users would fail on a second run and replace root's own login.
_GRANTS = r"""
set -euo pipefail
sql() { mariadb --no-defaults --skip-column-names --batch --raw "$@"; }
mode="SET SESSION sql_mode='';"
mine="is_role='N' AND User NOT IN ('root','mariadb.sys','mysql')"
account="CONCAT(QUOTE(User), '@', QUOTE(Host))"
roles=$(sql "$@" -e "$mode SELECT CONCAT('CREATE ROLE IF NOT EXISTS ', QUOTE(User), ';')
  FROM mysql.user WHERE is_role='Y' AND User<>'PUBLIC' ORDER BY User")
makers=$(sql "$@" -e "$mode SELECT CONCAT('SHOW CREATE USER ', $account, ';')
  FROM mysql.user WHERE $mine ORDER BY User, Host")
readers=$(sql "$@" -e "$mode SELECT CONCAT('SHOW GRANTS FOR ',
    IF(is_role='Y', IF(User='PUBLIC', 'PUBLIC', QUOTE(User)), $account), ';')
  FROM mysql.user WHERE is_role='Y' OR ($mine) ORDER BY is_role DESC, User, Host")
users=$(sql "$@" <<<"$mode $makers" | sed 's/^CREATE USER /CREATE OR REPLACE USER /; s/$/;/')
rights=$(sql "$@" <<<"$mode $readers" | sed 's/$/;/')
printf '%s\n' "SET SESSION sql_mode='';" "$roles" "$users" "$rights" '-- complete'
"""


_EXACT = (
    *("--single-transaction", "--quick", "--hex-blob", "--default-character-set=utf8mb4"),
    # An unchanged database gives the same bytes again, which then cost nothing to keep.
    *("--max-allowed-packet=1G", "--skip-dump-date"),
)
_WHOLE = ("--routines", "--triggers", "--add-drop-database")
_EVENTS_ALONE = ("--events", "--no-create-info", "--no-data", "--no-create-db", "--skip-triggers")


@dataclass(frozen=True, slots=True)
class Source:
    """The running service that is copied, over TCP on the server's own loopback."""

    user: str
    password: str = field(repr=False)
    port: int
    datadir: str

    @property
    def words(self) -> tuple[str, ...]:
        """How a client program reaches it."""
        return ("--host=127.0.0.1", f"--port={self.port}", f"--user={self.user}")

    @property
    def secrets(self) -> dict[str, str]:
        """The password, which all client programs take from here."""
        return {"MYSQL_PWD": self.password}


def physical_copy(source: Source) -> RemoteCommand:
    """Stream the whole server as an xbstream and leave its position in `COPY_NOTES`."""
    words = (
        *("--backup", "--stream=xbstream", *source.words, f"--datadir={source.datadir}"),
        # Nothing is written there when streaming, but the default is the current directory.
        *(f"--target-dir={COPY_NOTES}/target", f"--extra-lsndir={COPY_NOTES}"),
        "--open-files-limit=65535",
    )
    argv = ("sh", "-c", _PHYSICAL, "mariadb-backup", COPY_NOTES, *words)
    return RemoteCommand(argv, source.secrets)


def logical_dump(source: Source, database: str) -> RemoteCommand:
    """Dump one database so that loading it replaces the whole database.

    `--single-transaction` gives InnoDB tables as of one moment and locks nobody out. MyISAM tables
    are each read in one go, not as of one moment together: `--lock-tables` would make every
    writer of the site wait for the whole dump. The physical copy has both as of one moment.
    """
    words = ("mariadb-dump", "--no-defaults", *source.words, *_EXACT)
    words += (*_WHOLE, "--events", "--databases", database)
    return RemoteCommand(words, source.secrets)


def grants_dump(source: Source) -> RemoteCommand:
    """Dump users, roles and rights, but root's and the service's own."""
    return RemoteCommand(("bash", "-c", _GRANTS, "dump-grants", *source.words), source.secrets)


def local_dump(
    arguments: Sequence[str], databases: Sequence[str], *, events: bool
) -> RemoteCommand:
    """Dump databases whole but their events, or the events alone, as root over a socket."""
    what = _EVENTS_ALONE if events else _WHOLE
    return RemoteCommand(
        ("mariadb-dump", *arguments, *_EXACT, *what, "--databases", *databases),
    )
