"""Read a slice of a restic repository's data, so that all of it is read in a known time."""

from __future__ import annotations

from datetime import timedelta

from blocks.errors import ConfigurationError, DamagedData
from blocks.repositories.base import ObjectStore
from blocks.repositories.restic_failures import (
    Ended,
    all_damaged,
    failure,
    store_trouble,
)
from blocks.repositories.restic_local import LocalRestic
from blocks.types import SliceRead, StoredObject
from blocks.types.verification import NAMES

_LIMIT = timedelta(hours=6)


def read_slice(
    restic: LocalRestic, store: ObjectStore, folder: str, number: int, of: int
) -> SliceRead:
    """Let restic read one slice; see `Repository.read_slice`.

    Restic chooses by the first byte of a pack's name, modulo `of`. Without `--with-cache`: a pack
    of directories could otherwise be read from this machine's disk and not from the bucket.
    """
    if not 1 <= number <= of <= NAMES:
        raise ConfigurationError(
            f"slice {number}/{of}", "does not exist", f"1 <= number <= of <= {NAMES}"
        )
    everything = store.list(f"{folder}/data/")
    held = [each for each in everything if _slice_of(each, of) == number]
    subset = f"--read-data-subset={number}/{of}"
    ended = restic.run("check", "--json", "--no-lock", subset, timeout=_LIMIT)
    damaged = _whole_names(store, _damaged(ended))
    return SliceRead(
        number=number,
        of=of,
        objects=len(held),
        bytes=sum(each.size for each in held),
        total=sum(each.size for each in everything),
        damaged=damaged,
        # With a damaged index restic stops before it reads any data.
        complete=all("/data/" in key for key in damaged) and store_trouble(ended) is None,
    )


def _slice_of(stored: StoredObject, of: int) -> int:
    return int(stored.key.rsplit("/", 1)[-1][:2], 16) % of + 1


def _damaged(ended: Ended) -> tuple[str, ...]:
    """Return the damaged objects; raise what has another cause, such as a network that failed."""
    error = failure(ended)
    if error is None:
        return ()
    if not isinstance(error, DamagedData):
        raise error
    return all_damaged(ended) or (error.subject,)


def _whole_names(store: ObjectStore, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return each object's whole key once: restic shortens some names, and says others twice."""
    found = {key: [each.key for each in store.list(key)] for key in keys}
    whole = {there[0] if len(there) == 1 else key for key, there in found.items()}
    return tuple(sorted(key for key in whole if not any(_begins(other, key) for other in whole)))


def _begins(key: str, start: str) -> bool:
    return key != start and key.startswith(start)
