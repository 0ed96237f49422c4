"""What a bucket keeps of each object, for how long, and what a self-test of it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class KeyRole(StrEnum):
    """Who a key of a repository was made for."""

    WORKER = "worker"
    SERVER = "server"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a store is, as a person types it by hand; no secret.

    Attributes:
        endpoint: URL without a slash at its end.
        access_key: Id of the key that reads.
        journal: Bucket and folder of the journal, where it is not that of the backups.
        path_style: Whether the bucket is named in the path, not in the host.
    """

    endpoint: str
    region: str
    bucket: str
    prefix: str
    access_key: str
    journal: str = ""
    path_style: bool = True

    @property
    def folder(self) -> str:
        """The bucket, with the folder in it if there is one."""
        return f"{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object in a versioned bucket.

    Attributes:
        hidden: It is a delete marker: as long as it is the newest, the object seems to be gone.
        newest: It is what a reader without a version id gets.
    """

    key: str
    id: str
    modified: datetime
    size: int = 0
    etag: str = ""
    hidden: bool = False
    newest: bool = True


@dataclass(frozen=True, slots=True)
class Lock:
    """Until when nobody may destroy a version. `mode` is GOVERNANCE or COMPLIANCE."""

    mode: str
    until: datetime


class CheckState(StrEnum):
    """What a check of a bucket's promise found."""

    HELD = "held"
    NOT_HELD = "not held"
    UNTESTED = "could not be tested"


class BucketCheck(StrEnum):
    """A promise that a bucket for backups is tested for."""

    VERSIONING = "versioning"
    DEFAULT_LOCK = "default-lock"
    OVERWRITE = "overwrite"
    """The server's key overwrites: the version before stays."""
    HIDE = "hide"
    """The server's key deletes by name: the version stays."""
    DESTROY = "destroy"
    """No key destroys a version."""
    SHORTEN = "shorten"
    """No key shortens a lock."""
    LENGTHEN = "lengthen"
    """The pruning key lengthens a lock, the server's does not."""
    LIFECYCLE = "lifecycle"
    """The server's key changes no rule by which versions expire."""
    CONDITIONAL = "conditional"
    """Conditional writes hold in the store for leases and journal."""
    RANGE = "range"
    MULTIPART = "multipart"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise, whether it held, and what was seen (a sentence)."""

    check: BucketCheck
    state: CheckState
    evidence: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a self-test of a repository's bucket found, and when.

    Attributes:
        place: The bucket, as `Repository.place` names it.
        lock_mode: GOVERNANCE or COMPLIANCE, "" for no default lock.
    """

    place: str
    at: datetime
    results: tuple[CheckResult, ...]
    lock_mode: str = ""
