"""The bucket's self-test against buckets that keep their promises, and against some that do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from blocks.repositories.profiles import Profile
from blocks.repositories.restic import ResticRepository
from blocks.types import BucketCheck, CheckState, KeyRole, SelfTest
from deployments.lab import storage, storage_rules
from deployments.lab.config import Lab
from flows.decisions.bucket_advice import advice
from flows.decisions.immutability import judge
from tests.contract.repository_worlds import ceph_store, moto_store
from tests.fakes.loopback_rclone import rclone_server
from tests.fakes.loopback_s3 import LoopbackS3

NOW = datetime.now(UTC)


def repository(store: Any, keys: dict[str, object]) -> ResticRepository:
    return ResticRepository(store=store, password=SecretStr("right"), **keys)  # type: ignore[arg-type]


def states(test: SelfTest) -> dict[BucketCheck, CheckState]:
    return {each.check: each.state for each in test.results}


@pytest.mark.lab
def test_the_labs_bucket_is_proven_and_nothing_is_left(ceph: Lab) -> None:
    store, keys = ceph_store(ceph)
    tested = repository(store, dict(keys))
    test = tested.self_test(datetime.now(UTC))
    print("\n".join(f"{r.check}: {r.state}: {r.evidence}" for r in test.results))
    assert set(states(test).values()) == {CheckState.HELD}
    assert judge(test).proven is True
    assert test.lock_mode == "GOVERNANCE"
    assert store.list("") == ()
    assert tested.state().list("probes/self-test") == ()
    assert {v.key.split("/")[0] for v in tested.versions(KeyRole.WORKER).versions("")} == {
        "self-test"
    }


@contextmanager
def careless(lab: Lab, name: str, *, lock: bool, allow: tuple[str, ...]) -> Iterator[str]:
    """Make a bucket in which the server's key may do more than it should."""
    worker = storage.client(lab, "worker")
    worker.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
    if lock:
        worker.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration=storage_rules.lock()
        )
    users = {"AWS": [f"arn:aws:iam:::user/{user}" for user in storage_rules.USERS]}
    statement = {
        "Effect": "Allow",
        "Principal": users,
        "Action": [f"s3:{action}" for action in allow],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    worker.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    yield name


@pytest.mark.lab
def test_a_bucket_without_versions_is_not_immutable(ceph: Lab) -> None:
    with careless(ceph, f"plain-{uuid4().hex[:6]}", lock=False, allow=("*",)) as bucket:
        store, keys = ceph_store(ceph)
        tested = repository(store.model_copy(update={"bucket": bucket}), dict(keys))
        found = states(tested.self_test(datetime.now(UTC)))
    for check in (
        BucketCheck.VERSIONING,
        BucketCheck.DEFAULT_LOCK,
        BucketCheck.OVERWRITE,
        BucketCheck.DESTROY,
    ):
        assert found[check] is CheckState.NOT_HELD, check
    assert found[BucketCheck.MULTIPART] is CheckState.HELD


@pytest.mark.lab
def test_a_key_that_may_bypass_is_found(ceph: Lab) -> None:
    with careless(ceph, f"open-{uuid4().hex[:6]}", lock=True, allow=("*",)) as bucket:
        store, keys = ceph_store(ceph)
        tested = repository(store.model_copy(update={"bucket": bucket}), dict(keys))
        test = tested.self_test(datetime.now(UTC))
    found = states(test)
    assert found[BucketCheck.VERSIONING] is CheckState.HELD
    assert found[BucketCheck.OVERWRITE] is CheckState.HELD
    assert found[BucketCheck.DESTROY] is CheckState.NOT_HELD
    verdict = judge(test)
    assert verdict.proven is False
    assert "la clé du serveur, en forçant, a détruit la version" in verdict.sentence


@pytest.mark.parametrize("profile", [None, Profile.OVH])
def test_a_poor_store_is_refused_with_what_it_lacks(
    tmp_path: Path, profile: Profile | None
) -> None:
    """`rclone serve s3` keeps no versions, no locks and no conditions; a profile does not help."""
    with rclone_server(tmp_path) as rclone:
        store = rclone.store(profile=profile)
        keys = {"server_access_key": store.access_key, "server_secret_key": store.secret_key}
        test = repository(store, dict(keys)).self_test(datetime.now(UTC))
    assert judge(test).proven is False
    said = advice(test, profile)
    assert "activez la gestion des versions" in said[0]
    assert "state_bucket" in said[1]
    assert len([each for each in said if "OVHcloud" in each]) == (2 if profile else 0)


def test_moto_is_told_apart(s3: LoopbackS3, tmp_path: Path) -> None:
    """A plain bucket of another make: conditional writes hold, nothing is immutable."""
    store = moto_store(s3)
    keys = {"server_access_key": store.access_key, "server_secret_key": store.secret_key}
    found = states(repository(store, dict(keys)).self_test(NOW))
    assert found[BucketCheck.CONDITIONAL] is CheckState.HELD
    assert found[BucketCheck.RANGE] is CheckState.HELD
    assert found[BucketCheck.VERSIONING] is CheckState.NOT_HELD
    assert CheckState.HELD not in {found[BucketCheck.DESTROY], found[BucketCheck.SHORTEN]}
