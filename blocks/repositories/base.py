"""Where backups live: an object store, and the snapshots in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from prefect.blocks.core import Block
from pydantic import Field

from blocks.domain import DeclaredDomain
from blocks.errors import CommandFailed, ContinuityError
from blocks.repositories.versions import VersionedObjects
from blocks.servers.base import Server
from blocks.types import (
    FailureDomain,
    KeyRole,
    Label,
    ReadBack,
    RemoteCommand,
    RestoreSummary,
    SelfTest,
    SliceRead,
    Snapshot,
    StoreAddress,
    StoredFile,
    StoredObject,
)


class ObjectStore(Block, ABC):
    """A place in a bucket for small objects. Keys are relative to the block's prefix.

    Errors: `Unreachable`, `AuthenticationFailed`, `PermissionDenied`, `NotFound` (bucket or
    object), `Unavailable` (503), `DeadlineExceeded`. Reads after writes see what was written.
    """

    @abstractmethod
    def get(self, key: str) -> bytes:
        """Return an object's content. Raises `NotFound`."""

    @abstractmethod
    def stream(self, key: str) -> Iterator[bytes]:
        """Yield an object's content in pieces of at most 1 MiB."""

    @abstractmethod
    def put(self, key: str, content: bytes) -> str:
        """Write an object, replacing it; return its etag."""

    def has_conditions(self) -> bool:
        """Return whether the store itself keeps two conditional writers apart, as far as known.

        Where it cannot, `put_if_absent` and `put_if_match` look first and then write: enough for a
        name that is used once, not for a lease.
        """
        return True

    @abstractmethod
    def put_if_absent(self, key: str, content: bytes) -> str:
        """Write a new object; return its etag. Raises `AlreadyExists`; atomic between writers."""

    @abstractmethod
    def put_if_match(self, key: str, content: bytes, etag: str) -> str:
        """Replace an object only if its etag is still this one; return the new etag.

        Raises `AlreadyExists` if somebody else wrote or removed it in between.
        """

    @abstractmethod
    def etag(self, key: str) -> str:
        """Return the object's etag. Raises `NotFound`."""

    @abstractmethod
    def list(self, prefix: str, after: str = "") -> tuple[StoredObject, ...]:
        """Return all objects whose key starts with the prefix, sorted by key, all pages.

        With `after`, only keys that sort behind it.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove an object (in a versioned bucket: hide it). Idempotent."""


class Repository(Block, ABC):
    """Encrypted snapshots of servers, one restic repository a server.

    Data flows between the server and the store; only what is small passes through here. Besides
    the errors of `ObjectStore` and `Server`, a read raises `DamagedData` when what lies in the
    bucket is not what was put there; its `subject` is the damaged object's key in `objects()`.
    """

    domain: DeclaredDomain = Field(
        default_factory=DeclaredDomain,
        title="Failure domain",
        description="Provider, site and account of this repository.",
    )

    @abstractmethod
    def address(self) -> StoreAddress:
        """Return where it lies, for a person who has to type it by hand."""

    @abstractmethod
    def failure_domain(self) -> FailureDomain:
        """Return the declared domain with the id of the key that servers write with."""

    @abstractmethod
    def objects(self) -> ObjectStore:
        """Return the store for this repository's manifests and data."""

    @abstractmethod
    def state(self) -> ObjectStore:
        """Return the store for journal and leases: conditional writes must hold there."""

    @abstractmethod
    def seal_key(self) -> bytes:
        """Return the key that seals manifests, derived from the repository's password."""

    # --- backup ---

    @abstractmethod
    def prepare(self, server: Server, name: str) -> None:
        """Make sure that the engine of the pinned version is on the server. Idempotent."""

    @abstractmethod
    def initialise(self, name: str) -> None:
        """Make sure that the server's repository exists and opens with our password. Idempotent.

        Raises `ConfigurationError` if conditional writes do not hold in `state()`.
        """

    @abstractmethod
    def save_paths(
        self, server: Server, paths: Sequence[str], exclude: Sequence[str], label: Label
    ) -> Snapshot:
        """Take a snapshot of directories and files. Unchanged data is not sent again.

        A file that cannot be read is an error, and so is a path that does not exist: no snapshot
        then counts. A file that vanishes while the walk goes on is left out.
        """

    @abstractmethod
    def save_stream(
        self, server: Server, command: RemoteCommand, filename: str, label: Label
    ) -> Snapshot:
        """Run the command on the server and keep its standard output as one file.

        If the command fails there is no snapshot. `filename` is flat, without a slash.
        """

    @abstractmethod
    def read_back(self, name: str, since: datetime) -> ReadBack:
        """Read every object written for this server since then, and compare content with name.

        Also checks that every object any snapshot needs is present. Raises `DamagedData`.
        """

    @abstractmethod
    def forget(self, name: str, keep: Collection[str]) -> tuple[str, ...]:
        """Remove all snapshots but these, and data that none needs; return the removed ids.

        Refuses with `UnsafePlan` a `keep` that is empty or names no snapshot that is there.
        """

    # --- the copy ---

    @abstractmethod
    def copy_from(
        self, source: Repository, server: Server, name: str, snapshots: Collection[str]
    ) -> None:
        """Copy these snapshots of another repository into this one; the server carries the data.

        The server must be prepared for this repository. Makes the repository if it is missing.
        Labels, trees, sizes and times stay; ids differ. What is here already is skipped, so a copy
        that was cut goes on with the first snapshot that is not complete. An id that the source
        lacks is left out: look at `snapshots` afterwards.
        Raises `ConfigurationError` if the source is of another kind.
        """

    # --- what nobody may destroy ---

    @abstractmethod
    def place(self) -> str:
        """Name the bucket and the folder in it; the same for the same place."""

    @abstractmethod
    def lock_time(self) -> timedelta:
        """Return how long ahead everything that a kept set needs shall be locked."""

    @abstractmethod
    def versions(self, role: KeyRole) -> VersionedObjects:
        """Return all versions of what lies in `objects()`, with the key made for this role."""

    @abstractmethod
    def needed(self, name: str) -> tuple[str, ...]:
        """Return the keys of the data that the index names, whether or not it is there; sorted."""

    @abstractmethod
    def check_key(self, role: KeyRole) -> str:
        """Log in to the store with the key made for this role, and list nothing; return its id.

        Changes nothing. What the key may do besides is for `self_test` to find out.
        """

    @abstractmethod
    def self_test(self, at: datetime) -> SelfTest:
        """Try on a throw-away object what each key may do; hide it again afterwards.

        A promise that is broken is a result, not an error. Nothing of anybody else is touched.
        """

    # --- restore ---

    @abstractmethod
    def addresses(self) -> tuple[str, ...]:
        """Return the store's IPv4 addresses: all that an isolated machine needs for a restore.

        Raises `Unreachable` if its name cannot be resolved.
        """

    @abstractmethod
    def snapshots(self, name: str) -> tuple[Snapshot, ...]:
        """Return all snapshots of a server, oldest first; empty if it has no repository."""

    @abstractmethod
    def restore_paths(
        self, server: Server, name: str, snapshot: str, target: str = "/"
    ) -> RestoreSummary:
        """Write a snapshot's files under `target` with owners, modes, times, links; verify them.

        Files that are already there and equal are skipped, so an interrupted restore goes on.
        """

    @abstractmethod
    def read_stream(self, name: str, snapshot: str, filename: str) -> RemoteCommand:
        """Return the command that writes a stream to standard output on a prepared server.

        It fails when the content is damaged or the store is gone; `fault_behind` then tells.
        """

    @abstractmethod
    def fault_behind(self, name: str, failed: CommandFailed) -> ContinuityError | None:
        """Return what at the repository's side made a command of `read_stream` fail.

        `DamagedData` names the object; `Unreachable`, `Unavailable`, `NotFound`, a refused key and
        the like speak of the store. None if the failure has another cause.
        """

    @abstractmethod
    def snapshots_using(self, name: str, damaged: str) -> tuple[str, ...]:
        """Return the ids of the snapshots that need a damaged object.

        `damaged` is the subject of `DamagedData`.
        """

    # --- verification ---

    @abstractmethod
    def read_slice(self, name: str, number: int, of: int) -> SliceRead:
        """Read every data object of one slice (1 to `of`) whole and compare it with its name.

        An object's slice follows from its name (see `SliceRead`), so it never changes: the slices 1
        to `of` together read each object once, whatever is added or removed in between. Also finds
        objects that are missing in any slice. Damage is returned, not raised.
        """

    @abstractmethod
    def files(self, name: str, snapshot: str) -> tuple[StoredFile, ...]:
        """Return the regular files of a snapshot; not for snapshots of streams."""

    @abstractmethod
    def content(self, name: str, snapshot: str, path: str) -> bytes:
        """Return one small file's content, read through here. Raises `NotFound`."""
