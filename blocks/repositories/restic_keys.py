"""What a restic repository is reached with: bucket, password, three keys, the pinned binary."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, SecretStr

from blocks.repositories import restic_command as words
from blocks.repositories.base import Repository
from blocks.repositories.restic_local import LocalRestic, pinned_binary
from blocks.repositories.restic_release import BINARY, SHA256
from blocks.repositories.s3 import S3ObjectStore, addresses_of
from blocks.repositories.s3_versions import S3Versions
from blocks.repositories.versions import VersionedObjects
from blocks.types import FailureDomain, KeyRole, RemoteCommand, StoreAddress

_NOTHING = "key-check/"
"""A folder that never holds anything."""


class ResticKeys(Repository):
    """Fields of a restic repository, and the commands that are made of them.

    Which key goes where: the worker's reads and adds, the servers' adds, the pruning one deletes.
    """

    store: S3ObjectStore = Field(
        title="Store", description="The bucket, with the worker's key: it may add and read all."
    )
    password: SecretStr = Field(
        title="Password", description="Encrypts everything; without it nothing can be restored."
    )
    server_access_key: str = Field(
        title="Server access key", description="Id of the key for the servers: may add, not delete."
    )
    server_secret_key: SecretStr = Field(
        title="Server secret key", description="Secret of the key for the servers."
    )
    prune_access_key: str = Field(
        default="",
        title="Prune access key",
        description="Id of the key that may delete; empty for the worker's own.",
    )
    prune_secret_key: SecretStr = Field(
        default=SecretStr(""),
        title="Prune secret key",
        description="Secret of the key that may delete.",
    )
    restic_binary: str = Field(
        default=BINARY,
        title="Restic binary",
        description="Path of the pinned binary on the worker; it is copied to servers.",
    )
    restic_sha256: str = Field(
        default=SHA256, title="Restic SHA-256", description="Checksum of the pinned binary."
    )
    cache_directory: str = Field(
        default="/var/cache/omniweb-continuity/restic",
        title="Cache directory",
        description="Where the worker keeps restic's cache of indexes; may be deleted any time.",
    )
    read_concurrency: int = Field(
        default=2, ge=1, le=32, title="Read concurrency", description="Files read at once."
    )
    upload_limit_kib: int = Field(
        default=0, ge=0, title="Upload limit", description="KiB a second for backups; 0 for none."
    )
    deadline_hours: float = Field(
        default=6, gt=0, title="Deadline", description="Hours that one backup or restore may take."
    )
    state_bucket: str = Field(
        default="",
        title="State bucket",
        description="Bucket for journal and leases, where conditional writes hold; empty if they "
        "hold in the bucket of the backups.",
    )
    lock_days: int = Field(
        default=14,
        ge=5,
        le=400,
        title="Lock days",
        description="How many days ahead everything that a kept set needs is locked in the bucket.",
    )
    _state: S3ObjectStore | None = PrivateAttr(default=None)

    def place(self) -> str:
        return self.store.place()

    def address(self) -> StoreAddress:
        found = self.store.address()
        journal = replace(found, bucket=self.state_bucket or found.bucket).folder
        return replace(found, journal=journal)

    def lock_time(self) -> timedelta:
        return timedelta(days=self.lock_days)

    def store_of(self, role: KeyRole) -> S3ObjectStore:
        """Return the bucket, reached with the key that was made for this role."""
        if role is KeyRole.SERVER:
            return self.store.with_key(self.server_access_key, self.server_secret_key)
        if role is KeyRole.PRUNE:
            return self.store.with_key(self.prune_access_key, self.prune_secret_key)
        return self.store

    def versions(self, role: KeyRole) -> VersionedObjects:
        return S3Versions(self.store_of(role))

    def check_key(self, role: KeyRole) -> str:
        store = self.store_of(role)
        store.list(_NOTHING)
        if role is KeyRole.WORKER:
            self.state().list(_NOTHING)
        return store.access_key

    def _state_store(self) -> S3ObjectStore:
        """Return the bucket for journal and leases, reached with the worker's key; always one."""
        if self._state is None:
            self._state = self.store.model_copy(update={"bucket": self.state_bucket})
        return self._state

    def remote_restic(
        self, name: str, what: tuple[str, ...], secrets: dict[str, str] | None = None
    ) -> RemoteCommand:
        """Return a restic command for a server, with the servers' key."""
        ca_file = self.server_ca() if self.store.ca_file else ""
        argv = (words.SERVER_BINARY, *self._options(name, ca_file))
        argv += ("--cache-dir", words.SERVER_CACHE, *what)
        ours = self._secrets(self.server_access_key, self.server_secret_key)
        return RemoteCommand(argv, {**(secrets or {}), **ours})

    def remote_read(self, name: str, what: tuple[str, ...]) -> RemoteCommand:
        """Return a restic command for a server that ends soon after the store is gone."""
        command = self.remote_restic(name, what)
        return RemoteCommand(words.watched(command.argv, *self.service()), command.secrets)

    def server_ca(self) -> str:
        """Return where the authority of the store's certificate lies on servers."""
        return words.server_ca(self.store.ca_file)

    def local_restic(self, name: str, *, prune: bool = False) -> LocalRestic:
        """Return the worker's restic, with the worker's key or the pruning one."""
        key = (self.store.access_key, self.store.secret_key)
        if prune and self.prune_access_key:
            key = (self.prune_access_key, self.prune_secret_key)
        return LocalRestic(
            binary=pinned_binary(self.restic_binary, self.restic_sha256),
            words=self._options(name, self.store.ca_file),
            secrets=self._secrets(*key),
            cache=Path(self.cache_directory),
            repository=words.folder(name),
            subject=f"repository {name}",
        )

    def _options(self, name: str, ca_file: str) -> tuple[str, ...]:
        place = self.store.path(words.folder(name))
        url = f"s3:{self.endpoint()}/{self.store.bucket}/{place}"
        return words.options(
            url, self.store.region, path_style=self.store.path_style, ca_file=ca_file
        )

    def endpoint(self) -> str:
        """Return the URL of the S3 service."""
        return self.store.service()

    def service(self) -> tuple[str, int]:
        """Return host and port of the S3 service."""
        parts = urlsplit(self.endpoint())
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    def failure_domain(self) -> FailureDomain:
        return self.domain.value(key=self.server_access_key)

    def addresses(self) -> tuple[str, ...]:
        return addresses_of(self.service()[0])

    def _secrets(self, access_key: str, secret_key: SecretStr) -> dict[str, str]:
        password = self.password.get_secret_value()
        return dict(words.environment(password, access_key, secret_key.get_secret_value()))
