"""A server whose machine is only written down; held to the same suite as the real one."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from pydantic import Field, PrivateAttr

from blocks.errors import (
    AlreadyExists,
    CommandFailed,
    ConfigurationError,
    ContinuityError,
    DeadlineExceeded,
    HostKeyMismatch,
    NotFound,
    Unreachable,
)
from blocks.servers.configuration import LEFT_ALONE
from blocks.servers.host_key import new_host_key
from blocks.servers.packages import OF_THE_MACHINE
from blocks.servers.services import ordered
from blocks.servers.wrapping import as_command
from blocks.types import (
    Account,
    CommandResult,
    FileDigest,
    Overlay,
    RemoteCommand,
    ServerFacts,
)
from tests.fakes.memory_machine import (
    MARIADB,
    MemoryFile,
    MemoryMachine,
    MemoryService,
    MemoryWorld,
)
from tests.fakes.memory_takeover import MemoryTakeover

MARKERS = "/var/lib/continuity/markers/"
TWINS: list[Callable[[MemoryMachine, tuple[str, ...]], bytes | None]] = []
"""Twins of other capabilities whose commands work on every machine, such as the database's."""

_PORTS = {22: "", 80: "nginx", 443: "nginx", 3306: "mariadb"}


_UNITS = "/etc/systemd/system/"
_INJECTED = re.compile(r"/var/lib/cloud/instances/[^/]+/(user-data\.txt(\.i)?|cloud-config\.txt)")


class MemoryServer(MemoryTakeover):
    """Keep one machine in memory. `machine` is what a test looks at and changes.

    Servers made with `at` share the `world`, so that a new machine keeps what is put on it.

    Example:
        ```python
        from tests.fakes.memory_server import MemoryServer

        server = MemoryServer.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Memory server"
    _block_type_slug = "memory-server"
    _description = "A server that is only written down, for tests."

    host_key: str = Field(
        default="ssh-ed25519 AAAAmemory", title="Host key", description="Pinned host key."
    )

    _world: MemoryWorld = PrivateAttr(default_factory=MemoryWorld)

    @property
    def world(self) -> MemoryWorld:
        """All machines that this server's relatives know."""
        return self._world

    @property
    def machine(self) -> MemoryMachine:
        """The machine at this server's address."""
        return self._world.machine(self.address)

    @property
    def files(self) -> dict[str, MemoryFile]:
        """The machine's files by path; where a `MemoryRepository` reads and writes."""
        return self.machine.files

    @property
    def readers(self) -> list[Callable[[tuple[str, ...]], bytes | None]]:
        """The machine's readers of commands; where a `MemoryRepository` adds its own."""
        return self.machine.readers

    def fail_next(self, method: str, error: ContinuityError) -> None:
        """Make the next call of the method raise, before it does anything."""
        self.machine.failures[method] = error

    def output(self, command: RemoteCommand) -> bytes:
        """Return what a command writes to its standard output here."""
        if command.argv in self.machine.streams:
            return self.machine.streams[command.argv]
        for reader in self.machine.readers:
            if (content := reader(command.argv)) is not None:
                return content
        for twin in TWINS:
            if (content := twin(self.machine, command.argv)) is not None:
                return content
        raise CommandFailed(
            f"server {self.address}",
            f"`{' '.join(command.argv)}` is not known in memory",
            "give its output in `machine.streams`, or a reader in `machine.readers`",
            status=127,
        )

    def reach(self, method: str, about: str = "") -> MemoryMachine:
        """Return the machine as a call over the network would: it may be down or fail."""
        machine = self.machine
        if not machine.up:
            raise Unreachable(f"server {self.address}", "is down", "power it on")
        if machine.host_key != self.host_key:
            raise HostKeyMismatch(f"server {self.address}", "shows another key", "find out why")
        machine.calls.append((method, about))
        if method in machine.failures:
            raise machine.failures.pop(method)
        return machine

    def at(self, address: str, host_key: str) -> MemoryServer:
        there = MemoryServer(address=address, host_key=host_key)
        there._world = self._world
        if address not in self._world.machines:
            self._world.machine(address).host_key = host_key
        return there

    def authorized_key(self) -> str:
        return "ssh-ed25519 AAAAoperator"

    # --- commands and files ---

    def run(
        self,
        command: RemoteCommand | Sequence[str],
        *,
        timeout: timedelta,
        stdin: bytes = b"",
        job: str = "",
        accept: Iterable[int] = (0,),
    ) -> CommandResult:
        wanted = as_command(command)
        self.reach("run", wanted.argv[0])
        return CommandResult(0, b"" if wanted.argv == ("true",) else self.output(wanted), "")

    def pipe(
        self, source: RemoteCommand, sink: RemoteCommand, *, timeout: timedelta, job: str = ""
    ) -> CommandResult:
        self.reach("pipe", source.argv[0])
        return CommandResult(0, self.output(source), "")

    def stop_jobs(self, prefix: str = "") -> tuple[str, ...]:
        jobs = self.reach("stop_jobs", prefix).jobs
        stopped = tuple(sorted(job for job in jobs if job.startswith(prefix)))
        jobs.difference_update(stopped)
        return tuple(f"continuity-{job}.service" for job in stopped)

    def put(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        self.reach("put", path).files[path] = MemoryFile(content, mode)

    def put_file(self, local: Path, path: str, *, mode: int = 0o755) -> None:
        self.reach("put_file", path).files[path] = MemoryFile(local.read_bytes(), mode)

    def get(self, path: str) -> bytes:
        found = self.reach("get", path).files.get(path)
        if found is None:
            raise NotFound(f"file {path} on server {self.address}", "does not exist", "ls -l")
        return found.content

    def digests(self, paths: Sequence[str]) -> Mapping[str, FileDigest]:
        files = self.reach("digests", str(len(paths))).files
        return {
            path: FileDigest(hashlib.sha256(files[path].content).hexdigest(), files[path].changed)
            for path in paths
            if path in files and not files[path].link
        }

    # --- network ---

    @contextmanager
    def tunnel(self, port: int) -> Iterator[tuple[str, int]]:
        self.reach("tunnel", str(port))
        if not self.answers(port, timeout=timedelta(seconds=1)):
            raise Unreachable(f"server {self.address}", f"nothing on port {port}", "start it")
        yield "127.0.0.1", port

    def answers(self, port: int, *, timeout: timedelta) -> bool:
        service = _PORTS.get(port)
        here = self.machine
        return here.up and service is not None and (not service or service in here.running)

    def wait_ready(self, *, timeout: timedelta) -> None:
        try:
            self.reach("wait_ready")
        except Unreachable as down:
            raise DeadlineExceeded(down.subject, down.cause, down.hint) from down

    # --- its host key ---

    def stage_host_key(self) -> str:
        here = self.reach("stage_host_key")
        here.staged_host_key = here.staged_host_key or new_host_key().public
        return here.staged_host_key

    def install_host_key(self, public: str) -> None:
        here = self.reach("install_host_key", public)
        if public == here.staged_host_key:
            here.host_key, here.staged_host_key = public, ""
        if public != here.host_key:
            cause = "is neither staged nor in place there"
            raise NotFound(f"host key {public} of server {self.address}", cause, "make it anew")
        for path in [each for each in here.files if _INJECTED.fullmatch(each)]:
            del here.files[path]

    # --- the system ---

    def facts(self) -> ServerFacts:
        here = self.reach("facts")
        return ServerFacts(
            hostname=f"host-{self.address}",
            distribution="debian",
            release=here.release,
            cores=2,
            memory=4 * 1024**3,
            disk_size=here.disk_size,
            disk_free=here.disk_free,
            packages=tuple(sorted(here.packages)),
            accounts=tuple(sorted(here.accounts, key=lambda account: account.uid)),
            services=tuple(sorted(name for name in here.enabled if not _is_timer(name))),
            clock=here.clock().astimezone(UTC),
            untouched=tuple(sorted(here.untouched)),
            timers=tuple(sorted(name for name in here.enabled if _is_timer(name))),
        )

    def release(self) -> str:
        return self.reach("release").release

    def add_accounts(self, accounts: Sequence[Account]) -> tuple[str, ...]:
        here = self.reach("add_accounts", str(len(accounts)))
        names = {account.name for account in here.accounts}
        numbers = {account.uid for account in here.accounts}
        missing = [account for account in accounts if account.name not in names]
        for account in missing:
            if account.uid in numbers and account.uid >= 1000:
                raise AlreadyExists(
                    f"user {account.name}", f"{account.uid} is taken", "use a fresh machine"
                )
            here.accounts.append(account)
        return tuple(account.name for account in missing)

    def offered_packages(self) -> frozenset[str]:
        here = self.reach("offered_packages")
        return frozenset({*here.packages, *(here.known_packages or ())})

    def install_packages(self, names: Sequence[str], *, timeout: timedelta) -> tuple[str, ...]:
        here = self.reach("install_packages", str(len(names)))
        wanted = sorted({name for name in names if not OF_THE_MACHINE.fullmatch(name)})
        missing = [name for name in wanted if name not in here.packages]
        unknown = [name for name in missing if name not in (here.known_packages or missing)]
        if unknown:
            raise NotFound(f"packages {', '.join(unknown)}", "not in the mirror", "add a source")
        here.packages += missing
        here.enabled |= {name for name in map(_service_of, missing) if name}
        if "mariadb-server" in missing and here.database is None:
            here.database = MemoryService(version=MARIADB[here.release], passwords={})
        return tuple(missing)

    def apply_configuration(self, staging: str, overlay: Overlay | None = None) -> tuple[str, ...]:
        here = self.reach("apply_configuration", staging)
        root = staging.rstrip("/")
        over = overlay or Overlay((), ())
        staged = {
            _renamed(p.removeprefix(root), over): f
            for p, f in here.files.items()
            if p.startswith(root + "/")
        }
        if not staged:
            raise NotFound(f"staging directory {staging}", "does not exist", "restore it first")
        own = [*(pattern for group in LEFT_ALONE.values() for pattern in group), *over.kept]
        changed = [p for p, f in staged.items() if not _fits(p, own) and here.files.get(p) != f]
        here.files |= {path: staged[path] for path in changed}
        return tuple(sorted(changed))

    def start_services(self, names: Sequence[str]) -> tuple[str, ...]:
        here = self.reach("start_services", ",".join(ordered(names)))
        known = {_service_of(package) for package in here.packages} | here.enabled
        known |= {path.removeprefix(_UNITS) for path in here.files if path.startswith(_UNITS)}
        existing = [name for name in ordered(names) if name in known]
        if here.fenced and existing:
            raise CommandFailed(f"service {existing[0]}", "is masked", "systemctl unmask", 3)
        here.enabled |= set(existing)
        here.running |= set(existing)
        return tuple(existing)

    def fence(self) -> None:
        here = self.reach("fence")
        here.fenced = True
        here.running.clear()

    def unfence(self) -> None:
        here = self.reach("unfence")
        here.fenced = False
        here.running |= here.enabled

    def isolate(self, allowed: Sequence[str]) -> None:
        self.reach("isolate", ",".join(allowed)).isolated = tuple(sorted(allowed))

    def take_address(self, address: str) -> None:
        self.reach("take_address", address).taken.add(_ipv4(address))

    def drop_address(self, address: str) -> None:
        self.reach("drop_address", address).taken.discard(_ipv4(address))

    # --- markers ---

    def read_marker(self, name: str) -> str:
        found = self.reach("read_marker", name).files.get(MARKERS + name)
        return found.content.decode() if found else ""

    def write_marker(self, name: str, text: str) -> None:
        marker = MemoryFile(text.encode(), 0o600)
        self.reach("write_marker", name).files[MARKERS + name] = marker


def _service_of(package: str) -> str:
    """Return the service that a package brings, "" for none."""
    name = package.removesuffix("-server")
    serving = name in ("nginx", "mariadb", "cron") or name.endswith("-fpm")
    return name if serving else ""


def _ipv4(address: str) -> str:
    try:
        return str(IPv4Address(address))
    except ValueError as wrong:
        raise ConfigurationError(f"address {address}", str(wrong), "write an IPv4 one") from wrong


def _renamed(path: str, overlay: Overlay) -> str:
    for old, new in overlay.renamed:
        if path.startswith(f"{old}/"):
            return new + path.removeprefix(old)
    return path


def _fits(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(path, p) or fnmatch.fnmatch(path, f"{p}/*") for p in patterns)


def _is_timer(name: str) -> bool:
    return name.endswith(".timer")
