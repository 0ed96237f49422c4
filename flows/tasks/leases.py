"""Keep two runs apart over all the stores that a server has, also when the first is gone.

The lease is taken in every store that answers, in their order. Two runs that both reach one store
in which conditional writes hold never get it both. When the only store left does not keep
conditions, a run writes, waits `SETTLE`, and looks whether it is still its own; the loser of a tie
that even this misses is stopped at its next renewal, 15 s later. Two workers that each reach a
different store only are not kept apart: run one worker for each server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import sleep

from blocks.errors import ContinuityError, LeaseHeld
from blocks.repositories.base import ObjectStore
from blocks.repositories.lease import LeaseKeeper, is_held, process_holder
from blocks.repositories.mirrored import GONE
from flows.tasks.incident import Estate, now

LEASE_TTL = timedelta(seconds=45)
SETTLE = timedelta(seconds=2)
"""Longer than a write takes from its decision to its effect."""


@dataclass
class HeldLeases:
    """The leases that a run holds, and why it holds none in the other stores."""

    keepers: list[LeaseKeeper] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `LeaseHeld` if another run has taken one, or if none is left."""
        reasons = []
        for keeper in self.keepers:
            try:
                keeper.check()
            except LeaseHeld as reason:
                if keeper.lost.is_set():
                    raise
                reasons.append(reason)
        if len(reasons) == len(self.keepers):
            raise reasons[0]


def keeper(store: ObjectStore, subject: str, owner: str) -> LeaseKeeper:
    """Return what holds a lease in one store while a `with` block lasts."""
    return LeaseKeeper(
        store, subject=subject, owner=owner, holder=process_holder(), ttl=LEASE_TTL, clock=now
    )


@contextmanager
def hold_everywhere(estate: Estate, subject: str, owner: str) -> Iterator[HeldLeases]:
    """Hold the lease in every store that answers while the block lasts.

    Raises:
        LeaseHeld: Another run holds it in one of them; who, and until when.
        ContinuityError: No store answers; what the first one said.
    """
    held, failures = HeldLeases(), list[ContinuityError]()
    with ExitStack() as stack:
        for name, store in estate.states().items():
            try:
                found = stack.enter_context(keeper(store, subject, owner))
            except GONE as error:
                held.missing[name] = error.cause
                failures.append(error)
                continue
            if failures and not held.keepers:
                sleep(SETTLE.total_seconds())
                found.confirm()
            held.keepers.append(found)
        if not held.keepers:
            raise failures[0]
        yield held


def is_held_anywhere(estate: Estate, subject: str) -> bool:
    """Return whether a run that may still live holds the lease in any store that answers."""
    return any(_is_held(store, subject) for store in estate.states().values())


def _is_held(store: ObjectStore, subject: str) -> bool:
    try:
        return is_held(store, subject, now())
    except GONE:
        return False
