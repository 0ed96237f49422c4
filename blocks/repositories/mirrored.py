"""Several object stores as one: what one of them loses, the others still have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any, TypeVar

from pydantic import PrivateAttr

from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    Unavailable,
    Unreachable,
)
from blocks.repositories.base import ObjectStore
from blocks.types import StoredObject

GONE = (
    Unreachable,
    Unavailable,
    DeadlineExceeded,
    AuthenticationFailed,
    PermissionDenied,
    NotFound,
)
"""What a store says that cannot serve; `NotFound` where no single object is asked for."""

Value = TypeVar("Value")


class MirroredObjects(ObjectStore):
    """Write to all stores, read from all of them; one that fails is left out from then on.

    Conditions are decided by the first store that is left, so they hold as well as they hold there.
    For the journal: every record has its own name, so stores that saw different parts of a run
    add up to the whole. Not for leases: see `blocks.repositories.lease`.
    """

    _stores: dict[str, ObjectStore] = PrivateAttr(default_factory=dict)
    _lost: dict[str, str] = PrivateAttr(default_factory=dict)
    _lock: Any = PrivateAttr(default_factory=Lock)

    @classmethod
    def of(cls, stores: Mapping[str, ObjectStore]) -> MirroredObjects:
        """Return one store over these, the first of which decides."""
        made = cls()
        made._stores = dict(stores)
        return made

    @property
    def lost(self) -> Mapping[str, str]:
        """Why stores were left out, by name."""
        return dict(self._lost)

    def get(self, key: str) -> bytes:
        return self._first(lambda store: store.get(key))

    def stream(self, key: str) -> Iterator[bytes]:
        yield self.get(key)

    def etag(self, key: str) -> str:
        return self._first(lambda store: store.etag(key))

    def put(self, key: str, content: bytes) -> str:
        return self._everywhere(lambda store: store.put(key, content))[0]

    def put_if_absent(self, key: str, content: bytes) -> str:
        return self._decided(key, content, lambda store: store.put_if_absent(key, content))

    def put_if_match(self, key: str, content: bytes, etag: str) -> str:
        return self._decided(key, content, lambda store: store.put_if_match(key, content, etag))

    def list(self, prefix: str, after: str = "") -> tuple[StoredObject, ...]:
        found: dict[str, StoredObject] = {}
        for listed in self._everywhere(lambda store: store.list(prefix, after)):
            for each in listed:
                found.setdefault(each.key, each)
        return tuple(found[key] for key in sorted(found))

    def remove(self, key: str) -> None:
        self._everywhere(lambda store: store.remove(key))

    # --- inside ---

    def _left(self) -> dict[str, ObjectStore]:
        return {name: each for name, each in self._stores.items() if name not in self._lost}

    def _first(self, read: Callable[[ObjectStore], Value]) -> Value:
        """Return what the first store that has it gives. Raises `NotFound` if none has."""
        absent: NotFound | None = None
        failed: ContinuityError | None = None
        for name, store in self._left().items():
            try:
                return read(store)
            except NotFound as error:
                absent = absent or error
            except GONE as error:
                failed = failed or self._lose(name, error)
        raise absent or failed or self._none()

    def _everywhere(self, act: Callable[[ObjectStore], Value]) -> tuple[Value, ...]:
        """Act on every store that is left; one is enough."""
        done: list[Value] = []
        failed: ContinuityError | None = None
        for name, store in self._left().items():
            try:
                done.append(act(store))
            except GONE as error:
                failed = failed or self._lose(name, error)
        if not done:
            raise failed or self._none()
        return tuple(done)

    def _decided(self, key: str, content: bytes, act: Callable[[ObjectStore], str]) -> str:
        """Let the first store that is left decide; the others take what it took."""
        failed: ContinuityError | None = None
        for name, store in self._left().items():
            try:
                etag = act(store)
            except GONE as error:
                failed = failed or self._lose(name, error)
                continue
            others = {each: other for each, other in self._left().items() if each != name}
            for each, other in others.items():
                try:
                    other.put(key, content)
                except GONE as error:
                    self._lose(each, error)
            return etag
        raise failed or self._none()

    def _lose(self, name: str, error: ContinuityError) -> ContinuityError:
        """Leave a store out, but never the last one: a moment's failure is not the end of it."""
        with self._lock:
            if len(self._left()) > 1:
                self._lost.setdefault(name, error.cause)
        return error

    def _none(self) -> ContinuityError:
        return Unreachable("state stores", "none is left", "continuity status")
