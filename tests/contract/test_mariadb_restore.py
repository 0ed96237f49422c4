"""Restores into a real MariaDB on a real machine, cut at every point and run again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from blocks.databases.mariadb import MariaDb
from blocks.errors import CommandFailed, ConfigurationError, DiskFull, NotFound
from blocks.servers.ssh import SshServer
from blocks.types import Canary, DatabaseFacts, RemoteCommand
from tests.fakes.loopback_mariadb import ACCOUNT, PASSWORD, SHOP

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
SHORT, LONG = timedelta(seconds=60), timedelta(minutes=8)
FIRST, SECOND = "1" * 64, "2" * 64
COPY = RemoteCommand(("cat", "/root/copy.xb"))
DUMP = RemoteCommand(("cat", "/root/shop.sql"))
GRANTS = RemoteCommand(("cat", "/root/grants.sql"))
CANARY = Canary("web1", "before", datetime(2026, 3, 1, tzinfo=UTC))
DATA = "/var/lib/mysql"
DATABASE = MariaDb(password=SecretStr(PASSWORD))


def sh(server: SshServer, script: str) -> str:
    return server.run(("bash", "-euc", script), timeout=SHORT).stdout.decode()


def sql(server: SshServer, text: str) -> str:
    return server.run(("mariadb", "-N"), stdin=text.encode(), timeout=SHORT).stdout.decode()


def fingerprint(server: SshServer) -> str:
    """Return checksums of all tables and everything else a dump shows, and all rights."""
    dump = server.run(DATABASE.logical_dump("shop"), timeout=SHORT).stdout.decode()
    return dump + server.run(DATABASE.grants_dump(), timeout=SHORT).stdout.decode()


@pytest.fixture(scope="module")
def original(debian: SshServer) -> tuple[DatabaseFacts, str]:
    """Fill a MariaDB, copy it in all ways to /root, and return what it held."""
    debian.install_packages(["mariadb-server", "mariadb-backup"], timeout=LONG)
    binlog = b"[mysqld]\nlog_bin=/var/log/mysql-binlog/bin\n"
    debian.put("/etc/mysql/mariadb.conf.d/90-test.cnf", binlog, mode=0o644)
    sh(debian, "install -d -o mysql /var/log/mysql-binlog")
    debian.start_services(["mariadb"])
    sql(debian, ACCOUNT + SHOP)
    DATABASE.write_canary(debian, CANARY)
    copies = {
        "copy.xb": DATABASE.physical_copy(),
        "shop.sql": DATABASE.logical_dump("shop"),
        "grants.sql": DATABASE.grants_dump(),
    }
    for name, command in copies.items():
        keep = RemoteCommand(("sh", "-c", 'cat >"$1"', "keep", f"/root/{name}"))
        debian.pipe(command, keep, timeout=SHORT)
    return DATABASE.facts(debian), fingerprint(debian)


@pytest.fixture
def server(debian: SshServer, original: tuple[DatabaseFacts, str]) -> SshServer:
    """The machine with an empty MariaDB, as a new one would be."""
    sh(
        debian,
        f"""systemctl stop mariadb; rm -rf {DATA}*/ /var/lib/continuity/markers
        rm -rf /var/log/mysql-binlog
        mariadb-install-db --user=mysql --skip-test-db >/dev/null 2>&1""",
    )
    return debian


def assert_back(server: SshServer, original: tuple[DatabaseFacts, str]) -> None:
    facts, content = original
    assert DATABASE.facts(server) == facts
    assert fingerprint(server) == content
    assert DATABASE.read_canary(server) == CANARY
    assert sh(server, f"ls -d {DATA}*") == f"{DATA}\n", "nothing is left beside"


def restore(server: SshServer, stream: RemoteCommand = COPY, snapshot: str = FIRST) -> None:
    DATABASE.restore_physical(server, stream, snapshot=snapshot, timeout=LONG)


def test_a_physical_restore_brings_everything_back_once(
    server: SshServer, original: tuple[DatabaseFacts, str]
) -> None:
    restore(server)
    assert_back(server, original)
    sql(server, "INSERT INTO shop.orders (name) VALUES ('later'); DELETE FROM shop.hits LIMIT 1")
    sh(server, "systemctl stop mariadb")
    restore(server, RemoteCommand(("false",)))
    assert (
        sql(server, "SELECT COUNT(*) FROM shop.orders; SELECT COUNT(*) FROM shop.hits") == "3\n2\n"
    )
    restore(server, snapshot=SECOND)
    assert_back(server, original)


PREPARED = f"""
mkdir -m 700 {DATA}.incoming-11111111; mbstream -x -C {DATA}.incoming-11111111 </root/copy.xb
mariadb-backup --prepare --target-dir={DATA}.incoming-11111111 2>/dev/null
chown -R mysql: {DATA}.incoming-11111111
printf %s {FIRST} >{DATA}.incoming-11111111/continuity-snapshot
mv {DATA}.incoming-11111111 {DATA}.prepared
"""
SWAPPED = f"{PREPARED} mv {DATA} {DATA}.replaced; mv {DATA}.prepared {DATA}"
CUT = {
    "extracting": f"mkdir {DATA}.incoming-11111111; echo x >{DATA}.incoming-11111111/ibdata1",
    "extracting another copy": f"mkdir {DATA}.incoming-22222222",
    "prepared": PREPARED,
    "prepared another copy": PREPARED.replace(FIRST, SECOND),
    "service stopped": f"{PREPARED} systemctl stop mariadb",
    "live directory renamed": f"{PREPARED} systemctl stop mariadb; mv {DATA} {DATA}.replaced",
    "left over from before": f"{PREPARED} mkdir {DATA}.replaced",
    "swapped": SWAPPED,
    "started": f"{SWAPPED}; install -d -o mysql /var/log/mysql-binlog; systemctl start mariadb",
    "replaced removed": f"{SWAPPED}; rm -rf {DATA}.replaced",
}


@pytest.mark.parametrize("point", CUT)
def test_a_restore_cut_anywhere_is_finished_by_running_again(
    server: SshServer, original: tuple[DatabaseFacts, str], point: str
) -> None:
    server.run(("bash", "-euc", CUT[point]), timeout=SHORT)
    restore(server)
    assert_back(server, original)
    assert server.read_marker("physical") == FIRST


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        ("head -c 3000000 /root/copy.xb; exit 3", "status 3"),
        ("head -c 3000000 /root/copy.xb", "mbstream"),
        ("true", "no complete copy"),
        ("cat /root/shop.sql", "mbstream"),
    ],
)
def test_a_stream_that_is_no_whole_copy_changes_nothing(
    server: SshServer, stream: str, error: str
) -> None:
    sh(server, "install -d -o mysql /var/log/mysql-binlog")
    server.start_services(["mariadb"])
    sql(server, "CREATE DATABASE precious")
    with pytest.raises(CommandFailed, match=error):
        restore(server, RemoteCommand(("sh", "-c", stream)))
    assert "precious" in sql(server, "SHOW DATABASES")
    assert sh(server, f"ls -d {DATA}*") == f"{DATA}\n"
    assert server.read_marker("physical") == ""


def test_a_copy_that_has_no_room_is_refused(server: SshServer) -> None:
    with pytest.raises(DiskFull, match="df -h"):
        DATABASE.restore_physical(server, COPY, snapshot=FIRST, timeout=LONG, size=10**16)


def test_a_disk_that_fills_up_is_named_and_cleaned(server: SshServer) -> None:
    sh(server, "mkdir -p /mnt/full; mount -t tmpfs -o size=8m x /mnt/full; mkdir /mnt/full/mysql")
    small = DATABASE.model_copy(update={"datadir": "/mnt/full/mysql"})
    try:
        with pytest.raises(DiskFull, match="df -h") as caught:
            small.restore_physical(server, COPY, snapshot=FIRST, timeout=LONG)
        assert server.address in caught.value.subject
        assert sh(server, "ls /mnt/full") == "mysql\n"
    finally:
        sh(server, "umount /mnt/full")


def test_a_data_directory_on_its_own_volume_is_refused(server: SshServer) -> None:
    sh(server, f"systemctl stop mariadb; mount -t tmpfs x {DATA}")
    try:
        with pytest.raises(ConfigurationError, match="mount point"):
            restore(server)
    finally:
        sh(server, f"umount {DATA}")


def test_a_server_without_the_tool_says_what_to_install(server: SshServer) -> None:
    sh(server, "mv /usr/bin/mbstream /usr/bin/mbstream.away")
    try:
        with pytest.raises(NotFound, match="apt-get install mariadb-backup"):
            restore(server)
    finally:
        sh(server, "mv /usr/bin/mbstream.away /usr/bin/mbstream")


def test_a_logical_restore_replaces_the_database_once(
    server: SshServer, original: tuple[DatabaseFacts, str]
) -> None:
    for snapshot in (FIRST, FIRST, SECOND):
        DATABASE.restore_logical(server, "shop", DUMP, snapshot=snapshot, timeout=LONG)
        if snapshot == FIRST:
            sql(server, "CREATE TABLE IF NOT EXISTS shop.extra (i int)")
    assert "extra" not in sql(server, "SHOW TABLES FROM shop")
    for _ in range(2):
        DATABASE.restore_grants(server, GRANTS, timeout=LONG)
    assert fingerprint(server) == original[1]
    assert sql(server, "SELECT 1") == "1\n", "root still logs in over the socket"


def test_a_dump_that_breaks_off_leaves_no_marker(
    server: SshServer, original: tuple[DatabaseFacts, str]
) -> None:
    broken = RemoteCommand(("sh", "-c", "head -c 1500 /root/shop.sql; echo cut >&2; exit 3"))
    with pytest.raises(CommandFailed, match="cut"):
        DATABASE.restore_logical(server, "shop", broken, snapshot=FIRST, timeout=LONG)
    assert server.read_marker("database-shop") == ""
    DATABASE.restore_logical(server, "shop", DUMP, snapshot=FIRST, timeout=LONG)
    DATABASE.restore_grants(server, GRANTS, timeout=LONG)
    assert fingerprint(server) == original[1]


def test_the_line_that_older_clients_stop_at_is_taken_out_and_its_rule_kept(
    server: SshServer, original: tuple[DatabaseFacts, str]
) -> None:
    shell = "echo '\\! touch /root/escaped'"
    for first in ("true", "echo '/*M!999999\\- enable the sandbox mode */ '"):
        hostile = RemoteCommand(("sh", "-c", f"{first}; {shell}; tail -n +2 /root/shop.sql"))
        with pytest.raises(CommandFailed, match="sandbox"):
            DATABASE.restore_logical(server, "shop", hostile, snapshot=FIRST, timeout=LONG)
        assert sh(server, "ls /root/escaped 2>/dev/null || true") == ""
    without = RemoteCommand(("sed", "1{/999999/d}", "/root/shop.sql"))
    DATABASE.restore_logical(server, "shop", without, snapshot=SECOND, timeout=LONG)
    assert "orders" in sql(server, "SHOW TABLES FROM shop")


def test_a_dump_of_mysql_is_told_by_its_head_and_its_collation(server: SshServer) -> None:
    lines = (
        "-- MySQL dump 10.13  Distrib 8.0.42, for Linux (x86_64)\n-- Server version\t8.0.42\n\n"
        "CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;\n"
    )
    server.put("/root/mysql.sql", lines.encode())
    dump = RemoteCommand(("cat", "/root/mysql.sql"))
    with pytest.raises(CommandFailed, match=r"MySQL 8\.0\.42 uses .*utf8mb4_0900_ai_ci") as caught:
        DATABASE.restore_logical(server, "shop", dump, snapshot=FIRST, timeout=LONG)
    assert "MariaDB 11.4.5" in caught.value.hint
    assert server.read_marker("database-shop") == ""


def test_sql_that_is_refused_is_quoted(server: SshServer) -> None:
    nonsense = RemoteCommand(("echo", "SELEKT 1;"))
    with pytest.raises(CommandFailed, match="SELEKT") as caught:
        DATABASE.restore_logical(server, "shop", nonsense, snapshot=FIRST, timeout=LONG)
    assert server.address in caught.value.subject
