"""Locks of an archive's pieces, over a bucket with versions and object lock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyrage
from pydantic import PrivateAttr, SecretStr

from blocks.archives.names import stamp
from blocks.archives.s3_archive import S3Archive
from blocks.repositories.s3 import S3ObjectStore
from blocks.repositories.versions import VersionedObjects
from blocks.types import KeyRole, Position
from flows.tasks.archive_locks import renew_pieces
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_versions import MemoryVersions
from tests.unit.samples import recovery_set

DAY = timedelta(days=1)


class MemoryArchive(S3Archive):
    """An archive whose versions are those of the memory twin: moto tells no object's lock."""

    _block_type_name = "Memory archive"
    _block_type_slug = "memory-archive"

    _objects: MemoryObjects = PrivateAttr(default_factory=MemoryObjects)

    def versions(self) -> VersionedObjects:
        return MemoryVersions(self._objects, KeyRole.PRUNE)


def archive() -> MemoryArchive:
    return MemoryArchive(
        store=S3ObjectStore(bucket="archive", access_key="reads", secret_key=SecretStr("x")),
        agent_access_key="agent",
        agent_secret_key=SecretStr("secret"),
        identity_key=SecretStr(str(pyrage.x25519.Identity.generate())),
    )


def test_what_live_sets_need_is_locked_and_what_is_hidden_is_told() -> None:
    begun = datetime.now(UTC)
    made = replace(recovery_set(begun), position=Position("bin.1", 4, "0-1-1", begun, "a" * 16))
    keys = {
        each: f"web1/{stamp(begun + n * timedelta(seconds=15))}-log-bin.1-{'a' * 16}-{each}.zst.age"
        for n, each in enumerate(("0-50", "50-90", "0-90", "90-120"))
    }
    held = archive()
    for key in keys.values():
        held._objects.put(key, b"piece")
    seen = held.versions()
    found = renew_pieces("web1", held, (made,), "GOVERNANCE")
    assert (found.objects, len(found.lengthen)) == (2, 2)
    for name, days in (("0-90", 13), ("90-120", 13), ("0-50", 0)):
        (version,) = seen.versions(keys[name])
        lock = seen.lock(version.key, version.id)
        assert lock is not None
        assert (lock.until > begun + 2 * DAY) == bool(days), "what is covered falls out of its lock"
    assert not renew_pieces("web1", held, (made,), "GOVERNANCE").lengthen, "nothing is left to do"
    held._objects.remove(keys["90-120"])
    held._objects.put(keys["0-90"], b"written over")
    again = renew_pieces("web1", held, (made,), "GOVERNANCE")
    assert again.missing == (keys["90-120"],)
    assert again.overwritten == (keys["0-90"],)
