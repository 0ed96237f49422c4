"""The archive's agent itself, beside a real MariaDB and a real S3 server, on its bad days."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from blocks.archives import agent
from blocks.archives.s3_archive import S3Archive
from blocks.types import ArchiveListing, LogId, LogSource, Position, ShippedSite
from flows.decisions.log_chain import LogChain, chain_logs, choose_changes
from flows.tasks.archive_look import log_bytes
from tests.fakes.loopback_mariadb import LoopbackMariaDb, loopback_mariadb
from tests.fakes.loopback_s3 import FaultyProxy, LoopbackS3, Mode, faulty_proxy

pytestmark = pytest.mark.timeout(120)
PROGRAM = Path(agent.__file__).with_name("agent.sh")
LIMIT = 60


@dataclass
class World:
    """A server's database and site, its agent, and two buckets, each behind a proxy."""

    database: LoopbackMariaDb
    archive: S3Archive
    proxy: FaultyProxy
    site: Path
    folder: Path
    copy: S3Archive
    copy_proxy: FaultyProxy
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "STATE_DIRECTORY": str(self.folder / "state"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
        }
        self.process = subprocess.Popen(
            ["bash", str(PROGRAM), "ship"], env=environment, start_new_session=True
        )

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def listing(self) -> ArchiveListing:
        return self.archive.listing("web1")

    def errors(self) -> str:
        return "".join(each.read_text() for each in self.folder.glob("run/*/error"))

    def processor_seconds(self) -> float:
        """Return what the agent took so far, with its children that ended."""
        assert self.process is not None
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in stat[11:15]) / os.sysconf("SC_CLK_TCK")

    def copy_name(self) -> str:
        return through(self.copy, self.copy_proxy).destination("web1").name

    def look_at_copy(self) -> World:
        """Return this world with the second bucket in the place of the first."""
        return replace(self, archive=self.copy, proxy=self.copy_proxy)

    def log(self) -> Path:
        index = self.database.datadir / "bin.index"
        return self.database.datadir / index.read_text().split()[-1]

    def identity(self, log: Path) -> LogId:
        said = subprocess.run(
            ["bash", str(PROGRAM), "identity", str(log)], capture_output=True, check=True
        )
        return LogId(log.name, said.stdout.decode().strip())

    def begin(self) -> Position:
        """Begin a new log, as a backup does, and return its beginning."""
        self.database.sql("FLUSH BINARY LOGS")
        log = self.identity(self.log())
        return Position(log.name, 4, "", datetime.now(UTC), log.identity)

    def chain(self, begin: Position) -> LogChain:
        return chain_logs(self.listing(), begin)

    def reached(self, begin: Position) -> int:
        """Return up to where the newest archived log is there."""
        spans = self.chain(begin).spans
        return spans[-1].end if spans else 0

    def wait_for_rows(self, begin: Position, rows: int) -> LogChain:
        """Wait until the newest log that is archived holds all that the server's own holds."""

        def complete() -> bool:
            chain = self.chain(begin)
            log = self.identity(self.log())
            return bool(chain.spans) and chain.spans[-1].log == log and self.held(chain, rows)

        wait_for(complete, f"{rows} rows in the archive")
        return self.chain(begin)

    def held(self, chain: LogChain, rows: int) -> bool:
        text = b"".join(b"".join(log_bytes(self.archive, span)) for span in chain.spans)
        return {int(n) for n in re.findall(rb"row-(\d+);", text)} >= set(range(rows))

    def write(self, rows: int, first: int = 0) -> None:
        values = ", ".join(f"('row-{n};')" for n in range(first, first + rows))
        self.database.sql(f"INSERT INTO shop.hits (page) VALUES {values}")  # noqa: S608 - our own


def wait_for(ready: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + LIMIT
    while not ready():
        assert time.monotonic() < until, f"no {what} after {LIMIT} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMariaDb]:
    with loopback_mariadb(tmp_path_factory.mktemp("mariadb")) as running:
        running.sql(
            "SET GLOBAL binlog_format = STATEMENT; CREATE DATABASE continuity;"
            "CREATE TABLE continuity.pulse (id tinyint PRIMARY KEY, beaten_at datetime(6))"
        )
        yield running


@contextmanager
def made(database: LoopbackMariaDb, s3: LoopbackS3, folder: Path) -> Iterator[World]:
    site = folder / "site"
    (site / "pages").mkdir(parents=True)
    (folder / "state").mkdir()
    (folder / "run").mkdir()
    with faulty_proxy(s3.port) as proxy, faulty_proxy(s3.port) as copy_proxy:
        archives = [bucket(s3, f"b{abs(hash(folder))}-{n}") for n in range(2)]
        logs = LogSource(
            str(database.datadir / "bin.index"),
            (f"--socket={database.socket}",),
            "continuity.pulse",
        )
        settings = agent.settings(
            [
                through(each, door).destination("web1")
                for each, door in zip(archives, (proxy, copy_proxy), strict=True)
            ],
            logs,
            [ShippedSite("shop", (str(site),), ("*.log",))],
            timedelta(seconds=1),
        )
        (folder / "state" / "settings").write_text(settings)
        world = World(database, archives[0], proxy, site, folder, archives[1], copy_proxy)
        world.start()
        try:
            yield world
        finally:
            world.kill()


def bucket(s3: LoopbackS3, name: str) -> S3Archive:
    s3.make_locked_bucket(name)
    return S3Archive(
        store=s3.store(name),
        agent_access_key="agent",
        agent_secret_key=SecretStr("secret"),
        identity_key=SecretStr(str(pyrage.x25519.Identity.generate())),
    )


def through(archive: S3Archive, proxy: FaultyProxy) -> S3Archive:
    endpoint = f"http://127.0.0.1:{proxy.port}"
    store = archive.store.model_copy(update={"endpoint": endpoint})
    return archive.model_copy(update={"store": store})


@pytest.fixture
def world(database: LoopbackMariaDb, s3: LoopbackS3, tmp_path: Path) -> Iterator[World]:
    with made(database, s3, tmp_path) as world:
        wait_for(lambda: world.listing().seen_until is not None, "first pass")
        yield world


def test_logs_arrive_in_order_and_whole(world: World) -> None:
    begin = world.begin()
    world.write(50)
    world.database.sql("FLUSH BINARY LOGS")
    world.write(50, first=50)
    chain = world.wait_for_rows(begin, 100)
    assert chain.gap == ""
    assert len(chain.spans) == 2
    whole = b"".join(log_bytes(world.archive, chain.spans[0]))
    closed = bytearray((world.database.datadir / chain.spans[0].log.name).read_bytes())
    assert len(whole) == len(closed)
    assert whole[23:] == bytes(closed[23:]), "all but the mark of a log in use"


def test_what_both_buckets_need_is_packed_once(world: World) -> None:
    """An encryption is never the same twice: equal objects are one."""
    begin, other = world.begin(), world.look_at_copy()
    for turn in range(6):
        world.write(3000, first=turn * 3000)
        for each in (world, other):
            assert each.wait_for_rows(begin, (turn + 1) * 3000).gap == ""
    keys = [{piece.key for piece in each.listing().logs} for each in (world, other)]
    same = [
        key
        for key in keys[0] & keys[1]
        if world.archive.store.get(key) == other.archive.store.get(key)
    ]
    assert len(same) >= 4
    assert len(list(world.folder.glob("run/packs/*.md5"))) <= 3


def test_shipping_costs_little_more_than_packing(world: World) -> None:
    """It is 2 to 3.5 times as much: two uploads, and the looks of a second each meanwhile."""
    begin, other = world.begin(), world.look_at_copy()
    spent = world.processor_seconds()
    world.database.sql(
        "SET SESSION binlog_format = ROW; CREATE TABLE shop.noise (content TEXT);"
        "INSERT INTO shop.noise SELECT HEX(RANDOM_BYTES(1024)) FROM shop.seq_1_to_60000"
    )
    size = world.log().stat().st_size
    assert size > 120_000_000
    for each in (world, other):
        wait_for(lambda each=each: each.reached(begin) >= size, "whole log")
    spent = world.processor_seconds() - spent
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    recipient = world.archive.destination("web1").recipient
    pack = 'zstd -q -1 -c "$0" | age --encrypt --recipient="$1" | cat >/dev/null'
    subprocess.run(["sh", "-c", pack, str(world.log()), recipient], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    packing = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 5 * packing


def test_a_killed_agent_goes_on_where_it_was(world: World) -> None:
    begin = world.begin()
    for turn in range(5):
        world.write(20, first=turn * 20)
        time.sleep(0.3 * turn)
        world.kill()
        world.start()
    assert world.wait_for_rows(begin, 100).gap == ""


def test_a_bucket_that_is_down_leaves_no_gap(world: World) -> None:
    begin = world.begin()
    world.write(10)
    world.proxy.mode = Mode.BUSY
    for turn in range(3):
        world.write(10, first=10 + turn * 10)
        world.database.sql("FLUSH BINARY LOGS")
        time.sleep(1)
    world.write(10, first=40)
    wait_for(lambda: "cannot upload" in world.errors(), "told failure")
    world.proxy.mode = Mode.FINE
    chain = world.wait_for_rows(begin, 50)
    assert (chain.gap, len(chain.spans)) == ("", 4)


def test_one_bucket_that_is_down_neither_stops_nor_gaps_the_other(world: World) -> None:
    """Also with the agent killed in between, and with one that hangs instead of answering."""
    begin, other = world.begin(), world.look_at_copy()
    page = world.site / "pages" / "during.html"
    world.write(10)
    other.wait_for_rows(begin, 10)
    for rows, mood in ((20, Mode.BUSY), (30, Mode.SILENT)):
        world.copy_proxy.mode = mood
        world.write(10, first=rows - 10)
        page.write_text(mood)
        world.database.sql("FLUSH BINARY LOGS")
        assert world.wait_for_rows(begin, rows).gap == ""
        assert not other.held(other.chain(begin), rows)
        world.kill()
        world.start()
    wait_for(lambda: "cannot upload" in world.errors(), "told failure")
    world.copy_proxy.mode, world.proxy.mode = Mode.FINE, Mode.BUSY
    world.write(10, first=30)
    assert other.wait_for_rows(begin, 40).gap == ""
    world.proxy.mode = Mode.FINE
    assert world.wait_for_rows(begin, 40).gap == ""
    now = datetime.now(UTC)
    for each in (world, other):
        found = choose_changes(each.listing().files, "shop", begin.at, now)
        assert found[0], "the page lies in both"
        assert found[1] == "", "without a gap"


def test_a_bucket_that_is_new_or_down_from_the_start_misses_nothing_since(
    database: LoopbackMariaDb, s3: LoopbackS3, tmp_path: Path
) -> None:
    with made(database, s3, tmp_path) as world:
        world.copy_proxy.mode = Mode.BUSY
        wait_for(lambda: world.listing().seen_until is not None, "first pass")
        world.kill()
        for folder in (tmp_path / "state" / "state", tmp_path / "run"):
            shutil.rmtree(folder / world.copy_name(), ignore_errors=True)
        world.start()
        wait_for(lambda: "cannot upload" in world.errors(), "told failure")
        begin = world.begin()
        world.write(10)
        world.wait_for_rows(begin, 10)
        world.copy_proxy.mode = Mode.FINE
        assert world.look_at_copy().wait_for_rows(begin, 10).gap == ""


def test_a_reset_is_a_gap_at_once_and_names_do_not_deceive(world: World) -> None:
    begin = world.begin()
    world.write(10)
    world.wait_for_rows(begin, 10)
    world.database.sql("RESET MASTER")
    world.write(10)
    wait_for(lambda: world.chain(begin).gap != "", "gap")
    chain = world.chain(begin)
    assert "ne fait suite à rien" in chain.gap
    assert world.held(chain, 10), "what came before is still there"


def test_logs_purged_before_they_were_shipped_are_a_gap(world: World) -> None:
    begin = world.begin()
    world.write(10)
    world.wait_for_rows(begin, 10)
    world.kill()
    world.database.sql("FLUSH BINARY LOGS")
    world.write(10, first=10)
    world.database.sql("FLUSH BINARY LOGS; FLUSH BINARY LOGS")
    world.database.sql(f"PURGE BINARY LOGS TO '{world.log().name}'")
    world.start()
    wait_for(lambda: world.chain(begin).gap != "", "gap")


def test_a_full_disk_does_not_stop_the_shipping(
    database: LoopbackMariaDb, s3: LoopbackS3, tmp_path: Path
) -> None:
    with made(database, s3, tmp_path) as world:
        wait_for(lambda: world.listing().seen_until is not None, "first pass")
        begin = world.begin()
        world.write(10)
        world.wait_for_rows(begin, 10)
        world.kill()
        small = tmp_path / "small"
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(small)]
        subprocess.run(mount, check=True)
        try:
            shutil.copytree(tmp_path / "state", small, dirs_exist_ok=True)
            world.folder = tmp_path / "other"
            world.folder.mkdir()
            (world.folder / "run").mkdir()
            (world.folder / "state").symlink_to(small)
            with pytest.raises(OSError, match="No space left"):
                (small / "ballast").write_bytes(bytes(65536))
            world.start()
            world.write(10, first=10)
            assert world.wait_for_rows(begin, 20).gap == ""
            wait_for(lambda: "is the disk full" in world.errors(), "word")
            world.kill()
        finally:
            subprocess.run(["umount", "--lazy", str(small)], check=True)
        world.start()


def test_changed_files_are_shipped_and_unchanged_ones_are_not(world: World) -> None:
    (world.site / "pages" / "new é.html").write_text("new")
    (world.site / "debug.log").write_text("not kept")
    wait_for(lambda: len(world.listing().files) > 0, "changed files")
    quiet = world.listing().seen_until

    def settled() -> bool:
        seen, found = world.listing().seen_until, world.listing().files
        return bool(seen and quiet and seen - found[-1].at > timedelta(seconds=4))

    wait_for(settled, "pass without files")
    assert len(world.listing().files) < 6, "an unchanged file is shipped a few times at most"
    for piece in world.listing().files:
        assert piece.since < piece.at


def test_the_agent_is_clean_shell() -> None:
    subprocess.run(["shellcheck", "--severity=warning", str(PROGRAM)], check=True)
