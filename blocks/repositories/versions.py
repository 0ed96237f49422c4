"""What a versioned bucket with object lock can do, seen with one key."""

from __future__ import annotations

from abc import ABC, abstractmethod

from blocks.types import Lock, ObjectVersion


class VersionedObjects(ABC):
    """All versions of the objects in a bucket. Keys are relative to the store's prefix.

    Nothing here destroys a version. Errors are those of `ObjectStore`, and `Unsupported` where the
    store keeps no versions.
    """

    @abstractmethod
    def versions(self, prefix: str) -> tuple[ObjectVersion, ...]:
        """Return every version and every delete marker, by key, newest first; all pages."""

    @abstractmethod
    def lock(self, key: str, version: str) -> Lock | None:
        """Return a version's lock, None if it has none."""

    @abstractmethod
    def lengthen(self, key: str, version: str, lock: Lock) -> None:
        """Let a version's lock last until then. Raises `PermissionDenied` for a shorter one."""

    @abstractmethod
    def read(self, key: str, version: str) -> bytes:
        """Return the content of one version. Raises `NotFound`."""

    @abstractmethod
    def put_back(self, key: str, version: str) -> None:
        """Make an old version the newest again by a copy inside the store; idempotent in effect."""

    @abstractmethod
    def hide(self, key: str) -> None:
        """Put a delete marker over an object: it seems to be gone, its versions stay."""
