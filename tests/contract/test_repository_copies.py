"""One suite for copies between repositories: in memory, and restic from moto to rclone's S3."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    PermissionDenied,
    Unreachable,
    Unsupported,
)
from blocks.repositories import restic_command
from blocks.repositories.base import Repository
from blocks.repositories.restic import ResticRepository
from blocks.servers.base import Server
from blocks.types import KeyRole, Label, Part, Snapshot
from flows.decisions.immutability import judge
from tests import process_list
from tests.contract.repository_worlds import (
    ResticWorld,
    World,
    begin,
    loopback_server,
    memory_world,
    moto_store,
    noise,
    restic_binary,
    restic_world,
)
from tests.fakes.loopback_rclone import KEY, SECRET, LoopbackRclone, rclone_server
from tests.fakes.loopback_s3 import LoopbackS3
from tests.fakes.memory_repository import MemoryRepository

PARTS = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with loopback_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackRclone]:
    with rclone_server(tmp_path_factory.mktemp("rclone")) as running:
        yield running


def copy_at(second: LoopbackRclone, folder: Path, **fields: object) -> ResticRepository:
    right: dict[str, object] = {
        "store": second.store(prefix="team"),
        "password": "another password",
        "server_access_key": KEY,
        "server_secret_key": SECRET,
        "restic_binary": restic_binary(),
        "cache_directory": str(folder / "cache-of-copy"),
    }
    return ResticRepository.model_validate(right | fields)


@pytest.fixture(params=["memory", "restic"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[World, Repository]:
    """A server with its repository, and an empty place for the copy."""
    if request.param == "memory":
        world: World = memory_world()
        target: Repository = MemoryRepository(password="another")
    else:
        service, machine = (request.getfixturevalue(name) for name in ("s3", "server"))
        world = restic_world(moto_store(service), machine, tmp_path)
        target = copy_at(request.getfixturevalue("second"), tmp_path)
    begin(world)
    target.prepare(world.server, world.name)
    return world, target


def save(world: World, subject: str, content: bytes) -> Snapshot:
    world.put(f"{world.root}/{subject}.txt", content)
    label = Label(world.name, "s1", Part.SITE, subject)
    return world.repository.save_paths(world.server, (world.root,), (), label)


def copy(world: World, target: Repository, *snapshots: Snapshot) -> None:
    ids = [each.id for each in snapshots]
    target.copy_from(world.repository, world.server, world.name, ids)


def test_a_copy_is_the_same_but_for_its_ids(pair: tuple[World, Repository]) -> None:
    world, target = pair
    began = datetime.now(UTC)
    one, two = save(world, "one", b"1" * 5000), save(world, "two", b"2" * 5000)
    copy(world, target, one)
    first = target.snapshots(world.name)
    copy(world, target, one, two)
    copied = target.snapshots(world.name)
    assert copied[:1] == first, "what is there is left alone"
    assert [replace(each, id="") for each in copied] == [
        replace(each, id="") for each in (one, two)
    ]
    assert not {each.id for each in copied} & {one.id, two.id}
    assert target.seal_key() != world.repository.seal_key()
    assert target.read_back(world.name, began).objects > 0
    world.wipe()
    target.restore_paths(world.server, world.name, copied[1].id)
    assert world.read(f"{world.root}/two.txt") == b"2" * 5000


def test_repositories_of_two_kinds_are_refused() -> None:
    world = memory_world()
    for target, source in (
        (MemoryRepository(), copy_at_nothing()),
        (copy_at_nothing(), MemoryRepository()),
    ):
        with pytest.raises(ConfigurationError):
            target.copy_from(source, world.server, world.name, ["0" * 64])


def copy_at_nothing() -> ResticRepository:
    store = {"bucket": "none", "access_key": "none", "secret_key": "none"}
    keys = {"password": "none", "server_access_key": "none", "server_secret_key": "none"}
    return ResticRepository.model_validate({"store": store, **keys})


# --- restic alone ---


@pytest.fixture
def real(
    s3: object, server: Server, second: LoopbackRclone, tmp_path: Path
) -> tuple[ResticWorld, ResticRepository]:
    world = restic_world(moto_store(s3), server, tmp_path)  # type: ignore[arg-type]
    begin(world)
    return world, copy_at(second, tmp_path)


WRONG = {
    "key of the copy": ({"server_secret_key": SecretStr("wrong")}, {}),
    "password of the source": ({}, {"password": SecretStr("wrong")}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_copy_with_a_wrong(what: str, real: tuple[ResticWorld, ResticRepository]) -> None:
    world, target = real
    one = save(world, "one", b"1" * 1000)
    copy(world, target, one)
    two = save(world, "two", b"2" * 1000)
    theirs, ours = WRONG[what]
    source = world.with_fields(**ours).repository
    with pytest.raises(ContinuityError) as raised:
        target.model_copy(update=theirs).copy_from(source, world.server, world.name, [two.id])
    print(f"\n{type(raised.value).__name__}: {raised.value}")
    assert isinstance(raised.value, AuthenticationFailed | PermissionDenied | NotFound)
    assert raised.value.hint
    assert len(target.snapshots(world.name)) == 1


def test_a_copy_killed_half_way_goes_on(real: tuple[ResticWorld, ResticRepository]) -> None:
    world, target = real[0], real[1].model_copy(update={"upload_limit_kib": 4000})
    saved = [save(world, part, noise(index, 4_000_000)) for index, part in enumerate(PARTS)]
    copy(world, target)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            copy(world, target, *saved)
        except ContinuityError as error:
            failures.append(error)

    running = threading.Thread(target=run)
    running.start()
    made = f"{world.name}/restic/snapshots/"
    while running.is_alive() and not target.objects().list(made):
        time.sleep(0.02)
    kill_copy(world.name)
    running.join(timeout=60)
    before = target.snapshots(world.name)
    assert failures, "it was killed before its end"
    assert 1 <= len(before) < len(PARTS)
    copy(world, target, *saved)
    after = target.snapshots(world.name)
    assert set(before) < set(after)
    assert {each.tree for each in after} == {each.tree for each in saved}
    assert target.read_back(world.name, datetime.now(UTC) - timedelta(minutes=1)).objects > 0


def kill_copy(name: str) -> None:
    """Kill restic and its rclone as a power cut would."""
    for process, line in process_list.read_all():
        words = line.split(b"\0")
        if b"copy" in words and any(f"/{name}/".encode() in word for word in words):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def test_a_copy_forgets_by_itself_where_nothing_keeps_versions(
    server: Server, second: LoopbackRclone, s3: LoopbackS3, tmp_path: Path
) -> None:
    """The poorest store: it knows neither versions nor locks, and says so."""
    world = restic_world(moto_store(s3), server, tmp_path)
    world.repository.initialise(world.name)
    target = copy_at(second, tmp_path)
    for each in (world.repository, target):
        each.prepare(world.server, world.name)
    one, two = save(world, "one", noise(1, 50_000)), save(world, "two", noise(2, 50_000))
    copy(world, target, one, two)
    older, newer = target.snapshots(world.name)
    assert target.forget(world.name, [newer.id]) == (older.id,)
    assert [each.id for each in target.snapshots(world.name)] == [newer.id]
    assert len(world.repository.snapshots(world.name)) == 2
    assert target.read_slice(world.name, 1, 1).damaged == ()
    with pytest.raises(Unsupported):
        target.versions(KeyRole.PRUNE).versions(f"{world.name}/")
    test = target.self_test(datetime.now(UTC))
    assert judge(test).proven is False
    assert test.lock_mode == ""
    assert target.objects().list("self-test/") == ()


def test_a_store_without_conditions_takes_copies_but_no_first_set(
    second: LoopbackRclone, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="conditional writes"):
        copy_at(second, tmp_path).initialise("web1")


def test_a_reading_command_ends_soon_after_its_store_is_gone(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as store:
        port = store.getsockname()[1]
        words = restic_command.watched(("sh", "-c", "echo data; exec sleep 100"), "127.0.0.1", port)
        threading.Timer(2, store.close).start()
        began = time.monotonic()
        with pytest.raises(CommandFailed) as raised:
            server.run(words, timeout=timedelta(seconds=90))
        assert time.monotonic() - began < 30
    fault = copy_at_nothing().fault_behind("web1", raised.value)
    assert isinstance(fault, Unreachable)


def test_a_watch_costs_nothing_when_all_is_well(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as store:
        words = restic_command.watched(("echo", "data"), "127.0.0.1", store.getsockname()[1])
        took = []
        for _ in range(3):
            began = time.monotonic()
            assert server.run(words, timeout=timedelta(seconds=30)).stdout == b"data\n"
            took.append(time.monotonic() - began)
    assert min(took) < 2, "the watch is not waited for"
    words = restic_command.watched(("sh", "-c", "echo no >&2; exit 7"), "127.0.0.1", 1)
    assert server.run(words, timeout=timedelta(seconds=30), accept=(7,)).status == 7
