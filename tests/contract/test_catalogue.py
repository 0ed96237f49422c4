"""Manifests over every object store: in memory, S3 by moto, Ceph RGW (lab)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from blocks.errors import (
    AlreadyExists,
    DamagedData,
    NotFound,
)
from blocks.repositories.base import ObjectStore
from blocks.repositories.catalogue import Catalogue, contradictions
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
)
from tests.contract.repository_worlds import ceph_store, moto_store
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_repository import MemoryRepository

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "moto", pytest.param("ceph", marks=pytest.mark.lab)])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    """Every object store, Ceph with the versioned bucket in which manifests lie."""
    if request.param == "memory":
        return MemoryObjects()
    if request.param == "ceph":
        return ceph_store(request.getfixturevalue("ceph"))[0]
    return moto_store(request.getfixturevalue("s3"))


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


def test_manifests_are_plain_json_for_people(catalogue: Catalogue, objects: ObjectStore) -> None:
    made = recovery_set("web1", NOON + timedelta(seconds=int(uuid4().hex[:6], 16)))
    catalogue.put(made)
    document = json.loads(objects.get(manifest_key(made)))
    assert document["manifest"]["snapshots"][0]["subject"] == "shop"
    assert document["manifest"]["format"] == 1
