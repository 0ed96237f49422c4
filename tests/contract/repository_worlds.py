"""Where the repository suite runs: a server with files, a repository, and ways to hurt it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Protocol
from uuid import uuid4

from pydantic import SecretStr

from blocks.repositories.base import ObjectStore, Repository
from blocks.repositories.restic import ResticRepository
from blocks.repositories.s3 import S3ObjectStore
from blocks.servers.base import Server
from blocks.types import KeyRole, Label, Part, RemoteCommand, RestoreSummary, Snapshot
from deployments.lab.config import Lab
from tests.fakes.jobless_server import jobless
from tests.fakes.loopback_s3 import LoopbackS3
from tests.fakes.loopback_sshd import loopback_sshd
from tests.fakes.memory_repository import MemoryRepository
from tests.fakes.memory_server import MemoryServer
from tests.fakes.quick_restic import quick_repository

ROOT = Path(__file__).resolve().parents[2]
_LEFT_ON_SERVER = (Path("/usr/local/lib/continuity"), Path("/var/cache/continuity"))


class World(Protocol):
    """One server with files under `root`, and its repository."""

    @property
    def repository(self) -> Repository: ...
    @property
    def server(self) -> Server: ...
    @property
    def root(self) -> str: ...
    @property
    def name(self) -> str: ...

    def put(self, path: str, content: bytes) -> None: ...
    def read(self, path: str) -> bytes: ...
    def wipe(self) -> None: ...
    def producing(self, content: bytes) -> RemoteCommand: ...
    def failing(self) -> RemoteCommand: ...
    def output(self, command: RemoteCommand) -> bytes: ...


@dataclass
class MemoryWorld:
    repository: MemoryRepository
    server: MemoryServer
    root: str = "/srv/shop"
    name: str = "web1"

    def put(self, path: str, content: bytes) -> None:
        self.server.put(path, content, mode=0o644)

    def read(self, path: str) -> bytes:
        return self.server.get(path)

    def wipe(self) -> None:
        for path in [path for path in self.server.machine.files if path.startswith(self.root)]:
            del self.server.machine.files[path]

    def producing(self, content: bytes) -> RemoteCommand:
        argv = ("produce", uuid4().hex)
        self.server.machine.streams[argv] = content
        return RemoteCommand(argv)

    def failing(self) -> RemoteCommand:
        return RemoteCommand(("fail-half-way",))

    def output(self, command: RemoteCommand) -> bytes:
        return self.server.run(command, timeout=timedelta(minutes=1)).stdout


@dataclass
class ResticWorld:
    repository: ResticRepository
    server: Server
    root: str
    name: str

    def with_fields(self, **fields: object) -> ResticWorld:
        """Return the same world with other fields in the repository's block."""
        changed = self.repository.model_copy(update=fields)
        return ResticWorld(changed, self.server, self.root, self.name)

    def save(self, *paths: str) -> Snapshot:
        label = Label(self.name, "s1", Part.SITE, "shop")
        return self.repository.save_paths(self.server, paths or (self.root,), (), label)

    def restore(self, snapshot: Snapshot, target: str = "/") -> RestoreSummary:
        return self.repository.restore_paths(self.server, self.name, snapshot.id, target)

    def put(self, path: str, content: bytes) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def wipe(self) -> None:
        shutil.rmtree(self.root)

    def producing(self, content: bytes) -> RemoteCommand:
        source = Path(self.root).parent / uuid4().hex
        source.write_bytes(content)
        return RemoteCommand(("cat", str(source)), {"UNUSED_SECRET": "s3cret-of-the-command"})

    def failing(self) -> RemoteCommand:
        script = "echo half; echo 'table crashed' >&2; exit 7"
        return RemoteCommand(("sh", "-c", script))

    def output(self, command: RemoteCommand) -> bytes:
        return self.server.run(command, timeout=timedelta(minutes=1)).stdout


def restic_binary() -> str:
    """Return the pinned binary, fetched when it is not there yet."""
    done = subprocess.run(
        [ROOT / "script/fetch-restic"], check=True, capture_output=True, text=True, timeout=300
    )
    return done.stdout.strip()


def memory_world() -> MemoryWorld:
    return MemoryWorld(MemoryRepository(), MemoryServer(address="192.0.2.10"))


def restic_world(
    store: S3ObjectStore, server: Server, folder: Path, keys: Mapping[str, object] | None = None
) -> ResticWorld:
    """Return a fresh repository in the store, for a server that has its files in the folder."""
    right: dict[str, object] = {
        "store": store,
        "password": "right password",
        "server_access_key": store.access_key,
        "server_secret_key": store.secret_key,
        "restic_binary": restic_binary(),
        "cache_directory": str(folder / "cache"),
    }
    files = folder / "shop"
    files.mkdir()
    repository = ResticRepository.model_validate(right | dict(keys or {}))
    return ResticWorld(repository, server, str(files), f"web-{uuid4().hex[:6]}")


def begin(world: World) -> None:
    """Prepare the world's server and repository; restic's opens at once, see `quick_restic`.

    That a repository is made where there is none is seen in `test_restic_engine`, which does
    without this.
    """
    if isinstance(world, ResticWorld):
        block = world.repository
        password = block.password.get_secret_value()
        for name, content in quick_repository(restic_binary(), password).items():
            block.store.put(f"{world.name}/restic/{name}", content)
    world.repository.initialise(world.name)
    world.repository.prepare(world.server, world.name)


def moto_store(service: LoopbackS3) -> S3ObjectStore:
    return service.store("continuity", prefix="contract")


def ceph_store(lab: Lab) -> tuple[S3ObjectStore, Mapping[str, object]]:
    """Return a lab's bucket with the worker's key, the other keys and the other bucket."""
    store = S3ObjectStore(
        endpoint=f"http://{lab.storage}:7480",
        bucket="continuity",
        prefix=f"contract-{uuid4().hex[:6]}",
        access_key=lab.secret("s3-worker-access-key"),
        secret_key=SecretStr(lab.secret("s3-worker-secret-key")),
    )
    others: dict[str, object] = {"state_bucket": "continuity-state"}
    others |= {
        f"{user}_{kind}_key": lab.secret(f"s3-{user}-{kind}-key")
        for user in ("server", "prune")
        for kind in ("access", "secret")
    }
    return store, others


@contextmanager
def loopback_server(folder: Path) -> Iterator[Server]:
    """Run an sshd on this machine; remove what a backup installs here."""
    fresh = [path for path in _LEFT_ON_SERVER if not path.exists()]
    folder.mkdir(exist_ok=True)
    try:
        with loopback_sshd(folder) as sshd:
            yield jobless(sshd)
    finally:
        for path in fresh:
            shutil.rmtree(path, ignore_errors=True)


def noise(seed: int, size: int) -> bytes:
    """Return bytes that do not shrink when compressed, the same in each run."""
    return Random(seed).randbytes(size)  # noqa: S311


def some_pack(objects: ObjectStore, name: str, *, before: frozenset[str] = frozenset()) -> str:
    """Return the key of the largest data object that was not there before."""
    found = [each for each in objects.list(f"{name}/restic/data/") if each.key not in before]
    return max(found, key=lambda each: each.size).key


def store_with_key(
    store: S3ObjectStore, keys: Mapping[str, object], role: KeyRole
) -> S3ObjectStore:
    """Return the same bucket, reached with another of the keys."""
    if role is KeyRole.WORKER:
        return store
    access, secret = keys[f"{role}_access_key"], SecretStr(str(keys[f"{role}_secret_key"]))
    return store.model_copy(update={"access_key": access, "secret_key": secret})
