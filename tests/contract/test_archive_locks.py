"""Locks and promises of an archive's bucket, with the keys that its agent and retention have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyrage
import pytest
from pydantic import PrivateAttr, SecretStr

from blocks.archives.names import stamp
from blocks.archives.s3_archive import S3Archive
from blocks.repositories.base import ObjectStore
from blocks.repositories.s3 import S3ObjectStore
from blocks.repositories.versions import VersionedObjects
from blocks.types import BucketCheck, CheckState, KeyRole, Position
from deployments.lab.config import Lab
from flows.decisions.immutability import judge
from flows.tasks.archive_locks import renew_pieces
from tests.contract.repository_worlds import ceph_store
from tests.fakes.loopback_s3 import LoopbackS3
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_versions import MemoryVersions
from tests.unit.samples import recovery_set

DAY = timedelta(days=1)


class MemoryArchive(S3Archive):
    """An archive whose versions are those of the memory twin."""

    _block_type_name = "Memory archive"
    _block_type_slug = "memory-archive"

    _objects: MemoryObjects = PrivateAttr(default_factory=MemoryObjects)

    def versions(self) -> VersionedObjects:
        return MemoryVersions(self._objects, KeyRole.PRUNE)


@dataclass(frozen=True, slots=True)
class World:
    """An archive; what its agent writes with; and what somebody hides with."""

    archive: S3Archive
    agent: ObjectStore
    hider: ObjectStore


def archive(kind: type[S3Archive], store: S3ObjectStore, **keys: object) -> S3Archive:
    identity = SecretStr(str(pyrage.x25519.Identity.generate()))
    return kind(store=store, identity_key=identity, **keys)  # type: ignore[arg-type]


def in_memory() -> World:
    store = S3ObjectStore(bucket="archive", access_key="reads", secret_key=SecretStr("x"))
    made = archive(MemoryArchive, store, agent_access_key="agent", agent_secret_key="secret")
    assert isinstance(made, MemoryArchive)
    return World(made, made._objects, made._objects)


def at_ceph(lab: Lab) -> World:
    store, keys = ceph_store(lab)
    store = store.model_copy(update={"prefix": f"archive/{uuid4().hex[:6]}"})
    agent = {
        f"agent_{kind}_key": lab.secret(f"s3-agent-{kind}-key") for kind in ("access", "secret")
    }
    prune = {name: key for name, key in keys.items() if name.startswith("prune")}
    made = archive(S3Archive, store, **agent, **prune)
    return World(made, made.store_of(KeyRole.SERVER), made.store)


@pytest.fixture(params=["memory", pytest.param("ceph", marks=pytest.mark.lab)])
def world(request: pytest.FixtureRequest) -> World:
    made: Callable[[], World] = {
        "memory": in_memory,
        "ceph": lambda: at_ceph(request.getfixturevalue("ceph")),
    }[request.param]
    return made()


def test_what_live_sets_need_is_locked_and_what_is_hidden_is_told(world: World) -> None:
    begun = datetime.now(UTC)
    made = replace(recovery_set(begun), position=Position("bin.1", 4, "0-1-1", begun, "a" * 16))
    keys = {
        each: f"web1/{stamp(begun + n * timedelta(seconds=15))}-log-bin.1-{'a' * 16}-{each}.zst.age"
        for n, each in enumerate(("0-50", "50-90", "0-90", "90-120"))
    }
    held = world.archive
    for key in keys.values():
        world.agent.put(key, b"piece")
    seen = held.versions()
    found = renew_pieces("web1", held, (made,), "GOVERNANCE")
    assert (found.objects, len(found.lengthen)) == (2, 2)
    for name, days in (("0-90", 13), ("90-120", 13), ("0-50", 0)):
        (version,) = seen.versions(keys[name])
        lock = seen.lock(version.key, version.id)
        assert lock is not None
        assert (lock.until > begun + 2 * DAY) == bool(days), "what is covered falls out of its lock"
    assert not renew_pieces("web1", held, (made,), "GOVERNANCE").lengthen, "nothing is left to do"
    world.hider.remove(keys["90-120"])
    world.agent.put(keys["0-90"], b"written over")
    again = renew_pieces("web1", held, (made,), "GOVERNANCE")
    assert again.missing == (keys["90-120"],)
    assert again.overwritten == (keys["0-90"],)


@pytest.mark.lab
def test_the_labs_archive_is_proven_with_the_keys_that_it_has(ceph: Lab) -> None:
    test = at_ceph(ceph).archive.self_test(datetime.now(UTC))
    print("\n".join(f"{r.check}: {r.state}: {r.evidence}" for r in test.results))
    assert {each.state for each in test.results} == {CheckState.HELD}
    assert judge(test).proven is True
    assert test.lock_mode == "GOVERNANCE"
    tried = {each.check for each in test.results}
    assert not tried & {BucketCheck.MULTIPART, BucketCheck.RANGE, BucketCheck.CONDITIONAL}


def test_an_archive_without_versions_is_told(s3: LoopbackS3) -> None:
    s3.make_bucket("plain-archive")
    store = s3.store("plain-archive")
    keys = {"agent_access_key": store.access_key, "agent_secret_key": store.secret_key}
    verdict = judge(archive(S3Archive, store, **keys).self_test(datetime.now(UTC)))
    assert verdict.proven is False
    assert "gestion des versions" in verdict.sentence
