"""An intruder with the server's key against a real bucket with object lock, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.errors import ContinuityError
from blocks.servers.base import Server
from blocks.types import KeyRole, Lock
from deployments.lab.attacker import Attacker
from deployments.lab.config import Lab
from flows.decisions.lock_audit import audit_locks
from flows.decisions.rewind import plan_rewind
from flows.tasks.rewind_steps import carry_out
from tests.contract.repository_worlds import (
    ResticWorld,
    begin,
    ceph_store,
    loopback_server,
    noise,
    restic_world,
)

pytestmark = pytest.mark.lab
HARMLESS = {"overwrite", "add false index, snapshot, key, lock"}
"""What the server's key may do by its nature: it must be able to write."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with loopback_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def world(ceph: Lab, server: Server, tmp_path: Path) -> ResticWorld:
    store, keys = ceph_store(ceph)
    made = restic_world(store, server, tmp_path, keys)
    begin(made)
    return made


def test_everything_is_recoverable_as_of_before(world: ResticWorld) -> None:
    wanted = {f"{world.root}/{number}.bin": noise(number, 2_000_000) for number in range(3)}
    for path, content in wanted.items():
        world.put(path, content)
    saved = world.save()
    repository, name = world.repository, world.name
    seen = repository.versions(KeyRole.PRUNE)
    there = [v for v in seen.versions(f"{name}/") if "/locks/" not in v.key]
    before = {v.key: (v.id, seen.lock(v.key, v.id)) for v in there}
    reading = repository.versions(KeyRole.WORKER)
    content = {key: reading.read(key, version) for key, (version, _) in before.items()}
    moment = datetime.now(UTC)

    store = repository.store_of(KeyRole.SERVER)
    attempts = Attacker(store, repository.state_bucket, f"{name}/").attack()
    print("\n".join(f"{a.name}: {a.let_through} of {a.calls}" for a in attempts))
    assert {a.name for a in attempts if a.let_through} <= HARMLESS
    with pytest.raises(ContinuityError):
        repository.snapshots(name)

    assert {key: reading.read(key, before[key][0]) for key in content} == content
    assert {key: (v, seen.lock(key, v)) for key, (v, _) in before.items()} == before

    versions = seen.versions(f"{name}/")
    locks: dict[tuple[str, str], Lock | None] = {
        (v.key, v.id): seen.lock(v.key, v.id) for v in versions if not v.hidden
    }
    found = audit_locks(name, versions, (), locks, moment, timedelta(days=14), "GOVERNANCE")
    assert {f"{name}/restic/config", *found.overwritten} >= content.keys()
    assert found.tampered_at is not None
    assert found.tampered_at > moment

    began = datetime.now(UTC)
    plan = plan_rewind(name, versions, moment, began)
    carry_out(repository, plan)
    took = (datetime.now(UTC) - began).total_seconds()
    print(f"rewind: {len(plan.put_back)} put back, {len(plan.hide)} hidden, {took:.1f} s")
    assert plan_rewind(name, seen.versions(f"{name}/"), moment, datetime.now(UTC)).empty

    assert repository.read_back(name, began).objects >= len(plan.put_back) - 1
    assert repository.snapshots(name) == (saved,)
    world.wipe()
    world.restore(saved)
    assert {path: world.read(path) for path in wanted} == wanted
    assert world.save().added < 10_000, "the next backup finds its data again"


def test_locks_are_lengthened_for_real(world: ResticWorld) -> None:
    world.put(f"{world.root}/a.bin", noise(1, 100_000))
    world.save()
    repository, name, now = world.repository, world.name, datetime.now(UTC)
    seen = repository.versions(KeyRole.PRUNE)
    versions, needed = seen.versions(f"{name}/"), repository.needed(name)
    assert set(needed) == {v.key for v in versions if "/data/" in v.key}
    locks = {(v.key, v.id): seen.lock(v.key, v.id) for v in versions if not v.hidden}
    found = audit_locks(name, versions, needed, locks, now, repository.lock_time(), "GOVERNANCE")
    assert found.missing == ()
    assert len(found.lengthen) == found.objects > 4
    for (key, version), lock in found.lengthen:
        seen.lengthen(key, version, lock)
        held = seen.lock(key, version)
        assert held is not None
        assert abs(held.until - (now + timedelta(days=14))) < timedelta(seconds=2)
