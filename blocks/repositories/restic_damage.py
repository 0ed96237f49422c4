"""From a damaged object to its full name, and to the snapshots that need it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from blocks.errors import DamagedData
from blocks.repositories.base import ObjectStore
from blocks.repositories.restic_failures import Ended
from blocks.repositories.restic_output import blobs_of, packs_of, snapshots_found

_OBJECT = re.compile(r"(?:(data)/[0-9a-f]{2}/|(index|snapshots|keys)/|^)([0-9a-f]{8,64})$")
_READERS = 4
_IDS_A_CALL = 500

Run = Callable[..., Ended]
"""Runs one restic command of the repository; raises when it fails."""


def full_key(store: ObjectStore, damage: DamagedData) -> DamagedData:
    """Return the same error with the object's whole key: restic shortens it in its messages."""
    found = store.list(damage.subject)
    if len(found) != 1:
        return damage
    key = found[0].key
    return DamagedData(key, damage.cause.replace(damage.subject, key), damage.hint)


def snapshots_needing(run: Run, known: Sequence[str], damaged: str) -> tuple[str, ...]:
    """Return those of the known snapshots that cannot be restored without this object.

    `restic find --pack` reads the pack itself, which is damaged, and sees no directories: so
    the index is asked what is in the pack, and then who needs it.
    """
    found = _OBJECT.search(damaged)
    if found is None or found[2] in ("index", "keys"):
        return tuple(known)  # configuration, keys and index serve all snapshots
    if found[2] == "snapshots":
        return tuple(each for each in known if each.startswith(found[3]))
    blobs = _blobs(run, found[3])
    needing = _finding(run, "--blob", [name for name, kind in blobs.items() if kind == "data"])
    needing |= _finding(run, "--tree", [name for name, kind in blobs.items() if kind == "tree"])
    return tuple(each for each in known if each in needing)


def packs_in_index(run: Run, folder: str) -> tuple[str, ...]:
    """Return the keys of all packs that the index names: what the snapshots are made of."""
    packs = {pack for index in _indexes(run) for pack in packs_of(index)}
    return tuple(sorted(f"{folder}/data/{pack[:2]}/{pack}" for pack in packs))


def _blobs(run: Run, pack: str) -> Mapping[str, str]:
    for index in _indexes(run):
        blobs = blobs_of(index, pack)
        if blobs is not None:
            return blobs
    return {}


def _indexes(run: Run) -> Iterator[bytes]:
    names = run("list", "index", "--no-lock").stdout.decode().split()
    with ThreadPoolExecutor(_READERS, thread_name_prefix="restic-index") as pool:
        for ended in pool.map(lambda name: run("cat", "index", name, "--no-lock"), names):
            yield ended.stdout


def _finding(run: Run, option: str, blobs: Sequence[str]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for start in range(0, len(blobs), _IDS_A_CALL):
        some = blobs[start : start + _IDS_A_CALL]
        ended = run("find", "--json", "--no-lock", option, *some)
        found |= snapshots_found(ended.stdout.decode())
    return found
