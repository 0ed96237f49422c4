"""An archive in buckets at two real S3 servers: what one lacks or loses, the other one gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyrage
import pytest
import zstandard
from pydantic import SecretStr

from blocks.archives import delivery
from blocks.archives.binlog import Transaction, transactions
from blocks.archives.names import stamp
from blocks.archives.places import ArchivePlaces
from blocks.archives.s3_archive import S3Archive
from blocks.errors import Unreachable
from blocks.repositories.s3 import S3ObjectStore
from blocks.servers import debian
from blocks.types import LogId, Position, RecoverySet
from flows.decisions.log_chain import LogChain, chain_logs
from flows.reports.archive_text import archive_notes
from flows.tasks import archive_steps
from flows.tasks.archive_find import FoundStatement, search
from flows.tasks.archive_look import log_bytes, pieces_of, with_what_is_left
from tests.fakes.jobless_server import JoblessServer, jobless
from tests.fakes.loopback_rclone import rclone_server
from tests.fakes.loopback_s3 import FaultyProxy, LoopbackS3, Mode, faulty_proxy
from tests.fakes.loopback_sshd import loopback_sshd
from tests.unit.samples import recovery_set

pytestmark = pytest.mark.timeout(60)
T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LOG = LogId("bin.000001", "a" * 16)
WHOLE = bytes(range(250)) * 4
SECOND = timedelta(seconds=60)
LOGS = Path(__file__).parent.parent / "data" / "binlog"


@dataclass
class World:
    """Two buckets behind proxies, and a server that fetches from them."""

    first: S3Archive
    second: S3Archive
    proxies: tuple[FaultyProxy, FaultyProxy]
    server: JoblessServer
    folder: Path

    def places(self) -> ArchivePlaces:
        return ArchivePlaces({"principal": self.first, "copie": self.second})

    def chain(self, places: ArchivePlaces) -> LogChain:
        position = Position(LOG.name, 4, "0-1-1", T0, LOG.identity)
        return chain_logs(places.listing("web1", T0 - SECOND), position)

    def content(self, places: ArchivePlaces) -> bytes:
        """Read what leads on, in the worker, as `archive find` does."""

        def read() -> bytes:
            return b"".join(b"".join(log_bytes(places, s)) for s in self.chain(places).spans)

        return with_what_is_left(read)

    def delivered(self, places: ArchivePlaces) -> bytes:
        """Fetch the same on the server, as a recovery does."""

        def deliver() -> tuple[str, ...]:
            folder = str(self.folder / "logs")
            return places.deliver_logs(
                self.server, self.chain(places).spans, folder, timeout=SECOND
            )

        return b"".join(Path(each).read_bytes() for each in with_what_is_left(deliver))


def key(seconds: int, begin: int, end: int, log: LogId = LOG) -> str:
    at = stamp(T0 + timedelta(seconds=seconds))
    return f"web1/{at}-log-{log.name}-{log.identity}-{begin}-{end}.zst.age"


def put(
    archive: S3Archive, seconds: int, begin: int, end: int, log: LogId = LOG, whole: bytes = WHOLE
) -> str:
    """Put a piece as the agent does."""
    name = key(seconds, begin, end, log)
    recipient = pyrage.x25519.Identity.from_str(archive.identity_key.get_secret_value()).to_public()
    packed = zstandard.ZstdCompressor().compress(whole[begin:end])
    archive.store.put(name, pyrage.encrypt(packed, [recipient]))
    return name


def archive(store: S3ObjectStore) -> S3Archive:
    return S3Archive(
        store=store,
        agent_access_key="agent",
        agent_secret_key=SecretStr("secret"),
        identity_key=SecretStr(str(pyrage.x25519.Identity.generate())),
    )


@pytest.fixture
def world(s3: LoopbackS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(delivery, "FOLDER", str(tmp_path / "replay"))
    tmp_path.chmod(0o755)
    with ExitStack() as stack:
        rclone = stack.enter_context(rclone_server(tmp_path / "rclone"))
        sshd = stack.enter_context(loopback_sshd(tmp_path))
        doors = [stack.enter_context(faulty_proxy(each.port)) for each in (s3, rclone)]
        bucket = f"p{abs(hash(tmp_path))}"
        s3.make_bucket(bucket)
        ends = [f"http://127.0.0.1:{each.port}" for each in doors]
        first = archive(s3.store(bucket, endpoint=ends[0]))
        second = archive(rclone.store(prefix="archive", endpoint=ends[1]))
        yield World(first, second, (doors[0], doors[1]), jobless(sshd), tmp_path)


@pytest.fixture
def both(world: World) -> World:
    """The same three pieces in both buckets."""
    for each in (world.first, world.second):
        for seconds, begin, end in ((1, 0, 300), (16, 300, 600), (31, 600, 1000)):
            put(each, seconds, begin, end)
    return world


def used(places: ArchivePlaces, chain: LogChain) -> tuple[str, ...]:
    found = {each.place for each in pieces_of(chain.spans)}
    return archive_notes(list(places.archives), places.lost, places.damaged, found)


def test_the_first_serves_alone_as_long_as_it_can(both: World) -> None:
    places = both.places()
    assert both.content(places) == WHOLE
    assert both.delivered(places) == WHOLE
    assert used(places, both.chain(places)) == ()


@pytest.mark.parametrize("mood", [Mode.BUSY, Mode.SILENT])
def test_a_bucket_that_does_not_answer_is_made_up_by_the_other(both: World, mood: Mode) -> None:
    both.proxies[0].mode = mood
    places = both.places()
    assert both.content(places) == WHOLE
    found = used(places, both.chain(places))
    assert found[0].startswith("archive principal illisible (")
    assert found[1] == "archive lue dans copie"


def test_a_bucket_that_burns_between_the_look_and_the_replay(both: World) -> None:
    places = both.places()
    end = both.chain(places)
    both.proxies[0].cut_after(0)
    assert both.delivered(places) == WHOLE
    assert "principal" in places.lost
    again = both.chain(places)
    assert (again.reaches, again.gap) == (end.reaches, "")


def test_a_damaged_piece_alone_is_taken_from_the_other(both: World) -> None:
    bad = key(16, 300, 600)
    both.first.store.put(bad, b"age-encryption.org/v1\nnot what it was")
    for act in (both.content, both.delivered):
        places = both.places()
        assert act(places) == WHOLE
        assert used(places, both.chain(places)) == (
            "archive principal : 1 morceau endommagé", "archive complétée par copie",
        )  # fmt: skip


def test_a_gap_that_the_other_lacks_is_no_gap(world: World) -> None:
    for seconds, begin, end in ((1, 0, 300), (31, 600, 1000)):
        put(world.first, seconds, begin, end)
    for seconds, begin, end in ((1, 0, 300), (20, 250, 700)):
        put(world.second, seconds, begin, end)
    places = world.places()
    chain = world.chain(places)
    assert (chain.gap, chain.spans[0].end) == ("", 1000)
    assert [each.place for each in chain.spans[0].pieces] == [0, 1, 0]
    assert world.content(places) == world.delivered(places) == WHOLE


def test_what_only_one_bucket_has_is_not_given_up_silently(both: World) -> None:
    """Damaged in both: what is before it counts, and a point behind it is not reached."""
    for each in (both.first, both.second):
        each.store.put(key(31, 600, 1000), b"garbage")
    places = both.places()
    assert both.delivered(places) == WHOLE[:600]
    assert {name: len(keys) for name, keys in places.damaged.items()} == {
        "principal": 1, "copie": 1,
    }  # fmt: skip
    assert both.chain(places).spans[0].end == 600


def test_the_last_bucket_is_never_left_out(both: World) -> None:
    places = both.places()
    for door in both.proxies:
        door.cut_after(0)
    with pytest.raises(Unreachable):
        both.content(places)
    assert list(places.lost) == ["principal"]
    for door in both.proxies:
        door.mode = Mode.FINE
    assert both.delivered(places) == WHOLE
    assert list(places.afresh().listings("web1")) == ["principal", "copie"]


def made(hour: int, minute: int, log: LogId, offset: int) -> RecoverySet:
    """A set that stands at this offset of a log."""
    at = datetime(2026, 11, 23, hour, minute, tzinfo=UTC)
    return replace(
        recovery_set(at),
        consistent_at=at,
        position=Position(log.name, offset, "", at, log.identity),
    )


@pytest.mark.parametrize("burnt", [False, True])
def test_a_statement_is_sought_before_and_after_a_recovery(world: World, burnt: bool) -> None:
    """The new machine begins a log of the same name that follows on nothing."""
    new = LogId(LOG.name, "b" * 16)
    for seconds, name, log in (
        (2700, "mariadb-bin.000001", LOG),
        (3600, "mariadb-bin.000003", new),
    ):
        whole = (LOGS / name).read_bytes()
        for archive in (world.first, world.second):
            put(archive, seconds, 0, len(whole), log, whole)
    if burnt:
        world.proxies[0].cut_after(0)
    old, later, ours = made(10, 20, LOG, 4), made(10, 30, LOG, 1000), made(10, 50, new, 4)
    seen = search(world.places(), "web1", [ours, later, old], "INSERT INTO s.m", T0)
    assert [(each.gtid, each.from_set) for each in seen.found] == [
        ("0-1-5", later.id), ("0-1-9", later.id), ("0-1-26", ""),
    ]  # fmt: skip
    assert seen.found[0].statement == "insert into s.m(v) values('base')"
    assert seen.read == (
        (old.consistent_at, T0 + timedelta(minutes=45)),
        (ours.consistent_at, T0 + timedelta(minutes=60)),
    )
    assert bool(seen.notes) == burnt
    (newest,) = search(world.places(), "web1", [ours], "insert into s.m", T0).found
    assert newest == FoundStatement(
        "0-1-26", seen.found[2].at, "insert into s.m(v) values(rand())", ""
    )


def test_what_an_earlier_run_delivered_is_not_touched_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run was killed while MariaDB read the logs; then the archive went a little further."""
    monkeypatch.setattr(archive_steps, "REPLAY_FOLDER", str(world.folder / "logs"))
    monkeypatch.setattr(debian, "MARKERS", str(world.folder / "markers"))
    whole = (LOGS / "mariadb-bin.000001").read_bytes()
    ends = [each.end for each in transactions([whole], "log") if isinstance(each, Transaction)]
    put(world.first, 2700, 0, ends[-2], LOG, whole)
    chosen = made(10, 20, LOG, 4)
    estate = SimpleNamespace(archive=world.places(), name="web1")

    def deliver(point: str) -> tuple[object, list[tuple[int, bytes]]]:
        plan = SimpleNamespace(end=None, point=point, set_id=chosen.id, server="web1")
        said = archive_steps._deliver(estate, world.server, plan, chosen)
        files = sorted((world.folder / "logs").iterdir())
        return said, [(each.stat().st_ino, each.read_bytes()) for each in files]

    first = deliver("")
    assert [content for _, content in first[1]] == [whole[: ends[-2]]]
    put(world.first, 2760, ends[-2], len(whole), LOG, whole)
    assert deliver("") == first, "to the same point, from the same files"
    world.proxies[0].cut_after(0)
    world.proxies[1].cut_after(0)
    assert deliver("") == first, "even without the archive"
    with pytest.raises(Unreachable):
        deliver("another point")
