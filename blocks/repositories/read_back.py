"""Compare what lies in a bucket with the names that restic gave it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from blocks.errors import DamagedData, NotFound
from blocks.repositories.base import ObjectStore
from blocks.types import ReadBack, StoredObject

_NAMED_BY_CONTENT = ("data/", "index/", "snapshots/", "keys/")
_READERS = 4
_CLOCK_MARGIN = timedelta(minutes=10)
"""How far the store's clock may be from the worker's."""


def read_back(store: ObjectStore, folder: str, since: datetime) -> ReadBack:
    """Read all objects written since then, a few at a time, never a whole one in memory.

    Raises:
        DamagedData: The content of an object is not what its name says.
    """
    written = [
        each
        for kind in _NAMED_BY_CONTENT
        for each in store.list(f"{folder}/{kind}")
        if each.modified >= since - _CLOCK_MARGIN
    ]
    with ThreadPoolExecutor(_READERS, thread_name_prefix="read-back") as pool:
        sizes = list(pool.map(lambda each: _check(store, each), written))
    damaged = [each for each, size in zip(written, sizes, strict=True) if size is None]
    if damaged:
        raise _damage(damaged)
    return ReadBack(len(written), sum(size or 0 for size in sizes))


def _check(store: ObjectStore, stored: StoredObject) -> int | None:
    """Return how many bytes were read, None if they are not what was written."""
    try:
        digest, size = _digest(store.stream(stored.key))
    except NotFound:
        return None
    return size if digest == stored.key.rsplit("/", 1)[-1] else None


def _digest(pieces: Iterable[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _damage(damaged: Sequence[StoredObject]) -> DamagedData:
    names = ", ".join(each.key for each in damaged[:5])
    more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
    return DamagedData(
        damaged[0].key,
        f"what was read back is not what was written: {names}{more}",
        "did somebody write over it? continuity repository rewind REPOSITORY --to TIME",
    )
