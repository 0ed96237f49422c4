"""Versions of what lies in a memory store, held to the contract suite of the real ones."""

from __future__ import annotations

import hashlib

from blocks.errors import NotFound, PermissionDenied
from blocks.repositories.versions import VersionedObjects
from blocks.types import KeyRole, Lock, ObjectVersion
from tests.fakes.memory_objects import MemoryObjects, MemoryVersion


class MemoryVersions(VersionedObjects):
    """All that was ever written to a memory store; only the pruning key lengthens locks."""

    def __init__(self, objects: MemoryObjects, role: KeyRole) -> None:
        self._objects = objects
        self._role = role

    def versions(self, prefix: str) -> tuple[ObjectVersion, ...]:
        return tuple(
            _seen(key, version, newest=version is past[-1])
            for key, past in sorted(self._objects.past.items())
            if key.startswith(prefix)
            for version in reversed(past)
        )

    def lock(self, key: str, version: str) -> Lock | None:
        return self._find(key, version).lock

    def lengthen(self, key: str, version: str, lock: Lock) -> None:
        found = self._find(key, version)
        shorter = found.lock is not None and lock.until < found.lock.until
        if self._role is not KeyRole.PRUNE or shorter:
            raise PermissionDenied(f"object {key}", "AccessDenied", "use the pruning key")
        found.lock = lock

    def read(self, key: str, version: str) -> bytes:
        content = self._find(key, version).content
        if content is None:
            raise NotFound(f"object {key}", "is a delete marker", "read another version")
        return content

    def put_back(self, key: str, version: str) -> None:
        self._objects.put(key, self.read(key, version))

    def hide(self, key: str) -> None:
        if self._role is KeyRole.SERVER and "/locks/" not in key:
            raise PermissionDenied(f"object {key}", "AccessDenied", "use another key")
        self._objects.remove(key)

    def _find(self, key: str, version: str) -> MemoryVersion:
        for each in self._objects.past.get(key, ()):
            if each.id == version:
                return each
        raise NotFound(f"object {key}", f"has no version {version}", "list its versions")


def _seen(key: str, version: MemoryVersion, *, newest: bool) -> ObjectVersion:
    content = version.content or b""
    etag = "" if version.content is None else f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    hidden = version.content is None
    return ObjectVersion(key, version.id, version.at, len(content), etag, hidden, newest)
