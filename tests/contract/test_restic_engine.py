"""The real restic over SSH: metadata, interrupted restores, its binary, its secrets."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.errors import (
    ConfigurationError,
)
from blocks.repositories.restic_command import SERVER_BINARY
from blocks.servers.base import Server
from blocks.types import Label, Part, RemoteCommand
from tests import process_list
from tests.contract.repository_worlds import (
    ResticWorld,
    loopback_server,
    moto_store,
    noise,
    restic_world,
)
from tests.fakes.loopback_s3 import LoopbackS3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with loopback_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def world(s3: LoopbackS3, server: Server, tmp_path: Path) -> ResticWorld:
    made = restic_world(moto_store(s3), server, tmp_path)
    made.repository.initialise(made.name)
    made.repository.prepare(made.server, made.name)
    return made


def test_owner_mode_time_and_links_come_back(world: ResticWorld) -> None:
    root = Path(world.root)
    world.put(f"{root}/secret/config.php", b"<?php")
    (root / "current").symlink_to("secret/config.php")
    (root / "dangling").symlink_to("/nowhere/at all")
    (root / "empty").mkdir()
    os.link(root / "secret/config.php", root / "hard")
    os.chown(root / "secret/config.php", 12345, 54321)
    os.chown(root / "current", 12345, 54321, follow_symlinks=False)
    (root / "secret/config.php").chmod(0o2640)
    (root / "empty").chmod(0o1777)
    os.utime(root / "secret/config.php", ns=(1, 1_234_567_890_123_456_789))
    before = _metadata(root)
    saved = world.save()
    world.wipe()
    world.restore(saved)
    assert _metadata(root) == before


def _metadata(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        seen = path.lstat()
        link = str(path.readlink()) if path.is_symlink() else ""
        numbers = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_mtime_ns, seen.st_nlink)
        found[str(path.relative_to(root))] = (*numbers, link)
    return found


def test_an_interrupted_restore_goes_on(world: ResticWorld) -> None:
    wanted = {f"{world.root}/{n:02d}.bin": noise(n, 200_000) for n in range(20)}
    for path, content in wanted.items():
        world.put(path, content)
    saved = world.save()
    for number, path in enumerate(wanted):
        if number >= 12:
            Path(path).unlink()
    Path(f"{world.root}/11.bin").write_bytes(wanted[f"{world.root}/11.bin"][:1000])
    done = world.repository.restore_paths(world.server, world.name, saved.id)
    assert done.skipped == 11
    assert done.bytes == 9 * 200_000
    assert {path: world.read(path) for path in wanted} == wanted


def test_only_exact_snapshot_ids_are_restored(world: ResticWorld) -> None:
    for wrong in ("latest", "--help", ""):
        with pytest.raises(ConfigurationError, match="no snapshot id"):
            world.repository.restore_paths(world.server, world.name, wrong)


def test_the_engine_is_copied_once_and_repaired(world: ResticWorld) -> None:
    binary = Path(SERVER_BINARY)
    first = binary.stat()
    world.repository.prepare(world.server, world.name)
    assert binary.stat().st_ino == first.st_ino
    binary.write_bytes(b"another program")
    world.repository.prepare(world.server, world.name)
    assert binary.stat().st_size == first.st_size


def test_another_binary_than_the_pinned_one_is_refused(world: ResticWorld) -> None:
    for fields in ({"restic_sha256": "0" * 64}, {"restic_binary": "/nowhere/restic"}):
        with pytest.raises(ConfigurationError, match="script/fetch-restic"):
            world.with_fields(**fields).repository.prepare(world.server, world.name)


def test_no_secret_shows_in_any_process(world: ResticWorld) -> None:
    secrets = [b"right password", b"worker-secret", b"s3cret-of-the-command"]
    seen: set[bytes] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.update(line for _, line in process_list.read_all())

    watcher = threading.Thread(target=watch)
    watcher.start()
    slow = RemoteCommand(("sh", "-c", "sleep 1; echo x"), {"TOKEN": "s3cret-of-the-command"})
    label = Label(world.name, "s1", Part.DATABASE, "shop")
    world.repository.save_stream(world.server, slow, "shop.sql", label)
    world.repository.snapshots(world.name)
    stop.set()
    watcher.join()
    assert any(b"--stdin-filename" in line for line in seen)
    assert not [line for line in seen if any(secret in line for secret in secrets)]
