"""An object store in memory, held to the contract suite of the real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock as Mutex
from typing import Any

from pydantic import PrivateAttr

from blocks.errors import AlreadyExists, ContinuityError, NotFound
from blocks.repositories.base import ObjectStore
from blocks.types import Lock, StoreAddress, StoredObject

_PIECE = 1024 * 1024
DEFAULT_LOCK = timedelta(days=1)


@dataclass
class MemoryVersion:
    """A version that was written; `content` is None for a delete marker."""

    id: str
    content: bytes | None
    at: datetime
    lock: Lock | None


class Addressed:
    """A store in memory as a person would type it."""

    def address(self) -> StoreAddress:
        return StoreAddress("http://127.0.0.1:1", "memory", "memory", "", "worker", "memory")


class MemoryObjects(ObjectStore):
    """Keep objects in a dictionary; `fail_next` makes one call of a method fail."""

    _block_type_name = "Memory object store"
    _block_type_slug = "memory-object-store"

    _held: dict[str, tuple[bytes, datetime]] = PrivateAttr(default_factory=dict)
    _past: dict[str, list[MemoryVersion]] = PrivateAttr(default_factory=dict)
    _failures: dict[str, ContinuityError] = PrivateAttr(default_factory=dict)
    _clock: Callable[[], datetime] = PrivateAttr(default_factory=lambda: _now)
    _lock: Any = PrivateAttr(default_factory=Mutex)
    _gone: ContinuityError | None = PrivateAttr(default=None)

    # --- what a test does to it ---

    def fail_next(self, method: str, error: ContinuityError) -> None:
        """Raise this from the next call of one method."""
        self._failures[method] = error

    @property
    def gone(self) -> ContinuityError | None:
        """What every call raises, None while the store is there."""
        return self._gone

    @gone.setter
    def gone(self, error: ContinuityError | None) -> None:
        self._gone = error

    def set_clock(self, clock: Callable[[], datetime]) -> None:
        """Take the times of objects from this clock."""
        self._clock = clock

    @property
    def held(self) -> dict[str, bytes]:
        """A copy of everything that is in it."""
        return {key: content for key, (content, _) in self._held.items()}

    @property
    def past(self) -> dict[str, list[MemoryVersion]]:
        """Everything that was ever written, by key, oldest first."""
        return self._past

    # --- the contract ---

    def get(self, key: str) -> bytes:
        self._maybe_fail("get")
        return self._find(key)

    def stream(self, key: str) -> Iterator[bytes]:
        self._maybe_fail("stream")
        content = self._find(key)
        for start in range(0, len(content), _PIECE):
            yield content[start : start + _PIECE]

    def put(self, key: str, content: bytes) -> str:
        self._maybe_fail("put")
        with self._lock:
            return self._store(key, content)

    def put_if_absent(self, key: str, content: bytes) -> str:
        self._maybe_fail("put_if_absent")
        with self._lock:
            if key in self._held:
                raise AlreadyExists(f"object {key}", "exists", "read it again")
            return self._store(key, content)

    def put_if_match(self, key: str, content: bytes, etag: str) -> str:
        self._maybe_fail("put_if_match")
        with self._lock:
            if key not in self._held or _etag(self._held[key][0]) != etag:
                raise AlreadyExists(f"object {key}", "is another one now", "read it again")
            return self._store(key, content)

    def etag(self, key: str) -> str:
        self._maybe_fail("etag")
        return _etag(self._find(key))

    def list(self, prefix: str, after: str = "") -> tuple[StoredObject, ...]:
        self._maybe_fail("list")
        with self._lock:
            held = sorted(self._held.items())
        found = [item for item in held if item[0].startswith(prefix) and item[0] > after]
        return tuple(
            StoredObject(key, len(content), _etag(content), modified)
            for key, (content, modified) in found
        )

    def remove(self, key: str) -> None:
        self._maybe_fail("remove")
        with self._lock:
            if self._held.pop(key, None) is not None:
                self._remember(key, None)

    def _find(self, key: str) -> bytes:
        if key not in self._held:
            raise NotFound(f"object {key}", "does not exist", "list the store")
        return self._held[key][0]

    def _store(self, key: str, content: bytes) -> str:
        self._held[key] = (bytes(content), self._clock())
        self._remember(key, bytes(content))
        return _etag(content)

    def _remember(self, key: str, content: bytes | None) -> None:
        past = self._past.setdefault(key, [])
        at = self._clock()
        lock = Lock("GOVERNANCE", at + DEFAULT_LOCK) if content is not None else None
        past.append(MemoryVersion(f"v{len(past)}", content, at, lock))

    def _maybe_fail(self, method: str) -> None:
        if self._gone:
            raise self._gone
        if method in self._failures:
            raise self._failures.pop(method)


def _now() -> datetime:
    return datetime.now(UTC)


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
