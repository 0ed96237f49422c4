"""A connection to MariaDB through the server's tunnel, with errors translated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import Cursor

from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ContinuityError,
    DeadlineExceeded,
    DiskFull,
    NotFound,
    PermissionDenied,
    Unreachable,
)
from blocks.servers.base import Server

CONNECT_SECONDS = 10
READ_SECONDS = 900
"""An exact count of a large table reads all of it."""

_LOST = (2002, 2003, 2006, 2013, 2014, 2055, 1053, 1927)
_MEANINGS: tuple[tuple[tuple[int, ...], type[ContinuityError], str], ...] = (
    (
        (1045, 1698, 1862),
        AuthenticationFailed,
        "correct the password of the database block, or as root on the server: "
        "mariadb -e \"ALTER USER '{user}'@'localhost' IDENTIFIED BY 'PASSWORD'\"",
    ),
    (
        (1044, 1142, 1143, 1227, 1370),
        PermissionDenied,
        "grant {user} what the description of the database block lists",
    ),
    ((1049, 1146), NotFound, "on the server: mariadb -e 'SHOW DATABASES'"),
    ((1021, 1114), DiskFull, "on the server: df -h /var/lib/mysql; free space, run again"),
    ((1205, 1969, 3024), DeadlineExceeded, "on the server: mariadb -e 'SHOW PROCESSLIST'"),
)
"""What the server's error numbers mean, and what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whom to connect as, on which server."""

    server: Server
    user: str
    password: str = field(repr=False)
    port: int

    @property
    def subject(self) -> str:
        """Name the database service for errors."""
        return f"MariaDB {self.user}@{self.server.address}"


@contextmanager
def connected(access: Access) -> Iterator[Cursor]:
    """Give a cursor in UTC; whatever fails inside is translated."""
    with access.server.tunnel(access.port) as (host, port):
        try:
            connection = pymysql.connect(
                host=host,
                port=port,
                user=access.user,
                password=access.password,
                charset="utf8mb4",
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                write_timeout=60,
                init_command="SET time_zone = '+00:00', sql_mode = 'ANSI_QUOTES'",
                client_flag=CLIENT.FOUND_ROWS,
            )
            with connection, connection.cursor() as cursor:
                yield cursor
        except pymysql.MySQLError as error:
            raise translated(access, error) from error
        except (OSError, EOFError) as error:
            raise _lost(access, str(error)) from error


def translated(access: Access, error: pymysql.MySQLError) -> ContinuityError:
    """Return our error for one of the driver's."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = str(error.args[1]) if len(error.args) > 1 else str(error)
    if number in _LOST or isinstance(error, pymysql.err.InterfaceError):
        return _lost(access, said)
    for numbers, kind, hint in _MEANINGS:
        if number in numbers:
            return kind(access.subject, said, hint.format(user=access.user))
    hint = "on the server: journalctl -u mariadb -n 50"
    return CommandFailed(access.subject, f"error {number}: {said}", hint, 1, said)


def _lost(access: Access, said: str) -> Unreachable:
    return Unreachable(
        access.subject,
        f"the connection failed ({said})",
        "on the server: systemctl status mariadb; journalctl -u mariadb -n 50",
    )


def identifier(name: str) -> str:
    """Return a name quoted for use in SQL."""
    return "`" + name.replace("`", "``") + "`"
