"""A MariaDB that is only written down, on the machine of a `MemoryServer`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field, PrivateAttr, SecretStr

from blocks.databases.base import Database, Scratch
from blocks.databases.reading import series
from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConfigurationError,
    ContinuityError,
    DiskFull,
    NotFound,
    Unreachable,
    VerificationFailed,
)
from blocks.servers.base import Server
from blocks.types import (
    Access,
    AccountRights,
    Canary,
    DatabaseContent,
    DatabaseFacts,
    DatabaseSchema,
    LogSource,
    Position,
    RemoteCommand,
    TableContent,
    TableFacts,
)
from tests.fakes.memory_machine import MemoryMachine, MemoryService, MemoryTable, Schemas
from tests.fakes.memory_server import TWINS, MemoryServer

_ROW_BYTES = 100


class MemoryDatabase(Database):
    """Keep databases in memory, a service a machine (`server.machine.database`).

    Its copies are commands `("memory-database", kind, name)`, which `MemoryServer.output` resolves
    on the machine they run on.

    Example:
        ```python
        from tests.fakes.memory_database import MemoryDatabase

        database = MemoryDatabase.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Memory database"
    _block_type_slug = "memory-database"
    _description = "Databases that are only written down, for tests."

    user: str = Field(default="continuity", title="User", description="Account.")
    password: SecretStr = Field(
        default=SecretStr("secret"), title="Password", description="Its password."
    )

    _failures: dict[str, ContinuityError] = PrivateAttr(default_factory=dict)
    _pulse: datetime | None = PrivateAttr(default=None)

    def fail_next(self, method: str, error: ContinuityError) -> None:
        """Make the next call of the method raise, before it does anything."""
        self._failures[method] = error

    # --- reading ---

    def facts(self, server: Server) -> DatabaseFacts:
        service = self._log_in(server, "facts")
        schemas = dict(service.schemas)
        if service.canaries:
            rows = [canary.nonce for canary in service.canaries]
            schemas["continuity"] = {"canary": MemoryTable(rows)}
        read = tuple(_facts(name, schemas[name]) for name in sorted(schemas))
        size = sum(each.size for each in read)
        return DatabaseFacts(service.version, series(service.version), size, read)

    def access(self, server: Server) -> Access:
        self._log_in(server, "access")
        return Access("continuity@localhost", ("lire et copier",))

    def read_canary(self, server: Server, nonce: str = "") -> Canary | None:
        held = self._log_in(server, "read_canary").canaries
        canaries = [each for each in held if nonce in ("", each.nonce)]
        return max(canaries, key=lambda canary: canary.written_at, default=None)

    def newest(self, server: Server, database: str, query: str) -> datetime | None:
        service = self._log_in(server, "newest")
        if database not in service.schemas:
            raise NotFound(f"database {database}", "does not exist", "SHOW DATABASES")
        return service.newest.get((database, query))

    def installed_series(self, server: Server) -> str:
        service = _machine(server, "installed_series").database
        return series(service.version) if service else ""

    def canary_home(self) -> str:
        return "continuity"

    # --- backup ---

    def write_canary(self, server: Server, canary: Canary) -> None:
        service = self._log_in(server, "write_canary")
        service.canaries = [each for each in service.canaries if each.nonce != canary.nonce]
        service.canaries.append(canary)
        service.offset += _ROW_BYTES

    def physical_copy(self) -> RemoteCommand:
        return self._command("physical", "")

    def physical_position(self, server: Server) -> Position:
        service = self._log_in(server, "physical_position")
        if service.copied is None:
            raise NotFound(f"physical copy of {server.address}", "was not taken", "take it")
        offset, moment = service.copied
        return Position("bin.000001", offset, f"0-1-{offset}", moment)

    def logical_dump(self, database: str) -> RemoteCommand:
        return self._command("logical", database)

    def grants_dump(self) -> RemoteCommand:
        return self._command("grants", "")

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
        machine = self._reach(server, "restore_physical")
        if server.read_marker("physical") != snapshot:
            if size > machine.disk_free:
                raise DiskFull(f"server {server.address}", "no room for the copy", "df -h /")
            copy = _decoded(server, stream, "physical")
            machine.database = MemoryService(
                version=str(copy["version"]),
                passwords=dict(copy["passwords"]),
                schemas=_schemas(copy["schemas"]),
                grants=list(copy["grants"]),
                canaries=[_canary(each) for each in copy["canaries"]],
                newest=_newest(copy["newest"]),
            )
        server.start_services(("mariadb",))
        server.write_marker("physical", snapshot)

    def restore_logical(
        self,
        server: Server,
        database: str,
        stream: RemoteCommand,
        *,
        snapshot: str,
        timeout: timedelta,
    ) -> None:
        machine = self._reach(server, "restore_logical")
        server.start_services(("mariadb",))
        if server.read_marker(f"database-{database}") == snapshot:
            return
        copy = _decoded(server, stream, "logical")
        service = machine.database = machine.database or MemoryService()
        service.schemas |= _schemas(copy["schemas"])
        service.newest |= _newest(copy["newest"])
        if database == "continuity":
            service.canaries = [_canary(each) for each in copy["canaries"]]
        server.write_marker(f"database-{database}", snapshot)

    def restore_grants(self, server: Server, stream: RemoteCommand, *, timeout: timedelta) -> None:
        machine = self._reach(server, "restore_grants")
        server.start_services(("mariadb",))
        copy = _decoded(server, stream, "grants")
        service = machine.database = machine.database or MemoryService()
        service.grants = list(copy["grants"])
        service.passwords = dict(copy["passwords"])

    # --- how it works ---

    def _command(self, kind: str, name: str) -> RemoteCommand:
        password = self.password.get_secret_value()
        return RemoteCommand(("memory-database", kind, name), {"MYSQL_PWD": password})

    def _reach(self, server: Server, method: str) -> MemoryMachine:
        machine = _machine(server, method)
        if method in self._failures:
            raise self._failures.pop(method)
        return machine

    def _log_in(self, server: Server, method: str) -> MemoryService:
        machine = self._reach(server, method)
        service = machine.database
        if service is None or "mariadb" not in machine.running:
            raise Unreachable(f"MariaDB on {server.address}", "does not run", "start it")
        if service.passwords.get(self.user) != self.password.get_secret_value():
            raise AuthenticationFailed(
                f"MariaDB {self.user}@{server.address}", "wrong password", "correct the password"
            )
        return service

    # --- continuous archive: this one writes no binary logs ---

    def log_source(self, server: Server) -> LogSource | None:
        return None

    def begin_log(self, server: Server) -> None:
        """Do nothing: there is no log."""

    def read_pulse(self, server: Server) -> datetime | None:
        return self._pulse

    def beat(self, at: datetime) -> None:
        """Let the pulse be of this moment, on whatever server it is read."""
        self._pulse = at

    def replay(
        self,
        server: Server,
        *,
        begin: int,
        gtids: Sequence[str],
        marker: str,
        timeout: timedelta,
    ) -> None:
        raise ConfigurationError(
            f"replay on server {server.address}", "this database writes no logs", "take MariaDB"
        )

    # --- following a service that goes on ---

    def follow(self, server: Server, source: Server, *, local: int, gtid: str) -> None:
        here, there = self._log_in(server, "follow"), self._log_in(source, "follow")
        here.follows, here.read_only = source.address, True
        there.followers.add(server.address)

    def catch_up(self, server: Server, source: Server, *, timeout: timedelta) -> str:
        here, there = self._log_in(server, "catch_up"), self._log_in(source, "catch_up")
        if here.follows != source.address:
            raise VerificationFailed(f"replica on {server.address}", "follows nobody", "run again")
        here.schemas, here.newest = deepcopy(there.schemas), dict(there.newest)
        here.canaries = list(there.canaries)
        return f"0-1-{there.offset}"

    def release_line(self, source: Server) -> str:
        self._log_in(source, "release_line")
        return "let it write"

    def hold_writes(self, source: Server) -> None:
        self._log_in(source, "hold_writes").read_only = True

    def take_over(self, server: Server, source: Server) -> None:
        here = self._log_in(server, "take_over")
        here.follows, here.read_only = "", False

    def shut_out(self, source: Server) -> None:
        self._log_in(source, "shut_out").followers.clear()

    def source_port(self) -> int:
        return 3306

    # --- some databases of a service that goes on: the lab tests that with MariaDB itself ---

    def content(
        self, server: Server, databases: Sequence[str], *, checksums: bool
    ) -> DatabaseContent:
        service = self._log_in(server, "content")
        held = {name: service.schemas[name] for name in databases if name in service.schemas}
        tables = tuple(
            TableContent(f"{db}.{name}", len(table.rows), str(hash(tuple(table.rows))))
            for db, each in sorted(held.items())
            for name, table in sorted(each.items())
        )
        size = sum(each.rows for each in tables) * _ROW_BYTES
        return DatabaseContent(tuple(sorted(held)), size, tables, (), "")

    def row_hashes(self, server: Server, tables: Sequence[str]) -> Mapping[str, str]:
        raise _no_second(server)

    def accounts(self, server: Server) -> tuple[AccountRights, ...]:
        raise _no_second(server)

    def close_accounts(self, server: Server, accounts: Sequence[str]) -> None:
        raise _no_second(server)

    def open_accounts(self, server: Server, accounts: Sequence[str]) -> None:
        raise _no_second(server)

    def scratch(self, server: Server) -> Scratch:
        raise _no_second(server)


def _no_second(server: Server) -> ConfigurationError:
    cause = "this database has no second instance"
    return ConfigurationError(f"databases of server {server.address}", cause, "take MariaDB")


def _write_out(machine: MemoryMachine, argv: tuple[str, ...]) -> bytes | None:
    """Write out a copy of one machine's databases."""
    if argv[0] != "memory-database":
        return None
    _, kind, name = argv
    service = machine.database
    if service is None or "mariadb" not in machine.running:
        raise CommandFailed("memory database", "does not run", "start it", 2)
    if kind == "logical" and name not in service.schemas and name != "continuity":
        raise CommandFailed(f"dump of {name}", "unknown database", "SHOW DATABASES", 2)
    if kind == "physical":
        service.copied = (service.offset, machine.clock().astimezone(UTC))
    return _encoded(service, kind, name)


TWINS.append(_write_out)


def _machine(server: Server, method: str) -> MemoryMachine:
    if not isinstance(server, MemoryServer):
        raise TypeError("a MemoryDatabase lives on a MemoryServer")
    return server.reach(method)


def _facts(name: str, tables: dict[str, MemoryTable]) -> DatabaseSchema:
    read = tuple(TableFacts(t, tables[t].engine, len(tables[t].rows)) for t in sorted(tables))
    return DatabaseSchema(name, _ROW_BYTES * sum(table.rows for table in read), read)


def _encoded(service: MemoryService, kind: str, name: str) -> bytes:
    chosen = service.schemas if kind == "physical" else {}
    if kind == "logical" and name in service.schemas:
        chosen = {name: service.schemas[name]}
    copy = {
        "kind": kind,
        "version": service.version,
        "passwords": service.passwords,
        "schemas": {db: {t: asdict(table) for t, table in ts.items()} for db, ts in chosen.items()},
        "grants": service.grants,
        "canaries": [
            [each.server, each.nonce, each.written_at.isoformat()] for each in service.canaries
        ],
        "newest": [[db, q, at.isoformat()] for (db, q), at in service.newest.items()],
    }
    return json.dumps(copy, sort_keys=True).encode()


def _decoded(server: Server, stream: RemoteCommand, kind: str) -> dict[str, Any]:
    if not isinstance(server, MemoryServer):
        raise TypeError("a MemoryDatabase lives on a MemoryServer")
    try:
        copy: dict[str, Any] = json.loads(server.output(stream))
    except ValueError as damaged:
        raise CommandFailed("stream", f"is no {kind} copy", "restore another set", 1) from damaged
    if copy.get("kind") != kind:
        raise CommandFailed("stream", f"is no {kind} copy", "restore another set", 1)
    return copy


def _schemas(copy: dict[str, dict[str, dict[str, Any]]]) -> Schemas:
    return {db: {t: MemoryTable(**table) for t, table in ts.items()} for db, ts in copy.items()}


def _canary(copy: list[str]) -> Canary:
    return Canary(copy[0], copy[1], datetime.fromisoformat(copy[2]))


def _newest(copy: list[list[str]]) -> dict[tuple[str, str], datetime]:
    return {(db, query): datetime.fromisoformat(at) for db, query, at in copy}
