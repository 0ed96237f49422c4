"""How one server in memory takes over from another; a part of `MemoryServer`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta

from blocks.errors import CommandFailed, VerificationFailed
from blocks.servers.base import Server
from blocks.types import SshAddress
from tests.fakes.memory_machine import MemoryMachine


class MemoryTakeover(Server, ABC):
    """The contract's part about two servers."""

    host_key: str

    @abstractmethod
    def reach(self, method: str, about: str = "") -> MemoryMachine:
        """Return the machine as a call over the network would."""

    def ssh_address(self) -> SshAddress:
        return SshAddress(self.address, 22, "root", self.host_key)

    def join(self, source: Server, port: int, local: int) -> None:
        _there(source).reach("join", self.address)
        self.reach("join", source.address).joined = source.address

    def part(self, source: Server) -> None:
        self.reach("part", source.address).joined = ""

    def pull(self, source: Server, paths: Sequence[str], *, timeout: timedelta) -> int:
        changed = self._different(source, paths)
        here, there = self.reach("pull", source.address), _there(source).reach("give")
        for path in changed:
            here.files.pop(path, None)
            if path in there.files:
                here.files[path] = there.files[path]
        return len(changed)

    def differences(
        self, source: Server, paths: Sequence[str], *, contents: bool, timeout: timedelta
    ) -> tuple[str, ...]:
        return tuple(f">f {path}" for path in self._different(source, paths))

    def _different(self, source: Server, paths: Sequence[str]) -> list[str]:
        here, there = self.reach("differences"), _there(source).reach("give")
        if here.joined != source.address:
            raise CommandFailed(f"server {self.address}", "no way to the source", "join first")
        below = [path for path in {**here.files, **there.files} if _is_below(path, paths)]
        return sorted(path for path in below if here.files.get(path) != there.files.get(path))

    def begin_maintenance(
        self, services: Sequence[str], page: str, *, reopen_after: timedelta
    ) -> None:
        here = self.reach("begin_maintenance", ",".join(services))
        here.kept_closed = False
        if here.closed is None:
            here.closed = here.running & set(services)
            here.undo = []
        here.running -= here.closed

    def add_undo(self, statement: str) -> None:
        here = self.reach("add_undo", statement)
        here.undo = [*dict.fromkeys([*here.undo, statement])]

    def end_maintenance(self) -> None:
        here = self.reach("end_maintenance")
        if here.closed is None:
            return
        if here.kept_closed:
            raise CommandFailed(f"server {self.address}", "another machine took over", "leave it")
        here.running |= here.closed
        here.closed = None
        if here.undo and here.database:
            here.database.read_only = False

    def keep_closed(self) -> None:
        here = self.reach("keep_closed")
        if here.closed is None:
            raise VerificationFailed(f"server {self.address}", "is open", "run it again")
        here.kept_closed = True

    def lead_on(self, address: str) -> None:
        self.reach("lead_on", address).leads_to = address


def _there(source: Server) -> MemoryTakeover:
    if not isinstance(source, MemoryTakeover):
        raise TypeError("memory servers join memory servers")
    return source


def _is_below(path: str, roots: Sequence[str]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)
