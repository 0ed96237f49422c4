"""Leases over every object store: in memory, S3 by moto, Ceph RGW (lab)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from blocks.errors import (
    DamagedData,
    LeaseHeld,
    Unavailable,
)
from blocks.repositories.base import ObjectStore
from blocks.repositories.holder import is_dead, process_holder
from blocks.repositories.lease import LeaseKeeper, acquire, is_held, release, renew
from tests.fakes.memory_objects import MemoryObjects

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TTL = timedelta(seconds=60)


@pytest.fixture
def subject() -> str:
    return uuid4().hex


def alive(_: str) -> bool:
    return False


def test_one_owner_at_a_time(objects: ObjectStore, subject: str) -> None:
    lease = acquire(objects, subject=subject, owner="inc-1", holder="h1", ttl=TTL, now=NOON)
    assert (lease.generation, lease.expires_at) == (1, NOON + TTL)
    with pytest.raises(LeaseHeld, match=r"inc-1 holds it until 2026-11-23T12:01:00") as caught:
        acquire(objects, subject=subject, owner="inc-2", holder="h2", ttl=TTL, now=NOON)
    assert (caught.value.owner, caught.value.until) == ("inc-1", "2026-11-23T12:01:00+00:00")
    assert is_held(objects, subject, NOON, alive)
    release(objects, lease, now=NOON)
    assert not is_held(objects, subject, NOON, alive)
    again = acquire(objects, subject=subject, owner="inc-2", holder="h2", ttl=TTL, now=NOON)
    assert again.generation == 2


def test_an_expired_lease_is_taken_over_and_its_owner_notices(
    objects: ObjectStore, subject: str
) -> None:
    old = acquire(objects, subject=subject, owner="inc-1", holder="h1", ttl=TTL, now=NOON)
    later = NOON + TTL
    new = acquire(objects, subject=subject, owner="inc-2", holder="h2", ttl=TTL, now=later)
    with pytest.raises(LeaseHeld, match="inc-2"):
        renew(objects, old, ttl=TTL, now=later)
    release(objects, old, now=later)
    assert is_held(objects, subject, later, alive)
    assert renew(objects, new, ttl=TTL, now=later).expires_at == later + TTL


def test_the_same_incident_goes_on_when_its_process_is_dead(
    objects: ObjectStore, subject: str
) -> None:
    acquire(objects, subject=subject, owner="inc-1", holder="dead", ttl=TTL, now=NOON)
    take = {"subject": subject, "holder": "new", "ttl": TTL, "now": NOON}
    with pytest.raises(LeaseHeld):
        acquire(objects, owner="inc-2", dead=lambda holder: holder == "dead", **take)  # type: ignore[arg-type]
    with pytest.raises(LeaseHeld):
        acquire(objects, owner="inc-1", dead=alive, **take)  # type: ignore[arg-type]
    lease = acquire(objects, owner="inc-1", dead=lambda holder: holder == "dead", **take)  # type: ignore[arg-type]
    assert (lease.generation, lease.holder) == (2, "new")


def test_of_many_runs_one_gets_the_lease(objects: ObjectStore, subject: str) -> None:
    def attempt(number: int) -> bool:
        try:
            acquire(objects, subject=subject, owner=f"inc-{number}", holder="", ttl=TTL, now=NOON)
        except LeaseHeld:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_a_keeper_renews_and_gives_back(objects: ObjectStore, subject: str) -> None:
    short = timedelta(seconds=1.5)
    with LeaseKeeper(objects, subject=subject, owner="inc-1", ttl=short) as keeper:
        until = time.monotonic() + 2 * short.total_seconds()
        while time.monotonic() < until:
            keeper.check()
            time.sleep(0.1)
        assert is_held(objects, subject, datetime.now(UTC))
    assert not is_held(objects, subject, datetime.now(UTC))


def test_a_keeper_tells_when_the_lease_is_lost(objects: ObjectStore, subject: str) -> None:
    short = timedelta(seconds=0.9)
    with LeaseKeeper(objects, subject=subject, owner="inc-1", ttl=short) as keeper:
        far = datetime.now(UTC) + timedelta(hours=1)
        acquire(objects, subject=subject, owner="inc-2", holder="h", ttl=TTL, now=far)
        assert keeper.lost.wait(timeout=10)
        with pytest.raises(LeaseHeld, match="inc-2"):
            keeper.check()
    assert is_held(objects, subject, far, alive)


def test_a_keeper_survives_a_store_that_is_down_for_a_moment() -> None:
    objects, clock = MemoryObjects(), [datetime.now(UTC)]
    keeper = LeaseKeeper(
        objects, subject="web1", owner="i", ttl=timedelta(seconds=0.9), clock=lambda: clock[0]
    )
    with keeper:
        objects.fail_next("etag", Unavailable("store", "503", "wait"))
        time.sleep(1.2)
        keeper.check()
        clock[0] += timedelta(seconds=0.5)
        time.sleep(0.8)
        keeper.check()
        clock[0] += timedelta(hours=1)
        with pytest.raises(LeaseHeld, match="could not keep it"):
            keeper.check()


def test_a_lease_that_cannot_be_read_is_never_guessed(objects: ObjectStore, subject: str) -> None:
    objects.put(f"leases/{subject}.json", b"{}")
    with pytest.raises(DamagedData, match=subject):
        acquire(objects, subject=subject, owner="i", holder="", ttl=TTL, now=NOON)


def test_holders_are_dead_only_when_it_is_certain() -> None:
    assert not is_dead(process_holder())
    program = "from blocks.repositories.holder import process_holder; print(process_holder())"
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    assert is_dead(child)
    assert not is_dead(child.replace("host=", "host=another-"))
    assert not is_dead("")
    assert not is_dead("somebody")
    reused = process_holder().rsplit("start=", 1)[0] + "start=1"
    assert is_dead(reused)
    assert f"pid={os.getpid()}" in process_holder()
