"""Servers that enforce generated policies: Ceph those of buckets, moto those of users.

With `CONTINUITY_LIVE=aws` (ovh, wasabi, backblaze, scaleway) also a real bucket; CONTRIBUTING.md
says which variables name it, and how the policies get there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from blocks.repositories.policies import (
    Action,
    ArchivePlace,
    KeyPurpose,
    RepositoryPlace,
    Right,
    rights,
)
from blocks.repositories.policy_documents import ceph_policy, iam_policy
from blocks.repositories.profiles import PROFILES, Profile
from blocks.repositories.s3 import S3ObjectStore
from blocks.types import BucketCheck
from deployments.lab import storage, storage_rules
from deployments.lab.config import Lab
from tests.fakes.loopback_s3 import moto_server

ROOT, COPIES = "test", "copies"
SERVER = "web1"
LAB_USERS = {purpose: user for user, purpose in storage_rules.PURPOSES.items()}
EVERYTHING, NOTHING = (
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": "*", "Resource": "*"}],
    }
    for effect in ("Allow", "Deny")
)
Granted = Mapping[KeyPurpose, Sequence[Right]]


@dataclass(frozen=True)
class Enforced:
    """A bucket with a repository, a copy of it and an archive, and a key for each purpose.

    Attributes:
        apply: Let the keys do this and no more.
    """

    store: S3ObjectStore
    state_bucket: str
    keys: Mapping[KeyPurpose, tuple[str, str]]
    apply: Callable[[Granted], None]

    @property
    def repository(self) -> RepositoryPlace:
        return RepositoryPlace(self.store.bucket, (SERVER,), ROOT, self.state_bucket)

    @property
    def archive(self) -> ArchivePlace:
        return ArchivePlace(self.store.bucket, (SERVER,), f"{ROOT}-archive")

    def granted(self, *more: RepositoryPlace) -> dict[KeyPurpose, list[Right]]:
        """Return what the generated policies let each key do."""
        places = (self.repository, self.archive, *more)
        return {each: [r for p in places for r in rights(each, p)] for each in KeyPurpose}

    def promises(self, check: BucketCheck) -> bool:
        """Return whether the provider is known to do this; if in doubt, yes."""
        known = PROFILES[self.store.profile] if self.store.profile else None
        return check is not BucketCheck.CONDITIONAL or known is None or known.conditional is True

    def hides(self) -> bool:
        """Return whether keys that may add may overwrite and hide all else too."""
        return bool(self.store.profile) and PROFILES[self.store.profile].server_key_hides

    def with_key(self, purpose: KeyPurpose, prefix: str = ROOT) -> S3ObjectStore:
        """Return a folder of the bucket, reached with this purpose's key."""
        key, secret = self.keys[purpose]
        at = self.store.model_copy(update={"prefix": prefix})
        return at.with_key(key, SecretStr(secret))

    def fields(self) -> dict[str, object]:
        """Return the other keys as fields of a repository's block."""
        named = {"server": KeyPurpose.SERVER, "prune": KeyPurpose.PRUNE}
        return {"state_bucket": self.state_bucket} | {
            f"{name}_{kind}_key": self.keys[purpose][number]
            for name, purpose in named.items()
            for number, kind in enumerate(("access", "secret"))
        }


def at_ceph(lab: Lab) -> Enforced:
    """Make two buckets that belong to none of the keys."""
    owner, bucket = storage.client(lab, storage_rules.OWNER), f"policies-{uuid4().hex[:6]}"
    buckets = (bucket, f"{bucket}-state")
    owner.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    owner.create_bucket(Bucket=buckets[1])
    owner.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=storage_rules.lock())
    owner.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [storage_rules.expiry()]}
    )

    def apply(granted: Granted) -> None:
        by_user = {LAB_USERS[purpose]: each for purpose, each in granted.items()}
        for each in buckets:
            owner.put_bucket_policy(Bucket=each, Policy=json.dumps(ceph_policy(each, by_user)))

    keys = {
        purpose: (lab.secret(f"s3-{user}-access-key"), lab.secret(f"s3-{user}-secret-key"))
        for purpose, user in LAB_USERS.items()
    }
    key, secret = keys[KeyPurpose.RESTORE]
    store = S3ObjectStore(
        endpoint=storage.endpoint(lab),
        bucket=bucket,
        prefix=ROOT,
        access_key=key,
        secret_key=SecretStr(secret),
    )
    return Enforced(store, buckets[1], keys, apply)


LIVE = tuple(
    each
    for each in os.environ.get("CONTINUITY_LIVE", "").split(",")
    if each in set(Profile) - {Profile.CEPH} and "CONTINUITY_LIVE_S3_BUCKET" in os.environ
)
"""The provider whose real bucket is tried, if one is named."""


@contextmanager
def at_live(provider: str) -> Iterator[Enforced]:
    """Take a real bucket and its keys from the environment; hide afterwards what was written."""

    def said(name: str, default: str | None = None) -> str:
        name = f"CONTINUITY_LIVE_S3_{name}"
        return os.environ[name] if default is None else os.environ.get(name, default)

    keys = {
        purpose: (said(f"{purpose.upper()}_ACCESS_KEY"), said(f"{purpose.upper()}_SECRET_KEY"))
        for purpose in KeyPurpose
    }
    key, secret = keys[KeyPurpose.RESTORE]
    store = S3ObjectStore(
        endpoint=said("ENDPOINT", ""),
        region=said("REGION"),
        bucket=said("BUCKET"),
        prefix=ROOT,
        profile=Profile(provider),
        path_style=PROFILES[Profile(provider)].path_style,
        access_key=key,
        secret_key=SecretStr(secret),
    )
    try:
        yield Enforced(store, said("STATE_BUCKET", store.bucket), keys, lambda granted: None)
    finally:
        for prefix in (ROOT, COPIES):
            there = store.model_copy(update={"prefix": prefix})
            for each in there.list(""):
                there.remove(each.key)


_OPEN = 5 + 2 * len(KeyPurpose)
"""How many calls moto takes from anybody, to make what `at_moto` makes."""


@contextmanager
def at_moto(folder: Path) -> Iterator[Enforced]:
    """Run moto with two buckets and a user for each purpose, none of whom may do anything yet."""
    with moto_server(folder, open_calls=_OPEN) as service:
        service.make_bucket("backups")
        service.make_bucket("state")
        anybody: Any = service.client("iam")
        administrator = _user(anybody, "administrator")
        _allow(anybody, "administrator", EVERYTHING)
        keys = {purpose: _user(anybody, purpose) for purpose in KeyPurpose}
        mine = {"key": administrator[0], "secret": SecretStr(administrator[1])}
        iam: Any = service.client("iam", **mine)

        def apply(granted: Granted) -> None:
            for purpose, each in granted.items():
                document = iam_policy([*each, *_head_bucket(each)]) if each else NOTHING
                _allow(iam, purpose, document)

        key, secret = keys[KeyPurpose.RESTORE]
        store = service.store("backups", prefix=ROOT, access_key=key, secret_key=secret)
        s3: Any = service.client("s3", **mine)
        s3.put_bucket_versioning(Bucket="backups", VersioningConfiguration={"Status": "Enabled"})
        yield Enforced(store, "state", keys, apply)


def _user(iam: Any, name: str) -> tuple[str, str]:
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def _allow(iam: Any, name: str, document: object) -> None:
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(document))


def _head_bucket(granted: Sequence[Right]) -> list[Right]:
    """Return what moto asks for besides: at AWS `HeadBucket` needs the right to list."""
    return [
        Right(each.bucket, ("HeadBucket",))  # type: ignore[arg-type]
        for each in granted
        if Action.LIST in each.actions
    ]
