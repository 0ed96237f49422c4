"""What every database promises of reading and copying: memory twin, and a real MariaDB."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from blocks.databases.base import Database
from blocks.databases.copying import NOTES_FOLDER
from blocks.databases.mariadb import MariaDb
from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConfigurationError,
    DiskFull,
    NotFound,
    PermissionDenied,
    Unreachable,
)
from blocks.servers.base import Server
from blocks.types import Canary, RemoteCommand
from tests.fakes.loopback_mariadb import PASSWORD, LoopbackMariaDb, loopback_mariadb
from tests.fakes.loopback_sshd import free_port, loopback_sshd
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_machine import MemoryService, MemoryTable
from tests.fakes.memory_server import MemoryServer

SHORT = timedelta(seconds=60)
NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
LATEST = "SELECT MAX(made) FROM orders"


@dataclass(frozen=True)
class Bench:
    """A database under test on its server, holding what `SHOP` makes."""

    database: Database
    server: Server

    def output(self, command: RemoteCommand) -> bytes:
        if isinstance(self.server, MemoryServer):
            return self.server.output(command)
        return self.server.run(command, timeout=SHORT).stdout


@dataclass(frozen=True)
class Real:
    """The real one, with what only it can show."""

    bench: Bench
    service: LoopbackMariaDb


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("mariadb")
    with loopback_sshd(folder) as sshd, loopback_mariadb(folder) as service:
        database = MariaDb(
            password=SecretStr(PASSWORD), port=service.port, datadir=str(service.datadir)
        )
        yield Real(Bench(database, sshd.server()), service)


@pytest.fixture(params=["memory", "mariadb"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "mariadb":
        found: Real = request.getfixturevalue("real")
        return found.bench
    server = MemoryServer(address="10.0.0.10")
    server.install_packages(["mariadb-server"], timeout=SHORT)
    server.start_services(["mariadb"])
    orders, hits = MemoryTable(["1", "2"]), MemoryTable(["/", "/a", "/b"], engine="MyISAM")
    server.machine.database = MemoryService(
        schemas={"shop": {"orders": orders, "hits": hits}, "we`ird-db": {"a b": MemoryTable()}},
        newest={("shop", LATEST): datetime.now(UTC)},
    )
    return Bench(MemoryDatabase(), server)


def test_facts_hold_exact_counts_and_no_views(bench: Bench) -> None:
    facts = bench.database.facts(bench.server)
    assert facts.series == "10.11"
    assert facts.version.startswith("10.11.")
    assert facts.size == sum(schema.size for schema in facts.schemas)
    tables = {
        (schema.name, table.name): (table.engine, table.rows)
        for schema in facts.schemas
        for table in schema.tables
        if schema.name != "continuity"
    }
    assert tables == {
        ("shop", "orders"): ("InnoDB", 2),
        ("shop", "hits"): ("MyISAM", 3),
        ("we`ird-db", "a b"): ("InnoDB", 0),
    }


def test_the_account_says_who_it_is_and_that_it_may_back_up(bench: Bench) -> None:
    seen = bench.database.access(bench.server)
    assert seen.who == "continuity@localhost"
    assert (bool(seen.may), seen.missing) == (True, ())


def test_rights_that_a_backup_needs_are_named(real: Real) -> None:
    real.service.sql(
        "CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'reads'; GRANT SELECT, SHOW VIEW, "
        "TRIGGER, EVENT, RELOAD, PROCESS, BINLOG MONITOR, REPLICA MONITOR, CONNECTION ADMIN "
        "ON *.* TO reader@localhost; GRANT SELECT ON continuity.* TO reader@localhost"
    )
    mine = {"user": "reader", "password": SecretStr("reads")}
    seen = real.bench.database.model_copy(update=mine).access(real.bench.server)
    missing = ("GRANT LOCK TABLES ON *.*", "GRANT ALL ON continuity.*")
    assert (seen.who, seen.missing, seen.may) == ("reader@localhost", missing, ())
    real.service.sql("GRANT ALL ON *.* TO reader@localhost")
    assert real.bench.database.model_copy(update=mine).access(real.bench.server).missing == ()


def test_the_newest_canary_is_read(bench: Bench) -> None:
    older = Canary("web1", "older", NOW)
    newer = replace(older, nonce="newer", written_at=NOW + timedelta(microseconds=1))
    bench.database.write_canary(bench.server, newer)
    bench.database.write_canary(bench.server, older)
    bench.database.write_canary(bench.server, older)
    assert bench.database.read_canary(bench.server) == newer


def test_the_newest_row_is_a_utc_time(bench: Bench) -> None:
    found = bench.database.newest(bench.server, "shop", LATEST)
    assert found is not None
    assert abs(datetime.now(UTC) - found) < timedelta(minutes=10)
    assert bench.database.newest(bench.server, "shop", "SELECT NULL") is None
    with pytest.raises(NotFound, match="gone"):
        bench.database.newest(bench.server, "gone", LATEST)


def test_a_wrong_password_names_account_and_server(bench: Bench) -> None:
    wrong = bench.database.model_copy(update={"password": SecretStr("wrong")})
    with pytest.raises(AuthenticationFailed, match=f"continuity@{bench.server.address}") as caught:
        wrong.facts(bench.server)
    assert "password" in caught.value.hint
    assert PASSWORD not in str(caught.value)


def test_a_physical_copy_leaves_its_position(bench: Bench) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert len(bench.output(bench.database.physical_copy())) > 10
    first = bench.database.physical_position(bench.server)
    assert before <= first.at <= datetime.now(UTC)
    assert first.gtid
    bench.database.write_canary(bench.server, Canary("web1", "position", NOW - timedelta(days=1)))
    bench.output(bench.database.physical_copy())
    second = bench.database.physical_position(bench.server)
    assert second.file == first.file
    assert second.offset > first.offset


def test_a_dump_of_an_unknown_database_fails(bench: Bench) -> None:
    with pytest.raises(CommandFailed):
        bench.output(bench.database.logical_dump("gone"))


def test_the_installed_series_is_known_without_the_service(bench: Bench) -> None:
    assert bench.database.installed_series(bench.server) == "10.11"


# --- only the real one ---


def test_a_logical_dump_holds_everything_and_repeats_itself(real: Real) -> None:
    dump = real.bench.output(real.bench.database.logical_dump("shop"))
    text = dump.decode()
    for part in ("DROP DATABASE", "PROCEDURE `tidy`", "FUNCTION `vat`", "TRIGGER mark", "`recent`"):
        assert part in text
    assert "EVENT `nightly`" in text
    assert "0x00FF0A27" in text
    assert "café" in text
    assert "Dump completed" in text
    assert real.bench.output(real.bench.database.logical_dump("shop")) == dump
    odd = real.bench.output(real.bench.database.logical_dump("we`ird-db"))
    assert b"CREATE TABLE `a b`" in odd


def test_grants_can_be_loaded_again_and_never_touch_root(real: Real) -> None:
    before = real.bench.output(real.bench.database.grants_dump())
    assert b"`root`" not in before
    assert b"mariadb.sys" not in before
    assert b"GRANT EXECUTE ON FUNCTION `shop`.`vat` TO `sho'p`@`%`" in before
    real.service.sql("DROP USER 'sho''p'@'%'; DROP ROLE readers; CREATE USER extra@localhost")
    for _ in range(2):
        real.service.sql(before.decode())
    real.service.sql("DROP USER extra@localhost")
    assert real.bench.output(real.bench.database.grants_dump()) == before


def test_a_copy_with_a_wrong_password_fails_and_leaves_no_position(real: Real) -> None:
    wrong = real.bench.database.model_copy(update={"password": SecretStr("wrong")})
    for command in (wrong.physical_copy(), wrong.logical_dump("shop"), wrong.grants_dump()):
        with pytest.raises(CommandFailed, match="Access denied"):
            real.bench.output(command)
    with pytest.raises(NotFound, match="not complete"):
        wrong.physical_position(real.bench.server)


def test_the_position_does_not_depend_on_the_servers_time_zone(real: Real) -> None:
    """mariadb-backup writes local time without a zone: half an hour off UTC must not show."""
    copy = real.bench.database.physical_copy()
    elsewhere = RemoteCommand(("env", "TZ=Asia/Kolkata", *copy.argv), copy.secrets)
    real.bench.output(elsewhere)
    position = real.bench.database.physical_position(real.bench.server)
    assert abs(datetime.now(UTC) - position.at) < timedelta(minutes=1)


def test_queries_that_write_or_give_no_time_are_refused(real: Real) -> None:
    ask = real.bench.database.newest
    with pytest.raises(PermissionDenied):
        ask(real.bench.server, "shop", "INSERT INTO orders (name) VALUES ('x')")
    with pytest.raises(ConfigurationError, match="not a time"):
        ask(real.bench.server, "shop", "SELECT name FROM orders")


def test_a_service_that_does_not_listen_is_unreachable(real: Real) -> None:
    closed = real.bench.database.model_copy(update={"port": free_port()})
    with pytest.raises(Unreachable, match="port"):
        closed.facts(real.bench.server)


@contextmanager
def full(place: Path) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    words = ("mount", "-t", "tmpfs", "-o", "size=4k", "none", str(place))
    subprocess.run(words, check=True, timeout=30)
    try:
        (place / "filled").write_bytes(bytes(4096))
        yield
    finally:
        subprocess.run(("umount", str(place)), check=True, timeout=30)


def test_a_copy_without_room_for_its_position_names_the_full_place(real: Real) -> None:
    bench = real.bench
    with full(Path(NOTES_FOLDER)):
        bench.server.run(bench.database.physical_copy(), timeout=SHORT, accept=range(256))
        with pytest.raises(DiskFull, match=rf"{NOTES_FOLDER} has 0 bytes left") as raised:
            bench.database.physical_position(bench.server)
    assert f"df -h {NOTES_FOLDER}" in raised.value.hint
