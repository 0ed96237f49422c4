"""Which locks restic's own `unlock` may remove from a server without harm to others. Pure.

`unlock` takes a lock for dead when it is older than half an hour, or when its host is this host and
its process does not exist. It asks by a SIGHUP, which kills most programs: a number that was given
to another program since must never be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from blocks.errors import ProviderError

LOOK = (
    "sh",
    "-c",
    'uname -n; for pid; do cat "/proc/$pid/comm" 2>/dev/null || echo; done',
    "continuity",
)
"""Says the host's name, then the program of each process that follows: a line each, "" for none."""
OURS = "restic"


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds a lock."""

    hostname: str
    pid: int


_lock = TypeAdapter(Lock)


def held(printed: bytes) -> Lock:
    """Return what `restic cat lock` printed. Raises `ProviderError` for anything else."""
    try:
        return _lock.validate_json(printed)
    except ValidationError as error:
        raise ProviderError(
            "restic lock", "cannot be read", "restic list locks, then: restic cat lock ID"
        ) from error


def may_unlock(locks: Sequence[Lock], seen: str) -> bool:
    """Return whether one of the locks is provably dead and none would make `unlock` hurt others.

    Args:
        locks: All locks of the repository.
        seen: What `LOOK` said on the server of their processes, in the same order.
    """
    host, *programs = [*seen.splitlines(), *[""] * len(locks)]
    asked = [
        program for lock, program in zip(locks, programs, strict=False) if lock.hostname == host
    ]
    return "" in asked and set(asked) <= {"", OURS}
