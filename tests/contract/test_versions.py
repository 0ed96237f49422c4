"""One suite for versions and locks: in memory, and a bucket of Ceph RGW with object lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from blocks.errors import NotFound, PermissionDenied
from blocks.repositories.base import ObjectStore
from blocks.repositories.s3_versions import S3Versions
from blocks.repositories.versions import VersionedObjects
from blocks.types import KeyRole, Lock
from tests.contract.repository_worlds import ceph_store, store_with_key
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_versions import MemoryVersions


@dataclass
class Place:
    """One bucket: what is written by the server's key, and its versions seen with each key."""

    objects: ObjectStore
    seen: dict[KeyRole, VersionedObjects]

    @property
    def worker(self) -> VersionedObjects:
        return self.seen[KeyRole.WORKER]

    @property
    def prune(self) -> VersionedObjects:
        return self.seen[KeyRole.PRUNE]


@pytest.fixture(params=["memory", pytest.param("ceph", marks=pytest.mark.lab)])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        objects = MemoryObjects()
        return Place(objects, {role: MemoryVersions(objects, role) for role in KeyRole})
    store, keys = ceph_store(request.getfixturevalue("ceph"))
    stores = {role: store_with_key(store, keys, role) for role in KeyRole}
    return Place(stores[KeyRole.SERVER], {role: S3Versions(each) for role, each in stores.items()})


@pytest.fixture
def key() -> str:
    return f"web1/restic/data/{uuid4().hex}"


def test_versions_come_newest_first(place: Place, key: str) -> None:
    place.objects.put(key, b"one")
    place.objects.put(key, b"longer")
    place.worker.hide(key)
    marker, second, first = place.worker.versions(key)
    assert (marker.hidden, marker.newest) == (True, True)
    assert [(v.hidden, v.newest, v.size) for v in (second, first)] == [
        (False, False, 6),
        (False, False, 3),
    ]
    assert first.modified <= second.modified <= marker.modified
    assert place.worker.read(key, first.id) == b"one"
    assert first.etag != second.etag


def test_versions_are_complete_and_of_this_folder_only(place: Place) -> None:
    folder = f"web1/restic/{uuid4().hex}"
    for number in range(5):
        place.objects.put(f"{folder}/{number}", b"x")
    place.objects.put(f"{folder}x", b"x")
    found = place.worker.versions(f"{folder}/")
    assert [each.key for each in found] == [f"{folder}/{number}" for number in range(5)]
    assert place.worker.versions(f"{folder}/none") == ()


def test_an_old_version_becomes_the_newest_again(place: Place, key: str) -> None:
    place.objects.put(key, b"good")
    (good,) = place.worker.versions(key)
    place.objects.put(key, b"evil")
    place.worker.put_back(key, good.id)
    assert place.objects.get(key) == b"good"
    place.worker.hide(key)
    place.worker.put_back(key, good.id)
    assert place.objects.get(key) == b"good"
    newest = place.worker.versions(key)[0]
    assert (newest.etag, newest.size) == (good.etag, good.size)
    assert len(place.worker.versions(key)) == 5


def test_a_lock_is_lengthened_by_the_pruning_key_alone(place: Place, key: str) -> None:
    place.objects.put(key, b"good")
    (version,) = place.worker.versions(key)
    lock = place.prune.lock(key, version.id)
    assert lock is not None
    longer = Lock(lock.mode, lock.until + timedelta(days=3))
    for role in (KeyRole.WORKER, KeyRole.SERVER):
        with pytest.raises(PermissionDenied):
            place.seen[role].lengthen(key, version.id, longer)
    place.prune.lengthen(key, version.id, longer)
    found = place.prune.lock(key, version.id)
    assert found is not None
    assert abs(found.until - longer.until) < timedelta(seconds=2)
    for role in KeyRole:
        with pytest.raises(PermissionDenied):
            place.seen[role].lengthen(key, version.id, lock)


def test_the_servers_key_hides_nothing_but_locks(place: Place, key: str) -> None:
    place.objects.put(key, b"good")
    with pytest.raises(PermissionDenied):
        place.seen[KeyRole.SERVER].hide(key)
    lock = f"web1/restic/locks/{uuid4().hex}"
    place.objects.put(lock, b"lock")
    place.seen[KeyRole.SERVER].hide(lock)
    assert place.worker.versions(lock)[0].hidden


def test_an_unknown_version_is_not_found(place: Place, key: str) -> None:
    place.objects.put(key, b"good")
    with pytest.raises(NotFound):
        place.worker.read(key + "x", place.worker.versions(key)[0].id)
