"""Decide which files of a set are compared with the living server, and what a difference means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from blocks.types import FileDigest, StoredFile

LARGEST = 8 * 2**20
"""Bytes of a file that is still compared: it is read through the worker."""


UNKNOWN = "\ufffd"
"""Stands in a listing for a byte that is no UTF-8."""


class Finding(StrEnum):
    """What the comparison of one file showed."""

    EQUAL = "equal"
    CHANGED = "changed since"
    """The server touched or removed it after the backup: nothing to conclude."""
    UNEXPLAINED = "unexplained"
    """The content differs, though the server has not touched the file since the backup."""


def draw(names: Iterable[str], seed: str, count: int) -> tuple[str, ...]:
    """Return some of the names as if by chance: the same for the same seed, others for another."""
    order = sorted(
        names, key=lambda name: sha256(f"{seed}\0{name}".encode(errors="replace")).hexdigest()
    )
    return tuple(order[:count])


def comparable(files: Sequence[StoredFile], taken_at: datetime) -> tuple[str, ...]:
    """Return the files that are small enough and had rested before the backup began.

    A name that is no UTF-8 is not listed as it is, so the file cannot be asked for by it.
    """
    return tuple(
        each.path
        for each in files
        if each.size <= LARGEST and each.changed < taken_at and UNKNOWN not in each.path
    )


def judge(stored: str, live: FileDigest | None, taken_at: datetime) -> Finding:
    """Compare the checksum in the backup with the file on the server."""
    if live is not None and live.sha256 == stored:
        return Finding.EQUAL
    if live is None or live.changed >= taken_at:
        return Finding.CHANGED
    return Finding.UNEXPLAINED


def detectable(sampled: int) -> float:
    """Return the smallest share of wrong files that such a sample misses in 1 of 20 cases only."""
    return 1.0 if sampled == 0 else 1 - 0.05 ** (1 / sampled)
