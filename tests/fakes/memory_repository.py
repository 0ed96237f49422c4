"""A repository in memory, held to the contract suite of restic.

Contents lie in a `MemoryObjects` under the SHA-256 of what they are, so they can be damaged there.
"""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from threading import RLock
from typing import Any, cast

from pydantic import PrivateAttr

from blocks.errors import (
    AlreadyExists,
    CommandFailed,
    ConfigurationError,
    ContinuityError,
    DamagedData,
    NotFound,
    Unreachable,
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
    FailureDomain,
    KeyRole,
    Label,
    ReadBack,
    RemoteCommand,
    RestoreSummary,
    SelfTest,
    SliceRead,
    Snapshot,
    StoredFile,
)
from blocks.types.verification import NAMES
from tests.fakes.memory_machine import MemoryFile, MemoryMachine
from tests.fakes.memory_objects import Addressed, MemoryObjects
from tests.fakes.memory_server import MemoryServer
from tests.fakes.memory_versions import MemoryVersions

_MINUTE = timedelta(minutes=1)


@dataclass
class _Held:
    """A snapshot and where its contents lie: object keys by path."""

    snapshot: Snapshot
    contents: dict[str, str] = field(default_factory=dict)


class MemoryRepository(Addressed, Repository):
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
    _gone: ContinuityError | None = PrivateAttr(default=None)

    # --- what a test does to it ---

    def fail_next(self, method: str, error: ContinuityError) -> None:
        """Raise this from the next call of one method."""
        self._failures[method] = error

    def destroy(self, error: ContinuityError | None = None) -> None:
        """Let the store with all that is in it be gone from now on."""
        gone = error or Unreachable("bucket of memory", "does not answer", "look at the provider")
        self._gone = self._objects.gone = gone
        if isinstance(self._elsewhere, MemoryObjects):
            self._elsewhere.gone = gone

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

    def copy_from(
        self, source: Repository, server: Server, name: str, snapshots: Collection[str]
    ) -> None:
        self._maybe_fail("copy_from")
        if not isinstance(source, MemoryRepository):
            raise ConfigurationError("copy", "is of another kind", "name two of one type")
        _machine(server, "copy_from")
        if name not in self._held:
            self.initialise(name)
        here = {(h.snapshot.label, h.snapshot.tree) for h in self._of(name).values()}
        for each in snapshots:
            self._maybe_fail("copy_one")
            held = source._find(name, each)
            if (held.snapshot.label, held.snapshot.tree) in here:
                continue
            contents = {path: source._checked(key) for path, key in held.contents.items()}
            made = self._keep(held.snapshot.label, contents, held.snapshot.size)
            self._held[name][made.id].snapshot = replace(held.snapshot, id=made.id)

    def failure_domain(self) -> FailureDomain:
        return self.domain.value(key=self.password)

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

    def check_key(self, role: KeyRole) -> str:
        self._maybe_fail(f"check_key {role}")
        return f"memory-{role}"

    def self_test(self, at: datetime) -> SelfTest:
        self._maybe_fail("self_test")
        kept = {True: CheckState.NOT_HELD, False: CheckState.HELD}
        results = (
            CheckResult(each, kept[each in self.broken_promises], "in memory")
            for each in BucketCheck
        )
        return SelfTest(self.place(), at, tuple(results), "GOVERNANCE")

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
        return RemoteCommand(("memory-read", str(id(self)), name, snapshot, filename))

    def fault_behind(self, name: str, failed: CommandFailed) -> ContinuityError | None:
        if "store is gone" in failed.stderr:
            return self._gone
        for stored in self._objects.list(f"{name}/restic/data/"):
            if stored.key in failed.stderr:
                return _damage(stored.key)
        return None

    def snapshots_using(self, name: str, damaged: str) -> tuple[str, ...]:
        held = self._of(name).items()
        return tuple(each for each, found in held if damaged in found.contents.values())

    def read_slice(self, name: str, number: int, of: int) -> SliceRead:
        self._maybe_fail("read_slice")
        if not 1 <= number <= of <= NAMES:
            raise ConfigurationError(f"slice {number}/{of}", "does not exist", "count from 1")
        needed = {key for held in self._of(name).values() for key in held.contents.values()}
        inside = {key for key in needed if _slice_of(key, of) == number}
        everything = self._objects.list(f"{name}/restic/data/")
        there = [each for each in everything if each.key in inside]
        damaged = {key for key in inside if not self._is_whole(key)}
        damaged |= needed - self._objects.held.keys()
        size = sum(each.size for each in there)
        total = sum(each.size for each in everything)
        return SliceRead(number, of, len(there), size, total, tuple(sorted(damaged)))

    def files(self, name: str, snapshot: str) -> tuple[StoredFile, ...]:
        self._maybe_fail("files")
        found = {path: self._file(key) for path, key in self._find(name, snapshot).contents.items()}
        return tuple(
            StoredFile(path, len(each.content), each.changed)
            for path, each in found.items()
            if not each.link
        )

    def content(self, name: str, snapshot: str, path: str) -> bytes:
        self._maybe_fail("content")
        contents = self._find(name, snapshot).contents
        if path not in contents:
            raise NotFound(f"file {path}", "is not in the snapshot", f"list those of {name}")
        return self._file(contents[path]).content

    # --- how a memory server reads a stream ---

    def read_bytes(self, argv: tuple[str, ...]) -> bytes | None:
        """Answer `memory-read WHICH NAME SNAPSHOT FILENAME`; None for another command."""
        if argv[:2] != ("memory-read", str(id(self))):
            return None
        _, _, name, snapshot, filename = argv
        contents = self._find(name, snapshot).contents
        if filename not in contents:
            raise CommandFailed(f"file {filename}", "is not in the snapshot", "choose another")
        if self._gone:
            raise CommandFailed("memory-read", "ended with 1", "look", stderr="store is gone")
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
            note = f"{self.password} {self._count} {label} {tree}".encode()
            made = hashlib.sha256(note).hexdigest()
            self._objects.put(f"{label.server}/restic/snapshots/{made}", note)
            snapshot = Snapshot(made, label, tree, self._clock(), size, added, len(keys))
            self._held[label.server][made] = _Held(snapshot, keys)
            return snapshot

    def _checked(self, key: str) -> bytes:
        if not self._is_whole(key):
            raise _damage(key)
        return self._objects.held[key]

    def _is_whole(self, key: str) -> bool:
        content = self._objects.held.get(key)
        return content is not None and hashlib.sha256(content).hexdigest() == _name(key)

    def _file(self, key: str) -> MemoryFile:
        found = pickle.loads(self._checked(key))  # noqa: S301 - written by `save_paths`
        assert isinstance(found, MemoryFile)
        return found

    def _maybe_fail(self, method: str) -> None:
        if self._gone:
            raise self._gone
        if method in self._failures:
            raise self._failures.pop(method)


def _name(key: str) -> str:
    return key.rsplit("/", 1)[-1]


def _slice_of(key: str, of: int) -> int:
    return int(_name(key)[:2], 16) % of + 1


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
