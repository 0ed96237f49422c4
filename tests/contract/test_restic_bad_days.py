"""The real restic when something is wrong: keys, bucket, network, disk, files, a cut upload."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ContinuityError,
    DamagedData,
    DeadlineExceeded,
    DiskFull,
    NotFound,
    PermissionDenied,
    Unavailable,
    Unreachable,
)
from blocks.repositories.restic import ResticRepository
from blocks.repositories.restic_command import SERVER_CACHE
from blocks.servers.base import Server
from blocks.types import CommandResult, Label, Part, RemoteCommand
from tests import process_list
from tests.contract.repository_worlds import (
    ResticWorld,
    begin,
    loopback_server,
    moto_store,
    noise,
    restic_world,
    some_pack,
)
from tests.fakes.jobless_server import JoblessServer
from tests.fakes.loopback_s3 import FaultyProxy, LoopbackS3, Mode, faulty_proxy, moto_server
from tests.fakes.loopback_sshd import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with loopback_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def proxy(s3: LoopbackS3) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3.port) as running:
        yield running


@pytest.fixture
def world(s3: LoopbackS3, server: Server, proxy: FaultyProxy, tmp_path: Path) -> ResticWorld:
    """A prepared repository that is reached through the proxy."""
    made = restic_world(moto_store(LoopbackS3(proxy.port)), server, tmp_path)
    begin(made)
    return made


# --- keys and bucket ---


def test_wrong_password(world: ResticWorld) -> None:
    wrong = world.with_fields(password=SecretStr("wrong"))
    calls: tuple[Any, ...] = (
        lambda: wrong.repository.initialise(world.name),
        lambda: wrong.repository.snapshots(world.name),
        wrong.save,
    )
    for call in calls:
        with pytest.raises(AuthenticationFailed, match="password") as caught:
            call()
        assert "right password" not in str(caught.value)


def test_missing_bucket_is_not_made(s3: LoopbackS3, server: Server, tmp_path: Path) -> None:
    world = restic_world(s3.store("nowhere"), server, tmp_path)
    with pytest.raises(NotFound, match="nowhere"):
        world.repository.initialise(world.name)
    with pytest.raises(NotFound, match="nowhere"):
        world.repository.snapshots(world.name)
    client: Any = s3.client()
    assert "nowhere" not in [each["Name"] for each in client.list_buckets()["Buckets"]]


def test_forbidden_to_the_servers_key(server: Server, tmp_path: Path) -> None:
    everything, reading = '"s3:*"', '["s3:GetObject", "s3:ListBucket"]'
    with moto_server(tmp_path, open_calls=7) as service:
        service.make_bucket("continuity")
        worker, reader = (_user(service, *each) for each in (("w", everything), ("r", reading)))
        store = service.store("continuity", access_key=worker[0], secret_key=worker[1])
        keys = {"server_access_key": reader[0], "server_secret_key": reader[1]}
        world = restic_world(store, server, tmp_path, keys)
        world.repository.initialise(world.name)
        world.repository.prepare(world.server, world.name)
        world.put(f"{world.root}/index.php", b"page")
        with pytest.raises(PermissionDenied, match=r"Access Denied.*policy"):
            world.save()
        assert world.repository.snapshots(world.name) == ()


def _user(service: LoopbackS3, name: str, actions: str) -> tuple[str, str]:
    client: Any = service.client("iam")
    client.create_user(UserName=name)
    statement = f'{{"Effect": "Allow", "Action": {actions}, "Resource": "*"}}'
    policy = f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'
    client.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    pair = client.create_access_key(UserName=name)["AccessKey"]
    return pair["AccessKeyId"], pair["SecretAccessKey"]


# --- network ---


@pytest.mark.parametrize(
    ("mode", "kind"), [(Mode.BUSY, Unavailable), (Mode.SILENT, DeadlineExceeded)]
)
def test_a_store_that_cannot_serve_is_noticed_in_seconds(
    world: ResticWorld, proxy: FaultyProxy, mode: Mode, kind: type[ContinuityError]
) -> None:
    proxy.mode = mode
    started = time.monotonic()
    with pytest.raises(kind) as caught:
        world.repository.initialise(world.name)
    assert caught.value.transient
    assert time.monotonic() - started < 30


def test_a_server_that_cannot_reach_the_store_is_noticed_when_prepared(
    server: Server, tmp_path: Path
) -> None:
    nobody = LoopbackS3(free_port())
    world = restic_world(nobody.store("continuity"), server, tmp_path)
    with pytest.raises(Unreachable, match=rf"127.0.0.1:{nobody.port} from server {world.name}"):
        world.repository.prepare(world.server, world.name)


def test_an_upload_that_dies_leaves_no_snapshot_and_is_taken_up_again(
    world: ResticWorld, proxy: FaultyProxy
) -> None:
    wanted = {f"{world.root}/{number}.bin": noise(number, 9_000_000) for number in range(7)}
    for path, content in wanted.items():
        world.put(path, content)
    impatient = world.with_fields(deadline_hours=20 / 3600, read_concurrency=1)
    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(impatient.save)
        while not world.repository.objects().list(f"{world.name}/restic/data/"):
            assert not saving.done(), saving.result()
            time.sleep(0.05)
        proxy.cut_after(0)
        with pytest.raises((DeadlineExceeded, Unreachable)):
            saving.result()
    assert proxy.cuts > 0
    proxy.mode = Mode.FINE
    assert world.repository.snapshots(world.name) == ()
    world.repository.initialise(world.name)
    saved = world.save()
    assert world.repository.snapshots(world.name) == (saved,)
    assert saved.added < saved.size  # what had been sent was not sent again
    world.wipe()
    world.restore(saved)
    assert {path: world.read(path) for path in wanted} == wanted


# --- files ---


def test_a_file_that_cannot_be_read_is_named(world: ResticWorld) -> None:
    world.put(f"{world.root}/index.php", b"page")
    with pytest.raises(CommandFailed, match=r"does not count.*/proc/self/mem"):
        world.save(world.root, "/proc/self/mem")


def test_a_full_disk_is_named(world: ResticWorld, tmp_path: Path) -> None:
    world.put(f"{world.root}/big.bin", noise(1, 3_000_000))
    saved = world.save()
    with (
        _small_disk(tmp_path / "full") as target,
        pytest.raises(DiskFull, match=r"no space left on device"),
    ):
        world.restore(saved, str(target))


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    words = ("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place))
    subprocess.run(words, check=True, timeout=30)
    try:
        yield place
    finally:
        subprocess.run(("umount", str(place)), check=True, timeout=30)


# --- locks of killed commands ---


class OtherHost(JoblessServer):
    """The same machine under another name, so that the worker cannot know its processes."""

    _block_type_name = "Other host"
    _block_type_slug = "other-host"

    def run(self, command: RemoteCommand | Sequence[str], **how: Any) -> CommandResult:  # type: ignore[override]
        given = command if isinstance(command, RemoteCommand) else RemoteCommand(tuple(command))
        renamed = ("unshare", "--uts", "sh", "-c", 'hostname web9; exec "$@"', "sh", *given.argv)
        return super().run(RemoteCommand(renamed, given.secrets), **how)


@contextmanager
def endless_backup(world: ResticWorld) -> Iterator[tuple[threading.Thread, int]]:
    """Let restic keep the output of a command that does not end; yield its process."""
    label = Label(world.name, "s2", Part.DATABASE, "shop")
    endless = RemoteCommand(("sleep", "600"))

    def save() -> None:
        with suppress(ContinuityError):
            world.repository.save_stream(world.server, endless, "shop.sql", label)

    saving = threading.Thread(target=save)
    saving.start()
    pid = _await_restic(world)
    try:
        yield saving, pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        saving.join(30)


def _await_restic(world: ResticWorld) -> int:
    """Return the process of the restic that holds a lock of this repository."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for process, line in process_list.read_all():
            argv = line.decode().split("\0")
            ours = argv[0].endswith("/restic") and f"/{world.name}/" in f"{argv[2]}/"
            if ours and "backup" in argv and locks(world):
                return process
        time.sleep(0.1)
    raise AssertionError("restic did not start")


def locks(world: ResticWorld) -> list[str]:
    found = world.repository.objects().list(f"{world.name}/restic/locks/")
    return [each.key for each in found]


@pytest.fixture
def elsewhere(world: ResticWorld) -> ResticWorld:
    fields = type(world.server).model_fields
    server = OtherHost(**{name: getattr(world.server, name) for name in fields})
    world.put(f"{world.root}/index.php", b"page")
    return ResticWorld(world.repository, server, world.root, world.name)


def test_the_lock_of_a_restic_stays_while_it_lives_and_goes_when_it_was_killed(
    elsewhere: ResticWorld,
) -> None:
    with endless_backup(elsewhere) as (saving, pid):
        (held,) = locks(elsewhere)
        elsewhere.repository.prepare(elsewhere.server, elsewhere.name)
        assert locks(elsewhere) == [held]
        assert saving.is_alive()
        os.kill(pid, signal.SIGKILL)
        saving.join(30)
    assert locks(elsewhere) == []


def test_a_lock_that_outlived_who_started_it_does_not_stand_in_the_way_of_retention(
    elsewhere: ResticWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = elsewhere.save(), elsewhere.save()
    with monkeypatch.context() as lost, endless_backup(elsewhere) as (saving, pid):
        # Nobody is left who could clean up, as after a power cut.
        lost.setattr(ResticRepository, "_remove_dead_locks", lambda *_: None)
        os.kill(pid, signal.SIGKILL)
        saving.join(30)
    listed = elsewhere.repository.local_restic(elsewhere.name, prune=True)
    blocked = listed.run("forget", first.id, "--retry-lock", "1s", timeout=timedelta(minutes=1))
    assert blocked.status == 11, "what forget would end with, after a minute"
    elsewhere.repository.prepare(elsewhere.server, elsewhere.name)
    assert locks(elsewhere) == []
    assert elsewhere.repository.forget(elsewhere.name, [second.id]) == (first.id,)


def test_a_damaged_directory_is_found_and_its_snapshots_named(world: ResticWorld) -> None:
    objects = world.repository.objects()
    world.put(f"{world.root}/a/one.txt", b"1")
    older = world.save()
    before = frozenset(each.key for each in objects.list(""))
    world.put(f"{world.root}/b/two.txt", b"2")
    newer = world.save()
    added = [k for k in objects.list(f"{world.name}/restic/data/") if k.key not in before]
    key = max(added, key=lambda each: each.size).key  # directories outweigh one byte
    assert key == some_pack(objects, world.name, before=before)
    objects.put(key, b"rubbish")
    shutil.rmtree(SERVER_CACHE)  # a new machine has no cache
    with pytest.raises(DamagedData) as caught:
        world.restore(newer)
    assert caught.value.subject == key
    assert world.repository.snapshots_using(world.name, key) == (newer.id,)
    world.restore(older)
