"""Versions and locks of the objects in an S3 bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from blocks.repositories.s3 import S3ObjectStore
from blocks.repositories.versions import VersionedObjects
from blocks.types import Lock, ObjectVersion

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import ObjectLockRetentionModeType
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

_NO_LOCK = {
    "NoSuchObjectLockConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "InvalidRequest",
}
"""How stores say that a version has no lock, or its bucket none at all."""


class S3Versions(VersionedObjects):
    """The versions in a store's bucket, with the store's key."""

    def __init__(self, store: S3ObjectStore) -> None:
        self._store = store

    def versions(self, prefix: str) -> tuple[ObjectVersion, ...]:
        store = self._store
        with store.border(f"{prefix}*") as client:
            pages = client.get_paginator("list_object_versions").paginate(
                Bucket=store.bucket, Prefix=store.path(prefix)
            )
            found = [
                self._version(cast("dict[str, object]", item), hidden=hidden)
                for page in pages
                for hidden, items in (
                    (False, page.get("Versions", [])),
                    (True, page.get("DeleteMarkers", [])),
                )
                for item in items
            ]
        # The sort is stable: of equal times the newest stays first.
        found.sort(key=lambda each: (each.newest, each.modified), reverse=True)
        return tuple(sorted(found, key=lambda each: each.key))

    def lock(self, key: str, version: str) -> Lock | None:
        store = self._store
        with store.border(key) as client:
            try:
                answer = client.get_object_retention(
                    Bucket=store.bucket, Key=store.path(key), VersionId=version
                )
            except ClientError as error:
                if error.response["Error"].get("Code") in _NO_LOCK:
                    return None
                raise
        kept = answer["Retention"]
        return Lock(kept["Mode"], kept["RetainUntilDate"]) if kept.get("RetainUntilDate") else None

    def lengthen(self, key: str, version: str, lock: Lock) -> None:
        store = self._store
        mode = cast("ObjectLockRetentionModeType", lock.mode)
        with store.border(key) as client:
            client.put_object_retention(
                Bucket=store.bucket,
                Key=store.path(key),
                VersionId=version,
                Retention={"Mode": mode, "RetainUntilDate": lock.until},
            )

    def read(self, key: str, version: str) -> bytes:
        store = self._store
        with store.border(key) as client:
            answer = client.get_object(Bucket=store.bucket, Key=store.path(key), VersionId=version)
            return answer["Body"].read()

    def put_back(self, key: str, version: str) -> None:
        store = self._store
        path = store.path(key)
        source: CopySourceTypeDef = {"Bucket": store.bucket, "Key": path, "VersionId": version}
        with store.border(key) as client:
            client.copy_object(Bucket=store.bucket, Key=path, CopySource=source)

    def hide(self, key: str) -> None:
        self._store.remove(key)

    def _version(self, item: dict[str, object], *, hidden: bool) -> ObjectVersion:
        start = len(self._store.path(""))
        return ObjectVersion(
            key=str(item["Key"])[start:],
            id=str(item["VersionId"]),
            modified=item["LastModified"],  # type: ignore[arg-type]
            size=int(str(item.get("Size", 0))),
            etag=str(item.get("ETag", "")),
            hidden=hidden,
            newest=bool(item["IsLatest"]),
        )
