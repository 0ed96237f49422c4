"""A continuous archive in an S3 bucket: encrypted with age, shipped by an agent on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
import zstandard
from pydantic import Field, SecretStr

from blocks.archives import agent, delivery, names
from blocks.archives.base import Archive
from blocks.errors import ConfigurationError, DamagedData
from blocks.repositories.s3 import S3ObjectStore
from blocks.servers.base import Server
from blocks.types import (
    AgentState,
    ArchiveListing,
    FilePiece,
    LogPiece,
    LogSource,
    LogSpan,
    RemoteCommand,
    ShippedSite,
)

_SHORT = timedelta(seconds=60)
_INSTALL = timedelta(minutes=10)
_LINKS = timedelta(hours=6)
_UNPACKED = 1024 * 1024
# Lines: whether the service runs; the newest complete pass; then what went wrong in the last one.
_STATE = f"""
systemctl is-active {agent.SERVICE}
cat {agent.WORK}/passed 2>/dev/null || echo
cat {agent.WORK}/error 2>/dev/null
exit 0
"""


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
    interval_seconds: int = Field(
        default=15, ge=5, le=30, title="Interval", description="Seconds from one pass to the next."
    )

    # Contracts (and docstrings) of the public methods are the base class's.

    # --- the agent ---

    def start(
        self, server: Server, name: str, logs: LogSource | None, sites: Sequence[ShippedSite]
    ) -> bool:
        interval = timedelta(seconds=self.interval_seconds)
        wanted = {
            agent.PROGRAM: (agent.program(), 0o755),
            agent.UNIT_FILE: (agent.UNIT.encode(), 0o644),
            agent.SETTINGS: (
                agent.settings(self._destination(name), logs, sites, interval).encode(),
                0o600,
            ),
        }
        if self.store.ca_file:
            wanted[agent.CA_FILE] = (Path(self.store.ca_file).read_bytes(), 0o644)
        server.install_packages(agent.PACKAGES, timeout=_INSTALL)
        stale = [path for path, (content, _) in wanted.items() if _held(server, path) != content]
        for path in stale:
            server.put(path, wanted[path][0], mode=wanted[path][1])
        verb = "restart" if stale else "start"
        script = f"systemctl daemon-reload; systemctl enable --quiet {agent.SERVICE}"
        script += f" && systemctl {verb} {agent.SERVICE}"
        server.run(("sh", "-c", script), timeout=_SHORT)
        return bool(stale)

    def stop(self, server: Server) -> None:
        script = (
            f"systemctl disable --now --quiet {agent.SERVICE} 2>/dev/null; rm -f {agent.SETTINGS}"
        )
        server.run(("sh", "-c", script), timeout=_SHORT)

    def state(self, server: Server) -> AgentState:
        said = server.run(("sh", "-c", _STATE), timeout=_SHORT).stdout.decode(errors="replace")
        active, passed, *errors = said.splitlines()
        return AgentState(
            running=active == "active",
            passed_at=names.moment(passed) if passed else None,
            error="; ".join(errors),
        )

    def identity(self, server: Server, index: str, log: str) -> str:
        path = str(Path(index).parent / log)
        said = server.run((agent.PROGRAM, "identity", path), timeout=_SHORT)
        return said.stdout.decode().strip()

    def ship_again(self, server: Server, since: datetime) -> None:
        server.put(agent.RESCAN, f"{names.stamp(since)}\n".encode())

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
            raise DamagedData(
                piece.key,
                f"is not what the agent wrote, or for another identity ({error})",
                "compare `identity_key` with the one that the archive began with",
            ) from error

    # --- giving back ---

    def deliver_logs(
        self, server: Server, spans: Sequence[LogSpan], folder: str, *, timeout: timedelta
    ) -> tuple[str, ...]:
        pieces, plan, lengths = delivery.log_plan(spans)
        objects = self._fetch(server, "logs", [piece.key for piece in pieces], timeout)
        words = (delivery.LOGS, "unpack", objects, folder)
        self._unpack(server, words, plan, timeout, LENGTHS=lengths)
        return tuple(f"{folder}/{name}" for name in delivery.log_names(spans))

    def deliver_files(
        self,
        server: Server,
        pieces: Sequence[FilePiece],
        *,
        removals_after: datetime,
        timeout: timedelta,
    ) -> int:
        if not pieces:
            return 0
        keys = [piece.key for piece in pieces]
        objects = self._fetch(server, f"files-{pieces[0].site}", keys, timeout)
        plan = delivery.file_plan(pieces, [piece.at > removals_after for piece in pieces])
        return int(self._unpack(server, (delivery.FILES, "unpack", objects), plan, timeout))

    def _fetch(self, server: Server, name: str, keys: Sequence[str], timeout: timedelta) -> str:
        """Download the objects side by side; return the folder they are in."""
        folder = f"{delivery.FOLDER}/{name}-objects"
        links = delivery.downloads(self.store.links(keys, _LINKS))
        words: tuple[str, ...] = ()
        if self.store.ca_file:
            server.put(agent.CA_FILE, Path(self.store.ca_file).read_bytes(), mode=0o644)
            words = ("--cacert", agent.CA_FILE)
        command = ("bash", "-c", delivery.FETCH, "fetch", folder, *words)
        server.run(command, timeout=timeout, stdin=links, job=f"fetch-{name}")
        return folder

    def _unpack(
        self,
        server: Server,
        words: Sequence[str],
        plan: str,
        timeout: timedelta,
        **values: str,
    ) -> str:
        secrets = {"IDENTITY": self.identity_key.get_secret_value().strip(), **values}
        command = RemoteCommand(("bash", "-c", *words), secrets)
        job = f"unpack-{words[2].rpartition('/')[2]}"
        said = server.run(command, timeout=timeout, stdin=plan.encode(), job=job)
        return said.stdout.decode().strip()

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

    def _destination(self, name: str) -> agent.Destination:
        return agent.Destination(
            url=f"{self.store.url()}/{self.store.path(name)}/",
            region=self.store.region,
            access_key=self.agent_access_key,
            secret_key=self.agent_secret_key.get_secret_value(),
            recipient=str(self._identity().to_public()),
            has_ca_file=bool(self.store.ca_file),
        )


def _held(server: Server, path: str) -> bytes | None:
    said = server.run(("cat", path), timeout=_SHORT, accept=(0, 1))
    return None if said.status else said.stdout
