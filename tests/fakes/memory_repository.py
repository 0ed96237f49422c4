"""A repository in memory, held to the contract suite of restic.

Contents lie in a `MemoryObjects` under the SHA-256 of what they are, so they can be damaged there.
"""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from threading import RLock
from typing import Any, cast

from pydantic import PrivateAttr

from blocks.errors import (
    AlreadyExists,
    CommandFailed,
    ContinuityError,
    DamagedData,
    NotFound,
    UnsafePlan,
)
from blocks.repositories.base import ObjectStore, Repository
from blocks.repositories.read_back import read_back
from blocks.repositories.seal import derive_key
from blocks.repositories.versions import VersionedObjects
from blocks.servers.base import Server
from blocks.types import (
    BucketCheck,
    CheckResult,
    CheckState,
    KeyRole,
    Label,
    ReadBack,
    RemoteCommand,
    RestoreSummary,
    SelfTest,
    Snapshot,
)
from tests.fakes.memory_machine import MemoryFile, MemoryMachine
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_server import MemoryServer
from tests.fakes.memory_versions import MemoryVersions

_MINUTE = timedelta(minutes=1)


@dataclass
class _Held:
    """A snapshot and where its contents lie: object keys by path."""

    snapshot: Snapshot
    contents: dict[str, str] = field(default_factory=dict)


class MemoryRepository(Repository):
    """Keep snapshots of memory servers; `fail_next` makes one call of a method fail."""

    _block_type_name = "Memory repository"
    _block_type_slug = "memory-repository"

    password: str = "memory"
    broken_promises: tuple[BucketCheck, ...] = ()

    _objects: MemoryObjects = PrivateAttr(default_factory=MemoryObjects)
    _elsewhere: ObjectStore | None = PrivateAttr(default=None)
    _held: dict[str, dict[str, _Held]] = PrivateAttr(default_factory=dict)
    _failures: dict[str, ContinuityError] = PrivateAttr(default_factory=dict)
    _clock: Callable[[], datetime] = PrivateAttr(default_factory=lambda: _now)
    _lock: Any = PrivateAttr(default_factory=RLock)
    _count: int = PrivateAttr(default=0)

    # --- what a test does to it ---

    def fail_next(self, method: str, error: ContinuityError) -> None:
        """Raise this from the next call of one method."""
        self._failures[method] = error

    def set_clock(self, clock: Callable[[], datetime]) -> None:
        """Take the times of snapshots and objects from this clock."""
        self._clock = clock
        self._objects.set_clock(clock)

    def keep_documents_in(self, store: ObjectStore) -> MemoryRepository:
        """Return this repository, with manifests, journal and leases in another store."""
        self._elsewhere = store
        return self

    # --- the contract ---

    def objects(self) -> ObjectStore:
        return self._elsewhere or self._objects

    def state(self) -> ObjectStore:
        return self._objects

    def seal_key(self) -> bytes:
        return derive_key(self.password)

    def prepare(self, server: Server, name: str) -> None:
        self._maybe_fail("prepare")
        readers = _machine(server, "prepare").readers
        if self.read_bytes not in readers:
            readers.append(self.read_bytes)

    def initialise(self, name: str) -> None:
        self._maybe_fail("initialise")
        self._objects.put(f"{name}/restic/config", b"memory")
        self._held.setdefault(name, {})

    def save_paths(
        self, server: Server, paths: Sequence[str], exclude: Sequence[str], label: Label
    ) -> Snapshot:
        self._maybe_fail("save_paths")
        files = _machine(server, "save_paths").files
        missing = [path for path in paths if not _below(files, path)]
        if missing:
            raise NotFound(f"{missing[0]} on {label.server}", "does not exist", "correct the path")
        found = {
            path: pickle.dumps(files[path])
            for start in paths
            for path in _below(files, start)
            if not _excluded(path, exclude)
        }
        sizes = sum(len(files[path].content) for path in found)
        return self._keep(label, found, sizes)

    def save_stream(
        self, server: Server, command: RemoteCommand, filename: str, label: Label
    ) -> Snapshot:
        self._maybe_fail("save_stream")
        if "/" in filename:
            raise CommandFailed(f"file {filename}", "is not flat", "use another name")
        content = server.run(command, timeout=_MINUTE).stdout
        return self._keep(label, {filename: content}, len(content))

    def read_back(self, name: str, since: datetime) -> ReadBack:
        self._maybe_fail("read_back")
        seen = read_back(self._objects, f"{name}/restic", since)
        for held in self._of(name).values():
            for key in held.contents.values():
                if key not in self._objects.held:
                    raise _damage(key)
        return seen

    def forget(self, name: str, keep: Collection[str]) -> tuple[str, ...]:
        self._maybe_fail("forget")
        there = self._of(name)
        if not set(keep) & there.keys():
            raise UnsafePlan(f"repository {name}", "nothing would be kept", "give ids that exist")
        gone = tuple(each for each in there if each not in set(keep))
        for each in gone:
            del there[each]
            self._objects.remove(f"{name}/restic/snapshots/{each}")
        needed = {key for held in there.values() for key in held.contents.values()}
        for stored in self._objects.list(f"{name}/restic/data/"):
            if stored.key not in needed:
                self._objects.remove(stored.key)
        return gone

    def place(self) -> str:
        return "memory"

    def lock_time(self) -> timedelta:
        return timedelta(days=14)

    def versions(self, role: KeyRole) -> VersionedObjects:
        self._maybe_fail("versions")
        return MemoryVersions(self._objects, role)

    def needed(self, name: str) -> tuple[str, ...]:
        self._maybe_fail("needed")
        held = self._of(name).values()
        return tuple(sorted({key for each in held for key in each.contents.values()}))

    def self_test(self, at: datetime) -> SelfTest:
        self._maybe_fail("self_test")
        results = tuple(CheckResult(each, CheckState.HELD, "in memory") for each in BucketCheck)
        broken = self.broken_promises
        return SelfTest(
            self.place(),
            at,
            tuple(
                CheckResult(each.check, CheckState.NOT_HELD, "broken by the test")
                if each.check in broken
                else each
                for each in results
            ),
            "GOVERNANCE",
        )

    def addresses(self) -> tuple[str, ...]:
        self._maybe_fail("addresses")
        return ("198.51.100.7",)

    def snapshots(self, name: str) -> tuple[Snapshot, ...]:
        self._maybe_fail("snapshots")
        return tuple(held.snapshot for held in self._of(name).values())

    def restore_paths(
        self, server: Server, name: str, snapshot: str, target: str = "/"
    ) -> RestoreSummary:
        self._maybe_fail("restore_paths")
        files, written, skipped, size = _machine(server, "restore_paths").files, 0, 0, 0
        for path, key in self._find(name, snapshot).contents.items():
            value = pickle.loads(self._checked(key))  # noqa: S301 - written above
            place = target.rstrip("/") + path
            if files.get(place) == value:
                skipped += 1
            else:
                files[place] = copy.deepcopy(value)
                written, size = written + 1, size + len(value.content)
        return RestoreSummary(written, size, skipped)

    def read_stream(self, name: str, snapshot: str, filename: str) -> RemoteCommand:
        self._maybe_fail("read_stream")
        return RemoteCommand(("memory-read", name, snapshot, filename))

    def damage_behind(self, name: str, failed: CommandFailed) -> DamagedData | None:
        for stored in self._objects.list(f"{name}/restic/data/"):
            if stored.key in failed.stderr:
                return _damage(stored.key)
        return None

    def snapshots_using(self, name: str, damaged: str) -> tuple[str, ...]:
        held = self._of(name).items()
        return tuple(each for each, found in held if damaged in found.contents.values())

    # --- how a memory server reads a stream ---

    def read_bytes(self, argv: tuple[str, ...]) -> bytes | None:
        """Answer `memory-read NAME SNAPSHOT FILENAME`; None for another command."""
        if argv[:1] != ("memory-read",):
            return None
        _, name, snapshot, filename = argv
        contents = self._find(name, snapshot).contents
        if filename not in contents:
            raise CommandFailed(f"file {filename}", "is not in the snapshot", "choose another")
        try:
            return self._checked(contents[filename])
        except DamagedData as damage:
            raise CommandFailed(
                "memory-read", damage.cause, damage.hint, stderr=damage.subject
            ) from damage

    # --- inside ---

    def _of(self, name: str) -> dict[str, _Held]:
        return self._held.get(name, {})

    def _find(self, name: str, snapshot: str) -> _Held:
        if snapshot not in self._of(name):
            raise NotFound(f"snapshot {snapshot[:8]}", "does not exist", f"list those of {name}")
        return self._of(name)[snapshot]

    def _keep(self, label: Label, contents: dict[str, bytes], size: int) -> Snapshot:
        with self._lock:
            if label.server not in self._held:
                raise NotFound(f"repository {label.server}", "is missing", "initialise it")
            added, keys = 0, {}
            for path, content in contents.items():
                digest = hashlib.sha256(content).hexdigest()
                keys[path] = f"{label.server}/restic/data/{digest[:2]}/{digest}"
                try:
                    self._objects.put_if_absent(keys[path], content)
                except AlreadyExists:
                    continue
                added += len(content)
            tree = hashlib.sha256(json.dumps(sorted(keys.items())).encode()).hexdigest()
            self._count += 1
            note = f"{self._count} {label} {tree}".encode()
            made = hashlib.sha256(note).hexdigest()
            self._objects.put(f"{label.server}/restic/snapshots/{made}", note)
            snapshot = Snapshot(made, label, tree, self._clock(), size, added, len(keys))
            self._held[label.server][made] = _Held(snapshot, keys)
            return snapshot

    def _checked(self, key: str) -> bytes:
        content = self._objects.held.get(key)
        if content is None or hashlib.sha256(content).hexdigest() != key.rsplit("/", 1)[-1]:
            raise _damage(key)
        return content

    def _maybe_fail(self, method: str) -> None:
        if method in self._failures:
            raise self._failures.pop(method)


def _now() -> datetime:
    return datetime.now(UTC)


def _machine(server: Server, method: str) -> MemoryMachine:
    return cast(MemoryServer, server).reach(method)


def _below(files: dict[str, MemoryFile], start: str) -> list[str]:
    folder = start.rstrip("/") + "/"
    return sorted(path for path in files if path == start or path.startswith(folder))


def _excluded(path: str, patterns: Sequence[str]) -> bool:
    parts = [path, *path.split("/")]
    return any(fnmatch(part, pattern) for part in parts for pattern in patterns)


def _damage(key: str) -> DamagedData:
    return DamagedData(key, f"object {key} is damaged or missing", "use an older set")
