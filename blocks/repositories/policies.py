"""What each key must be let do in a bucket, from the calls that this program and restic make. Pure.

Only what is allowed is said, with the folders named: some providers know no exceptions (Scaleway),
others match one `*` in the middle of a name badly (Ceph). `blocks.repositories.policy_documents`
writes it down as each provider wants it; `tests/contract/test_policies.py` takes every right away
in turn and sees what fails then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SELF_TEST = "self-test"
"""Folder below a place's prefix in which the bucket's self-test tries everything."""


class KeyPurpose(StrEnum):
    """What a key is for."""

    SERVER = "server"
    """On every protected server during a backup, a copy or a restore."""
    ARCHIVE = "archive"
    """With the archive's agent, on the server's disk."""
    RESTORE = "restore"
    """On the machine that leads: sets, journal, leases, reading, and `repository rewind`."""
    PRUNE = "prune"
    """Of the retention flow alone."""


class Action(StrEnum):
    """What S3 lets be granted, by its name at AWS without `s3:`; only what is needed somewhere."""

    LIST = "ListBucket"
    """List objects; also see whether the bucket is there (restic does before `init`)."""
    LIST_VERSIONS = "ListBucketVersions"
    VERSIONING = "GetBucketVersioning"
    LIFECYCLE = "GetLifecycleConfiguration"
    GET = "GetObject"
    GET_VERSION = "GetObjectVersion"
    PUT = "PutObject"
    """Also in parts, and as the target of a copy."""
    HIDE = "DeleteObject"
    """Delete by name; in a versioned bucket the versions stay."""
    SEE_LOCK = "GetObjectRetention"
    LENGTHEN = "PutObjectRetention"
    """Without the right to bypass, a lock can only be made longer."""


@dataclass(frozen=True, slots=True)
class RepositoryPlace:
    """Where a repository of backups lies.

    Attributes:
        prefix: Folder in the bucket, without slashes around it; "" for the whole bucket.
        servers: Names of the servers whose backups are there.
        state_bucket: Bucket for journal and leases if it is another one.
    """

    bucket: str
    servers: tuple[str, ...]
    prefix: str = ""
    state_bucket: str = ""


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    """Where an archive lies. Attributes as of `RepositoryPlace`."""

    bucket: str
    servers: tuple[str, ...]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Right:
    """Actions on the objects of a bucket, or on the bucket itself.

    Attributes:
        objects: Patterns of full keys, `*` only at their end; empty for the bucket itself.
    """

    bucket: str
    actions: tuple[Action, ...]
    objects: tuple[str, ...] = ()


def rights(purpose: KeyPurpose, place: RepositoryPlace | ArchivePlace) -> tuple[Right, ...]:
    """Return what a key must be let do at a place; nothing if it has no business there."""
    of = _IN_ARCHIVE if isinstance(place, ArchivePlace) else _IN_REPOSITORY
    found = [
        Right(place.bucket, actions, tuple(_below(place, name) for name in names))
        for actions, folders in of.get(purpose, ())
        for names in (_names(place, folders),)
        # A right below no folder at all would be one on the bucket itself.
        if names or not folders
    ]
    if purpose is KeyPurpose.RESTORE and isinstance(place, RepositoryPlace) and place.state_bucket:
        everything = (_below(place, "*"),)
        found += [
            Right(place.state_bucket, (Action.LIST,)),
            Right(place.state_bucket, (Action.GET, Action.PUT, Action.HIDE), everything),
        ]
    return tuple(found)


_Folders = tuple[str, ...]
"""Patterns below the place's prefix; `SERVER` stands for each server's name; () is the bucket."""
_TEST = f"{SELF_TEST}/*"

_IN_REPOSITORY: dict[KeyPurpose, tuple[tuple[tuple[Action, ...], _Folders], ...]] = {
    KeyPurpose.SERVER: (
        ((Action.LIST,), ()),
        ((Action.GET, Action.PUT), ("SERVER/restic/*", _TEST)),
        ((Action.HIDE,), ("SERVER/restic/locks/*",)),
    ),
    KeyPurpose.RESTORE: (
        ((Action.LIST, Action.LIST_VERSIONS, Action.VERSIONING, Action.LIFECYCLE), ()),
        # Writing and hiding everywhere: `repository rewind` puts back what a thief wrote over.
        ((Action.GET, Action.GET_VERSION, Action.PUT, Action.HIDE), ("*",)),
        ((Action.SEE_LOCK,), (_TEST,)),
    ),
    KeyPurpose.PRUNE: (
        ((Action.LIST, Action.LIST_VERSIONS), ()),
        ((Action.GET, Action.PUT, Action.HIDE), ("SERVER/restic/*",)),
        ((Action.SEE_LOCK,), ("SERVER/*",)),
        ((Action.LENGTHEN,), ("SERVER/*", _TEST)),
    ),
}
_IN_ARCHIVE: dict[KeyPurpose, tuple[tuple[tuple[Action, ...], _Folders], ...]] = {
    KeyPurpose.ARCHIVE: (((Action.PUT,), ("SERVER/*", _TEST)),),
    KeyPurpose.RESTORE: (
        ((Action.LIST, Action.VERSIONING, Action.LIST_VERSIONS, Action.LIFECYCLE), ()),
        ((Action.GET,), ("SERVER/*",)),
        ((Action.GET_VERSION, Action.SEE_LOCK), (_TEST,)),
    ),
    KeyPurpose.PRUNE: (
        ((Action.LIST_VERSIONS,), ()),
        ((Action.SEE_LOCK,), ("SERVER/*",)),
        ((Action.LENGTHEN,), ("SERVER/*", _TEST)),
    ),
}


def _names(place: RepositoryPlace | ArchivePlace, folders: _Folders) -> tuple[str, ...]:
    return tuple(
        folder.replace("SERVER", server, 1)
        for folder in folders
        for server in (place.servers if folder.startswith("SERVER") else ("",))
    )


def _below(place: RepositoryPlace | ArchivePlace, name: str) -> str:
    return f"{place.prefix}/{name}" if place.prefix else name
