"""MariaDB on a Debian server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from pydantic import Field, SecretStr
from pymysql.cursors import Cursor

from blocks.databases import content, copying, following, reading, replaying, restoring
from blocks.databases.base import Database, Scratch
from blocks.databases.connection import Access as Login
from blocks.databases.connection import connected
from blocks.databases.content import Instance
from blocks.databases.copying import COPY_NOTES, Source
from blocks.databases.restoring import Place
from blocks.databases.rights import read_rights
from blocks.databases.scratch import MariaDbScratch
from blocks.errors import DiskFull, NotFound, ProviderError
from blocks.servers.base import Server
from blocks.types import (
    Access,
    AccountRights,
    Canary,
    DatabaseContent,
    DatabaseFacts,
    LogSource,
    Position,
    RemoteCommand,
)

_SHORT = timedelta(seconds=60)
_NOT_FOUND = 127
_NOTES_NEED = 64 * 1024
_ROOM = 'df --block-size=1 --output=avail,target "$1" | tail -n 1'


class MariaDb(Database):
    """MariaDB of Debian, read with an account of its own, restored as root over its socket.

    The account needs what this gives (`continuity` stands for the canary's database):
    GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, RELOAD, PROCESS, BINLOG MONITOR,
    REPLICA MONITOR, CONNECTION ADMIN ON *.* and GRANT ALL ON continuity.*

    Example:
        ```python
        from blocks.databases.mariadb import MariaDb

        database = MariaDb.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "MariaDB"
    _block_type_slug = "mariadb"
    _description = "MariaDB of Debian: read with its own account, copied, and restored as root."

    user: str = Field(default="continuity", title="User", description="Account for reading.")
    password: SecretStr = Field(title="Password", description="Password of the account.")
    port: int = Field(
        default=3306, ge=1, le=65535, title="Port", description="Port on the server's loopback."
    )
    datadir: str = Field(
        default="/var/lib/mysql",
        pattern=r"^/.*[^/]$",
        title="Data directory",
        description="Directory of the data; restores rename it, so it is no mount point.",
    )
    service: str = Field(default="mariadb", title="Service", description="Its systemd service.")
    canary_database: str = Field(
        default="continuity", title="Canary database", description="Database of the canary table."
    )

    # Contracts (and docstrings) of the public methods are the base class's.

    def _connected(self, server: Server) -> AbstractContextManager[Cursor]:
        password = self.password.get_secret_value()
        return connected(Login(server, self.user, password, self.port))

    @property
    def _source(self) -> Source:
        return Source(self.user, self.password.get_secret_value(), self.port, self.datadir)

    @property
    def _place(self) -> Place:
        return Place(self.datadir, self.service)

    # --- reading ---

    def access(self, server: Server) -> Access:
        with self._connected(server) as cursor:
            return read_rights(cursor, self.canary_database)

    def facts(self, server: Server) -> DatabaseFacts:
        with self._connected(server) as cursor:
            return reading.read_facts(cursor)

    def read_canary(self, server: Server, nonce: str = "") -> Canary | None:
        with self._connected(server) as cursor:
            return reading.read_canary(cursor, self.canary_database, nonce)

    def read_pulse(self, server: Server) -> datetime | None:
        with self._connected(server) as cursor:
            return reading.read_pulse(cursor, self.canary_database)

    def newest(self, server: Server, database: str, query: str) -> datetime | None:
        with self._connected(server) as cursor:
            return reading.newest(cursor, database, query)

    def log_source(self, server: Server) -> LogSource | None:
        with self._connected(server) as cursor:
            index = reading.log_index(cursor, f"MariaDB on server {server.address}")
            if not index:
                return None
            table = reading.make_pulse_table(cursor, self.canary_database)
        return LogSource(index, self._source.words, table, self._source.secrets)

    def begin_log(self, server: Server) -> None:
        with self._connected(server) as cursor:
            cursor.execute("FLUSH BINARY LOGS")

    def installed_series(self, server: Server) -> str:
        said = server.run(("mariadbd", "--version"), timeout=_SHORT, accept=(0, _NOT_FOUND))
        return "" if said.status == _NOT_FOUND else reading.series(said.stdout.decode())

    def canary_home(self) -> str:
        return self.canary_database

    # --- backup ---

    def write_canary(self, server: Server, canary: Canary) -> None:
        with self._connected(server) as cursor:
            reading.write_canary(cursor, self.canary_database, canary)

    def physical_copy(self) -> RemoteCommand:
        return copying.physical_copy(self._source)

    def physical_position(self, server: Server) -> Position:
        subject = f"physical copy of server {server.address}"
        notes = f"{COPY_NOTES}/xtrabackup_info"
        try:
            file, offset, gtid = reading.parse_position(subject, server.get(notes).decode())
        except NotFound as missing:
            _require_room_for_notes(server, subject)
            raise NotFound(
                subject, f"left no {notes}: it was not complete", "take the physical copy again"
            ) from missing
        except ProviderError:
            _require_room_for_notes(server, subject)
            raise
        # It is written when the copy ends, while `end_time` in it is local time without a zone.
        seconds = server.run(("stat", "--format=%Y", notes), timeout=_SHORT).stdout
        return Position(file, offset, gtid, datetime.fromtimestamp(int(seconds), UTC))

    def logical_dump(self, database: str) -> RemoteCommand:
        return copying.logical_dump(self._source, database)

    def grants_dump(self) -> RemoteCommand:
        return copying.grants_dump(self._source)

    # --- restore ---

    def restore_physical(
        self,
        server: Server,
        stream: RemoteCommand,
        *,
        snapshot: str,
        timeout: timedelta,
        size: int = 0,
    ) -> None:
        restoring.restore_physical(
            server, self._place, stream, snapshot=snapshot, timeout=timeout, size=size
        )

    def restore_logical(
        self,
        server: Server,
        database: str,
        stream: RemoteCommand,
        *,
        snapshot: str,
        timeout: timedelta,
    ) -> None:
        restoring.restore_logical(
            server, self._place, database, stream, snapshot=snapshot, timeout=timeout
        )

    def restore_grants(self, server: Server, stream: RemoteCommand, *, timeout: timedelta) -> None:
        restoring.restore_grants(server, self._place, stream, timeout=timeout)

    def replay(
        self,
        server: Server,
        *,
        begin: int,
        gtids: Sequence[str],
        marker: str,
        timeout: timedelta,
    ) -> None:
        replaying.replay(
            server, self._place, begin=begin, gtids=gtids, marker=marker, timeout=timeout
        )

    # --- following a service that goes on ---

    def follow(self, server: Server, source: Server, *, local: int, gtid: str) -> None:
        following.follow(server, source, self._place, port=local, gtid=gtid)

    def catch_up(self, server: Server, source: Server, *, timeout: timedelta) -> str:
        return following.catch_up(server, source, timeout=timeout)

    def release_line(self, source: Server) -> str:
        return following.release_line(source)

    def hold_writes(self, source: Server) -> None:
        following.hold_writes(source)

    def take_over(self, server: Server, source: Server) -> None:
        following.take_over(server, source)

    def shut_out(self, source: Server) -> None:
        following.shut_out(source)

    def source_port(self) -> int:
        return self.port

    # --- some databases of a service that goes on ---

    def content(
        self, server: Server, databases: Sequence[str], *, checksums: bool
    ) -> DatabaseContent:
        return content.read_content(Instance(server), databases, checksums=checksums)

    def row_hashes(self, server: Server, tables: Sequence[str]) -> Mapping[str, str]:
        return content.row_hashes(Instance(server), tables)

    def accounts(self, server: Server) -> tuple[AccountRights, ...]:
        return content.read_accounts(Instance(server))

    def close_accounts(self, server: Server, accounts: Sequence[str]) -> None:
        content.close_accounts(Instance(server), accounts)

    def open_accounts(self, server: Server, accounts: Sequence[str]) -> None:
        content.open_accounts(Instance(server), accounts)

    def scratch(self, server: Server) -> Scratch:
        return MariaDbScratch(server, self.datadir)


def _require_room_for_notes(server: Server, subject: str) -> None:
    """Raise `DiskFull` when the copy could not write its notes: it ends well all the same."""
    argv = ("sh", "-c", _ROOM, "continuity", copying.NOTES_FOLDER)
    free, place = server.run(argv, timeout=_SHORT).stdout.decode().split(maxsplit=1)
    if int(free) < _NOTES_NEED:
        raise DiskFull(
            subject,
            f"could not write its position to {COPY_NOTES}: {place.strip()} has {free} bytes left",
            f"df -h {place.strip()}; free space there, then back up again",
        )
