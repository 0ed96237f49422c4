"""A continuous archive in an S3 bucket: encrypted with age, shipped by an agent on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyrage
import zstandard
from pydantic import Field, SecretStr

from blocks.archives import delivery, names
from blocks.archives.agent import Destination
from blocks.archives.base import Archive
from blocks.errors import (
    CommandFailed,
    ConfigurationError,
    DamagedData,
    PermissionDenied,
    Unavailable,
)
from blocks.repositories.s3 import S3ObjectStore, addresses_of
from blocks.repositories.s3_self_test import self_test
from blocks.repositories.s3_versions import S3Versions
from blocks.repositories.versions import VersionedObjects
from blocks.servers.base import Server
from blocks.types import (
    ArchiveListing,
    BucketCheck,
    FailureDomain,
    KeyRole,
    LogPiece,
    RemoteCommand,
    SelfTest,
    StoreAddress,
)

_LINKS = timedelta(hours=6)
_UNPACKED = 1024 * 1024
_CHECKS = frozenset(BucketCheck) - {
    BucketCheck.RANGE,
    BucketCheck.MULTIPART,
    BucketCheck.CONDITIONAL,
}
"""What keeps pieces from a thief; the agent reads nothing and uploads each in one call."""
_NOTHING = "key-check/"
"""A folder in which nothing is."""
_CA_FILE = "/run/continuity-archive-ca.pem"


class S3Archive(Archive):
    """A folder in a bucket, one below it for each server.

    Two keys: the agent's, on the servers, may add and nothing else; the store's reads. Objects are
    encrypted to the public half of an age identity: what a server ships it cannot read again.

    Example:
        ```python
        from blocks.archives.s3_archive import S3Archive

        archive = S3Archive.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "S3 archive"
    _block_type_slug = "s3-archive"
    _description = "Binary logs and changed files, in a bucket seconds after they were written."

    store: S3ObjectStore = Field(
        title="Store", description="The bucket and the folder in it, with a key that reads."
    )
    agent_access_key: str = Field(
        title="Agent access key", description="Id of the key on the servers: may add, only."
    )
    agent_secret_key: SecretStr = Field(
        title="Agent secret key", description="Secret of the key on the servers."
    )
    identity_key: SecretStr = Field(
        title="Identity",
        description="AGE-SECRET-KEY-1... as `age-keygen` makes it; nothing is read without it.",
    )

    prune_access_key: str = Field(
        default="",
        title="Retention access key",
        description="Id of the key that may list versions and lengthen locks; may be empty.",
    )
    prune_secret_key: SecretStr = Field(
        default=SecretStr(""),
        title="Retention secret key",
        description="Secret of the key that may lengthen locks.",
    )

    # Contracts (and docstrings) of the public methods are the base class's.

    def place(self) -> str:
        return self.store.place()

    def address(self) -> StoreAddress:
        return self.store.address()

    def retains(self) -> bool:
        return bool(self.prune_access_key)

    def store_of(self, role: KeyRole) -> S3ObjectStore:
        """Return the bucket, reached with the key that was made for this role."""
        if role is KeyRole.SERVER:
            return self.store.with_key(self.agent_access_key, self.agent_secret_key)
        if role is KeyRole.PRUNE:
            return self.store.with_key(self.prune_access_key, self.prune_secret_key)
        return self.store

    def versions(self) -> VersionedObjects:
        return S3Versions(self.store_of(KeyRole.PRUNE))

    def check_key(self, role: KeyRole) -> str:
        store = self.store_of(role)
        if role is KeyRole.PRUNE:
            self.versions().versions(_NOTHING)
            return store.access_key
        try:
            store.list(_NOTHING)
        except PermissionDenied:
            # A key that S3 does not know, or a wrong secret, has codes of its own.
            if role is not KeyRole.SERVER:
                raise
        return store.access_key

    def self_test(self, at: datetime) -> SelfTest:
        return self_test(self, at, checks=_CHECKS)

    def failure_domain(self) -> FailureDomain:
        return self.domain.value(self.agent_access_key)

    def destination(self, name: str) -> Destination:
        return Destination(
            url=f"{self.store.url()}/{self.store.path(name)}/",
            region=self.store.region,
            access_key=self.agent_access_key,
            secret_key=self.agent_secret_key.get_secret_value(),
            recipient=str(self._identity().to_public()),
            authority=Path(self.store.ca_file).read_bytes() if self.store.ca_file else b"",
        )

    def addresses(self) -> tuple[str, ...]:
        return addresses_of(urlsplit(self.store.url()).hostname or "")

    # --- the bucket ---

    def listing(self, name: str, since: datetime | None = None) -> ArchiveListing:
        after = f"{name}/{names.stamp(since)}" if since else ""
        return names.listing(self.store.list(f"{name}/", after))

    def read(self, piece: LogPiece) -> Iterator[bytes]:
        identity = self._identity()
        try:
            plain = pyrage.decrypt(self.store.get(piece.key), [identity])
            with zstandard.ZstdDecompressor().stream_reader(plain) as reader:
                while content := reader.read(_UNPACKED):
                    yield content
        except (pyrage.DecryptError, zstandard.ZstdError) as error:
            raise self._damaged(piece.key, str(error)) from error

    def fetch(self, server: Server, keys: Sequence[str], folder: str, timeout: timedelta) -> None:
        links = delivery.downloads(self.store.links(keys, _LINKS))
        words: tuple[str, ...] = ()
        if self.store.ca_file:
            server.put(_CA_FILE, Path(self.store.ca_file).read_bytes(), mode=0o644)
            words = ("--cacert", _CA_FILE)
        command = ("bash", "-c", delivery.FETCH, "fetch", folder, *words)
        job = "-".join(folder.split("/")[-2:])
        try:
            server.run(command, timeout=timeout, stdin=links, job=f"fetch-{job}")
        except CommandFailed as error:
            raise Unavailable(
                f"archive in bucket {self.store.bucket}",
                f"the server cannot fetch from it: {error.stderr or error.cause}",
                "continuity archive status",
            ) from error
        self._decrypt(server, keys, folder, timeout)

    def _decrypt(
        self, server: Server, keys: Sequence[str], folder: str, timeout: timedelta
    ) -> None:
        secrets = {"IDENTITY": self.identity_key.get_secret_value().strip()}
        words = ("bash", "-c", delivery.DECRYPT, "decrypt", folder, str(len(keys)))
        try:
            server.run(RemoteCommand(words, secrets), timeout=timeout)
        except CommandFailed as error:
            _, found, number = error.stderr.rpartition(delivery.DAMAGED)
            if not found:
                raise
            raise self._damaged(keys[int(number.split()[0]) - 1], "age refuses it") from error

    def _identity(self) -> pyrage.x25519.Identity:
        text = self.identity_key.get_secret_value().strip()
        try:
            return pyrage.x25519.Identity.from_str(text)
        except pyrage.IdentityError as error:
            raise ConfigurationError(
                "identity of the archive",
                "is not an age identity",
                "make one with: age-keygen | grep SECRET; keep it with the other secrets",
            ) from error

    def _damaged(self, key: str, why: str) -> DamagedData:
        return DamagedData(
            key,
            f"is not what the agent wrote, or for another identity ({why})",
            "compare `identity_key` with the one that the archive began with",
        )
