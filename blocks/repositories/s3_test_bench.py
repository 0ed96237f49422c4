"""What the bucket's self-test works with: an object of our own, and the bucket seen by each key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from blocks.errors import ContinuityError, PermissionDenied
from blocks.repositories.base import ObjectStore
from blocks.repositories.s3 import S3ObjectStore
from blocks.repositories.s3_versions import S3Versions
from blocks.types import CheckState, KeyRole, Lock

CONTENT = b"omniweb-continuity self-test"
_REFUSED = {400, 403, 404, 405, 409}
Found = tuple[CheckState, str]
"""Whether it holds, and the evidence in French: operators read it."""


class Tested(Protocol):
    """What the test needs of a repository or an archive."""

    def place(self) -> str: ...
    def store_of(self, role: KeyRole) -> S3ObjectStore: ...


@dataclass
class Bench:
    """One test: the bucket seen with each key, and the object that everything is tried on."""

    tested: Tested
    state: ObjectStore | None
    at: datetime
    key: str
    version: str = ""
    locked: Lock | None = None
    written: set[str] = field(default_factory=set)

    def store(self, role: KeyRole) -> S3ObjectStore:
        """Return the bucket, reached with the key of this role."""
        return self.tested.store_of(role)

    def client(self, role: KeyRole) -> Any:  # noqa: ANN401 - its calls get dictionaries
        """Return the client of that key, for what stores do not offer."""
        with self.store(role).border(self.key) as client:
            return client

    @property
    def where(self) -> dict[str, str]:
        """Name the object, for calls of the client."""
        return {"Bucket": self.store(KeyRole.WORKER).bucket, "Key": self.path(self.key)}

    @property
    def bucket(self) -> dict[str, str]:
        """Name the bucket, for calls of the client."""
        return {"Bucket": self.store(KeyRole.WORKER).bucket}

    def path(self, key: str) -> str:
        """Return the full key in the bucket."""
        return self.store(KeyRole.WORKER).path(key)


def still_there(bench: Bench, text: str) -> Found:
    """Look whether the first version is still what was written."""
    try:
        content = S3Versions(bench.store(KeyRole.WORKER)).read(bench.key, bench.version)
    except ContinuityError as error:
        return CheckState.NOT_HELD, f"{text} ; la version a disparu ({error.cause})"
    return held(content == CONTENT, f"{text} ; la version est toujours là")


def worked(attempt: Callable[[], object]) -> bool:
    """Return whether an attempt was let through; False if it was refused.

    Raises:
        ClientError: The store could not answer, so nothing is known.
    """
    try:
        attempt()
    except PermissionDenied:
        return False
    except ClientError as error:
        if int(error.response["ResponseMetadata"]["HTTPStatusCode"]) not in _REFUSED:
            raise
        return False
    return True


def held(true: bool, evidence: str) -> Found:
    """Return what was found, by whether it is as it should be."""
    return (CheckState.HELD if true else CheckState.NOT_HELD), evidence
