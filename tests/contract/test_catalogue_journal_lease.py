"""Manifests, journal and lease over every object store: in memory, S3 by moto, Ceph RGW (lab)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from blocks.errors import (
    AlreadyExists,
    ConfigurationError,
    DamagedData,
    LeaseHeld,
    NotFound,
    Unavailable,
)
from blocks.repositories.base import ObjectStore
from blocks.repositories.catalogue import Catalogue, contradictions
from blocks.repositories.holder import is_dead, process_holder
from blocks.repositories.journal import Journal, incidents
from blocks.repositories.lease import LeaseKeeper, acquire, is_held, release, renew
from blocks.types import (
    Canary,
    Frequency,
    Label,
    Part,
    ReadBack,
    RecoverySet,
    ServerFacts,
    Snapshot,
    SnapshotRef,
    StepState,
    Tier,
)
from tests.contract.repository_worlds import ceph_store, moto_store
from tests.fakes.loopback_s3 import LoopbackS3, moto_server
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_repository import MemoryRepository

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TTL = timedelta(seconds=60)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackS3]:
    with moto_server(tmp_path_factory.mktemp("moto")) as service:
        service.make_bucket("continuity")
        yield service


@pytest.fixture(params=["memory", "moto", pytest.param("ceph", marks=pytest.mark.lab)])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryObjects()
    if request.param == "ceph":
        return ceph_store()[0]
    return moto_store(request.getfixturevalue("s3"))


# --- catalogue ---


@pytest.fixture
def catalogue(objects: ObjectStore) -> Catalogue:
    return Catalogue(MemoryRepository().keep_documents_in(objects))


@pytest.fixture
def server() -> str:
    return f"web-{uuid4().hex[:6]}"


def ref(subject: str = "shop", part: Part = Part.SITE) -> SnapshotRef:
    return SnapshotRef("5a" * 32, part, subject, "7e" * 32, 1000, 10, 3, NOON, "s1")


def snapshot(server: str, subject: str = "shop", part: Part = Part.SITE) -> Snapshot:
    return Snapshot("5a" * 32, Label(server, "s1", part, subject), "7e" * 32, NOON, 1000, 10, 3)


def recovery_set(server: str, at: datetime = NOON) -> RecoverySet:
    facts = ServerFacts("web1", "debian", "12", 2, 4 << 30, 50 << 30, 40 << 30, (), (), (), at)
    return RecoverySet(
        id=f"{server}-{at:%Y%m%dT%H%M%SZ}",
        server=server,
        frequency=Frequency.DAILY,
        started_at=at,
        consistent_at=at + timedelta(seconds=10, microseconds=123456),
        finished_at=at + timedelta(minutes=1),
        sites=("shop",),
        snapshots=(ref(),),
        server_facts=facts,
        database_facts=None,
        position=None,
        canary=Canary(server, "é-nonce", at),
        read_back=ReadBack(12, 3456),
    )


def manifest_key(made: RecoverySet) -> str:
    return f"{made.server}/sets/{made.id}/manifest.json"


def test_a_set_is_read_as_it_was_written(catalogue: Catalogue, server: str) -> None:
    made = recovery_set(server)
    catalogue.put(made)
    assert catalogue.read(server, made.id) == made
    assert catalogue.list(server).sets == (made,)


def test_a_set_is_never_overwritten(catalogue: Catalogue, server: str) -> None:
    made = recovery_set(server)
    catalogue.put(made)
    with pytest.raises(AlreadyExists):
        catalogue.put(replace(made, sites=()))
    assert catalogue.read(server, made.id) == made


def test_sets_are_listed_oldest_first_and_by_server(catalogue: Catalogue, server: str) -> None:
    made = [recovery_set(server, NOON + timedelta(days=day)) for day in (3, 1, 2)]
    for each in (*made, recovery_set(f"{server}-other")):
        catalogue.put(each)
    assert [each.id for each in catalogue.list(server).sets] == sorted(each.id for each in made)
    assert catalogue.list("never-seen").sets == ()


def test_a_removed_set_is_gone(catalogue: Catalogue, server: str) -> None:
    made = recovery_set(server)
    catalogue.put(made)
    catalogue.remove(server, made.id)
    catalogue.remove(server, made.id)
    with pytest.raises(NotFound):
        catalogue.read(server, made.id)


def test_a_changed_manifest_is_refused_and_hides_no_other(
    catalogue: Catalogue, objects: ObjectStore, server: str
) -> None:
    good, bad = recovery_set(server), recovery_set(server, NOON + timedelta(days=1))
    catalogue.put(good)
    catalogue.put(bad)
    lie = objects.get(manifest_key(bad)).replace(b'"size": 1000', b'"size": 9000')
    objects.put(manifest_key(bad), lie)
    with pytest.raises(DamagedData, match="without the repository's password"):
        catalogue.read(server, bad.id)
    listing = catalogue.list(server)
    assert listing.sets == (good,)
    assert [name for name, _ in listing.refused] == [bad.id]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"manifest": 1, "seal": 2}']
)
def test_rubbish_in_place_of_a_manifest_is_refused(
    catalogue: Catalogue, objects: ObjectStore, server: str, content: bytes
) -> None:
    made = recovery_set(server)
    objects.put(manifest_key(made), content)
    with pytest.raises(DamagedData, match=made.id):
        catalogue.read(server, made.id)
    assert len(catalogue.list(server).refused) == 1


def test_a_manifest_that_was_moved_is_refused(
    catalogue: Catalogue, objects: ObjectStore, server: str
) -> None:
    made = recovery_set(server)
    catalogue.put(made)
    later = replace(made, id=f"{server}-20261124T120000Z")
    objects.put(manifest_key(later), objects.get(manifest_key(made)))
    with pytest.raises(DamagedData, match=f"is the manifest of {made.id}"):
        catalogue.read(server, later.id)


def test_a_seal_of_another_password_is_refused(objects: ObjectStore, server: str) -> None:
    def with_password(password: str) -> Catalogue:
        return Catalogue(MemoryRepository(password=password).keep_documents_in(objects))

    made = recovery_set(server)
    with_password("one").put(made)
    assert with_password("one").read(server, made.id) == made
    with pytest.raises(DamagedData, match="password"):
        with_password("two").read(server, made.id)


def test_what_a_manifest_claims_is_held_against_the_repository() -> None:
    made, real = recovery_set("web1"), snapshot("web1")
    assert contradictions(made, (real,)) == ()
    assert "is not in the repository" in contradictions(made, ())[0]
    for wrong in (
        replace(real, tree="00" * 32),
        replace(real, size=1),
        replace(real, files=1),
        replace(real, label=Label("web2", "s1", Part.SITE, "shop")),
        replace(real, label=Label("web1", "s2", Part.SITE, "shop")),
        replace(real, label=Label("web1", "s1", Part.DATABASE, "shop")),
        replace(real, label=Label("web1", "s1", Part.SITE, "blog")),
    ):
        assert len(contradictions(made, (wrong,))) == 1
    assert contradictions(replace(made, sites=("shop", "blog")), (real,)) == (
        "site blog has no snapshot",
    )


# --- journal ---


def write(journal: Journal, step: str, state: StepState = StepState.DONE) -> int:
    return journal.append(step=step, state=state, started_at=NOON, ended_at=NOON).sequence


def test_records_are_numbered_and_read_in_order(objects: ObjectStore) -> None:
    name = uuid4().hex
    journal = Journal(objects, name)
    written = journal.append(
        step="dns-shop",
        state=StepState.DONE,
        started_at=NOON,
        ended_at=NOON + TTL,
        saw="10.0.0.1",
        did="10.0.0.2",
        why="healthy",
        data={"seconds": 1.5, "names": ["a", "b"]},
    )
    assert write(Journal(objects, name), "smoke", StepState.STARTED) == 2
    first, second = journal.records()
    assert first == written
    assert (second.sequence, second.step, second.state) == (2, "smoke", StepState.STARTED)
    assert [each.key for each in objects.list(f"incidents/{name}/")] == [
        f"incidents/{name}/001-dns-shop-done.json",
        f"incidents/{name}/002-smoke-started.json",
    ]


def test_threads_append_without_losing_or_doubling_a_number(objects: ObjectStore) -> None:
    name = uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: write(Journal(objects, name), f"site-{n}"), range(24)))
    assert sorted(numbers) == list(range(1, 25))
    assert [each.sequence for each in Journal(objects, name).records()] == list(range(1, 25))


def test_documents_lie_beside_the_records(objects: ObjectStore) -> None:
    name = uuid4().hex
    journal = Journal(objects, name)
    assert journal.document("plan.json") is None
    journal.put_document("plan.json", {"at": NOON, "tier": Tier.HOUR_1, "sites": ("a",), "n": 1})
    journal.put_document("report.json", {"verdict": "récupéré"})
    write(journal, "lease")
    assert journal.document("plan.json") == {
        "at": "2026-11-23T12:00:00Z",
        "tier": "1h",
        "sites": ["a"],
        "n": 1,
    }
    assert len(journal.records()) == 1
    assert name in incidents(objects)


def test_a_record_that_cannot_be_read_is_an_error(objects: ObjectStore) -> None:
    name = uuid4().hex
    write(Journal(objects, name), "lease")
    objects.put(f"incidents/{name}/002-dns-done.json", b"{")
    with pytest.raises(DamagedData, match="002-dns-done"):
        Journal(objects, name).records()
    assert write(Journal(objects, name), "smoke") == 3


@pytest.mark.parametrize("name", ["", "../other", "a/b", "a b"])
def test_names_that_would_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        Journal(MemoryObjects(), name)
    with pytest.raises(ConfigurationError):
        Journal(MemoryObjects(), "inc-1").put_document(name, {})


# --- lease ---


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


def test_manifests_are_plain_json_for_people(catalogue: Catalogue, objects: ObjectStore) -> None:
    made = recovery_set("web1", NOON + timedelta(seconds=int(uuid4().hex[:6], 16)))
    catalogue.put(made)
    document = json.loads(objects.get(manifest_key(made)))
    assert document["manifest"]["snapshots"][0]["subject"] == "shop"
    assert document["manifest"]["format"] == 1
