"""The right to change one server: an object that only one run can hold at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from blocks.errors import AlreadyExists, ContinuityError, DamagedData, LeaseHeld, NotFound
from blocks.records import Lease
from blocks.repositories.base import ObjectStore
from blocks.repositories.holder import is_dead, process_holder

__all__ = ["LeaseKeeper", "acquire", "is_held", "process_holder", "release", "renew"]

_ATTEMPTS = 5
_leases = TypeAdapter(Lease)


def acquire(
    objects: ObjectStore,
    *,
    subject: str,
    owner: str,
    holder: str,
    ttl: timedelta,
    now: datetime,
    dead: Callable[[str], bool] = is_dead,
) -> Lease:
    """Take the lease if it is free, has expired, or is the same owner's whose process is dead.

    Raises:
        LeaseHeld: Somebody else has it; who, and until when.
    """
    for _ in range(_ATTEMPTS):
        found = _read(objects, subject)
        wanted = Lease(subject, owner, 1, now + ttl, holder)
        try:
            if found is None:
                objects.put_if_absent(_key(subject), _leases.dump_json(wanted))
                return wanted
            lease, etag = found
            if not _may_take(lease, owner, holder, now, dead):
                raise _held(lease)
            wanted = replace(wanted, generation=lease.generation + 1)
            objects.put_if_match(_key(subject), _leases.dump_json(wanted), etag)
        except AlreadyExists:
            continue  # somebody was quicker: look again who
        return wanted
    raise LeaseHeld(
        f"lease on {subject}", "several runs try to take it", "wait a minute, try again"
    )


def renew(objects: ObjectStore, lease: Lease, *, ttl: timedelta, now: datetime) -> Lease:
    """Make the lease last longer. Raises `LeaseHeld` if it is no longer ours."""
    found = _read(objects, lease.subject)
    if found is None or not _same(found[0], lease):
        raise _lost(lease, found[0] if found else None)
    longer = replace(lease, expires_at=now + ttl)
    try:
        objects.put_if_match(_key(lease.subject), _leases.dump_json(longer), found[1])
    except AlreadyExists as error:
        raise _lost(lease, None) from error
    return longer


def release(objects: ObjectStore, lease: Lease, *, now: datetime) -> None:
    """Give the lease back. Idempotent; one that somebody else has taken over is left alone."""
    found = _read(objects, lease.subject)
    if found is not None and _same(found[0], lease):
        ended = replace(lease, expires_at=min(now, found[0].expires_at))
        with suppress(AlreadyExists):
            objects.put_if_match(_key(lease.subject), _leases.dump_json(ended), found[1])


def is_held(
    objects: ObjectStore, subject: str, now: datetime, dead: Callable[[str], bool] = is_dead
) -> bool:
    """Return whether a run that may still live holds the lease."""
    found = _read(objects, subject)
    return found is not None and found[0].expires_at > now and not dead(found[0].holder)


class LeaseKeeper:
    """Hold a lease while a `with` block lasts, renewing it in a thread of its own.

    The thread cannot stop the run: the run asks `check` before each step.
    """

    def __init__(
        self,
        objects: ObjectStore,
        *,
        subject: str,
        owner: str,
        ttl: timedelta,
        holder: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._objects, self._ttl, self._clock = objects, ttl, clock
        self._wanted = (subject, owner, holder)
        self._lease: Lease | None = None
        self._reason: LeaseHeld | None = None
        self._stop, self.lost = Event(), Event()
        self._thread = Thread(target=self._keep, name=f"lease-{subject}", daemon=True)

    def __enter__(self) -> Self:
        subject, owner, holder = self._wanted
        self._lease = acquire(
            self._objects,
            subject=subject,
            owner=owner,
            holder=holder or process_holder(),
            ttl=self._ttl,
            now=self._clock(),
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=60)
        if self._lease is not None and not self.lost.is_set():
            # A lease that cannot be given back now ends by itself.
            with suppress(ContinuityError):
                release(self._objects, self._lease, now=self._clock())

    def check(self) -> None:
        """Raise `LeaseHeld` if the lease was lost or has run out."""
        if self._reason is not None:
            raise self._reason
        if self._lease is None or self._clock() >= self._lease.expires_at:
            raise _lost(self._lease or Lease(*self._wanted[:2], 0, self._clock()), None)

    def confirm(self) -> None:
        """Raise `LeaseHeld` unless the store still says that the lease is ours."""
        assert self._lease is not None  # noqa: S101 - inside the `with` block
        found = _read(self._objects, self._lease.subject)
        if found is None or (found[0].owner, found[0].holder) != (
            self._lease.owner,
            self._lease.holder,
        ):
            raise _lost(self._lease, found[0] if found else None)

    def _keep(self) -> None:
        while not self._stop.wait(self._ttl.total_seconds() / 3):
            assert self._lease is not None  # noqa: S101 - started after `acquire`
            try:
                self._lease = renew(self._objects, self._lease, ttl=self._ttl, now=self._clock())
            except LeaseHeld as reason:
                self._reason = reason
                self.lost.set()
                return
            except ContinuityError:
                continue  # a store that is down for a moment; `check` watches the time


def _may_take(
    lease: Lease, owner: str, holder: str, now: datetime, dead: Callable[[str], bool]
) -> bool:
    if lease.expires_at <= now:
        return True
    return lease.owner == owner and (lease.holder == holder or dead(lease.holder))


def _read(objects: ObjectStore, subject: str) -> tuple[Lease, str] | None:
    """Return the lease with an etag that is not newer than it, so a stale write is refused."""
    try:
        etag = objects.etag(_key(subject))
        content = objects.get(_key(subject))
    except NotFound:
        objects.list(_key(subject))  # a missing bucket stays an error
        return None
    try:
        return _leases.validate_json(content), etag
    except ValidationError as error:
        raise DamagedData(
            _key(subject), "is no lease", "see who works on the server, then remove the object"
        ) from error


def _key(subject: str) -> str:
    return f"leases/{subject}.json"


def _same(found: Lease, ours: Lease) -> bool:
    return (found.owner, found.generation) == (ours.owner, ours.generation)


def _held(lease: Lease) -> LeaseHeld:
    until = lease.expires_at.isoformat(timespec="seconds")
    return LeaseHeld(
        f"lease on {lease.subject}",
        f"{lease.owner} holds it until {until} ({lease.holder or 'unknown process'})",
        "wait for that run, or stop it: continuity status",
        owner=lease.owner,
        until=until,
    )


def _lost(ours: Lease, now_held: Lease | None) -> LeaseHeld:
    if now_held is not None and not _same(now_held, ours):
        return _held(now_held)
    return LeaseHeld(
        f"lease on {ours.subject}",
        f"{ours.owner} could not keep it",
        "see who holds it (continuity status), then run again with the same incident",
        owner=ours.owner,
        until=ours.expires_at.isoformat(timespec="seconds"),
    )
