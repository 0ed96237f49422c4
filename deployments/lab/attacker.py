"""What an intruder on a protected server tries with the key that he finds there.

Every attempt is real. He knows the bucket, lists it, and stops at nothing. He has no other key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from blocks.errors import PermissionDenied
from blocks.repositories.s3 import S3ObjectStore
from blocks.repositories.s3_versions import S3Versions
from blocks.types import ObjectVersion

_JUNK = b"your files are encrypted"
_BYPASS = {"BypassGovernanceRetention": True}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One kind of attack: how many calls, and how many of them the store let through."""

    name: str
    calls: int
    let_through: int


class Attacker:
    """An intruder with one server's key, who goes for everything below a folder of the bucket."""

    def __init__(self, store: S3ObjectStore, state_bucket: str, folder: str) -> None:
        self._store, self._state, self._folder = store, state_bucket, folder
        with store.border(folder) as client:
            self._s3: Any = client
        self._bucket = {"Bucket": store.bucket}
        self._found = self._look(folder)

    def _look(self, folder: str) -> tuple[ObjectVersion, ...]:
        """Find versions; without the right to list them, the id that each object is read with."""
        with suppress(PermissionDenied):
            return S3Versions(self._store).versions(folder)
        found = []
        for each in self._store.list(folder):
            try:
                head = self._s3.head_object(**self._where(each.key))
            except ClientError:
                continue  # he may see its name, not read it
            found.append(ObjectVersion(each.key, head["VersionId"], each.modified, each.size))
        return tuple(found)

    def attack(self) -> tuple[Attempt, ...]:
        """Try everything; destruction first, so that overwriting does not hide what it did."""
        attempts = {
            "delete by name": self._delete_by_name(),
            "delete many at once": self._delete_many(),
            "destroy versions": self._destroy(),
            "shorten locks": self._shorten(),
            "open to the world": self._expose(),
            "rules of the bucket": self._rules(),
            "leases and journal": self._state_store(),
            "overwrite": self._overwrite(),
            "add false index, snapshot, key, lock": self._add(),
        }
        return tuple(self._tried(name, calls) for name, calls in attempts.items())

    def _tried(self, name: str, calls: Iterator[Callable[[], object]]) -> Attempt:
        done = [_let_through(call) for call in calls]
        return Attempt(name, len(done), sum(done))

    def _visible(self) -> list[ObjectVersion]:
        return [each for each in self._found if each.newest and not each.hidden]

    def _where(self, key: str) -> dict[str, Any]:
        return {**self._bucket, "Key": self._store.path(key)}

    def _delete_by_name(self) -> Iterator[Callable[[], object]]:
        for each in self._visible():
            where = self._where(each.key)
            yield partial(self._s3.delete_object, **where)

    def _delete_many(self) -> Iterator[Callable[[], object]]:
        named = [{"Key": self._store.path(each.key)} for each in self._visible()]
        exact = [{"Key": self._store.path(v.key), "VersionId": v.id} for v in self._found]
        for objects in (named, exact):
            for start in range(0, len(objects), 1000):
                some = {"Objects": objects[start : start + 1000], "Quiet": False}
                yield partial(self._delete_some, some)

    def _delete_some(self, some: dict[str, Any]) -> None:
        """Take an answer that names a refusal for every object as one refusal."""
        if not self._s3.delete_objects(**self._bucket, Delete=some).get("Deleted"):
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObjects")

    def _destroy(self) -> Iterator[Callable[[], object]]:
        for each in self._found:
            for more in ({}, _BYPASS):
                where = {**self._where(each.key), "VersionId": each.id, **more}
                yield partial(self._s3.delete_object, **where)

    def _shorten(self) -> Iterator[Callable[[], object]]:
        soon = datetime.now(UTC) + timedelta(minutes=5)
        for each in self._found:
            where = {**self._where(each.key), "VersionId": each.id}
            for mode in ("GOVERNANCE", "COMPLIANCE"):
                lock = {"Mode": mode, "RetainUntilDate": soon}
                yield partial(self._s3.put_object_retention, **where, Retention=lock, **_BYPASS)
            free = {"Status": "OFF"}
            yield partial(self._s3.put_object_legal_hold, **where, LegalHold=free)

    def _expose(self) -> Iterator[Callable[[], object]]:
        for each in self._visible():
            where = self._where(each.key)
            yield partial(self._s3.put_object_acl, **where, ACL="public-read-write")

    def _rules(self) -> Iterator[Callable[[], object]]:
        expire = {
            "ID": "gone",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": 1},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        }
        s3, bucket = self._s3, self._bucket
        suspended = {"Status": "Suspended"}
        none = {"ObjectLockEnabled": "Enabled"}
        yield lambda: s3.put_bucket_lifecycle_configuration(
            **bucket, LifecycleConfiguration={"Rules": [expire]}
        )
        yield lambda: s3.delete_bucket_lifecycle(**bucket)
        yield lambda: s3.put_bucket_versioning(**bucket, VersioningConfiguration=suspended)
        yield lambda: s3.put_object_lock_configuration(**bucket, ObjectLockConfiguration=none)
        yield lambda: s3.put_bucket_policy(**bucket, Policy='{"Version": "2012-10-17"}')
        yield lambda: s3.delete_bucket_policy(**bucket)
        yield lambda: s3.put_bucket_acl(**bucket, ACL="public-read-write")
        yield lambda: s3.delete_bucket(**bucket)

    def _state_store(self) -> Iterator[Callable[[], object]]:
        s3, state = self._s3, {"Bucket": self._state}
        yield lambda: s3.list_objects_v2(**state)
        yield lambda: s3.put_object(**state, Key="leases/web1.json", Body=_JUNK)
        yield lambda: s3.delete_object(**state, Key="leases/web1.json")
        yield lambda: s3.delete_bucket(**state)

    def _overwrite(self) -> Iterator[Callable[[], object]]:
        for each in self._visible():
            where = self._where(each.key)
            yield partial(self._s3.put_object, **where, Body=_JUNK)

    def _add(self) -> Iterator[Callable[[], object]]:
        for name in ("index", "snapshots", "keys", "locks"):
            where = self._where(f"{self._folder}restic/{name}/{'ab' * 32}")
            yield partial(self._s3.put_object, **where, Body=_JUNK)


def _let_through(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError:
        return False
    return True
