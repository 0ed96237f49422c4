"""The system operations of a Debian server, on top of running commands and writing files."""

from __future__ import annotations

import shlex
from abc import ABC
from collections.abc import Mapping, Sequence
from datetime import timedelta

from blocks.errors import NotFound
from blocks.servers import (
    addresses,
    configuration,
    digests,
    facts,
    host_key_change,
    link,
    maintenance,
    packages,
    services,
)
from blocks.servers.accounts import Books, plan_accounts
from blocks.servers.base import Server
from blocks.types import Account, FileDigest, Overlay, ServerFacts

MARKERS = "/var/lib/continuity/markers"
_SHORT = timedelta(seconds=60)
_LONG = timedelta(minutes=10)


class DebianServer(Server, ABC):
    """What every Debian server does in the same way, however it is reached."""

    def stage_host_key(self) -> str:
        return host_key_change.stage(self)

    def install_host_key(self, public: str) -> None:
        host_key_change.install(self, public)

    def facts(self) -> ServerFacts:
        said = self.run(("bash", "-c", facts.SCRIPT, "read-facts"), timeout=_SHORT).stdout.decode()
        return facts.parse_facts("server", said)

    def release(self) -> str:
        return facts.parse_release("server", self.get("/etc/os-release").decode())

    def digests(self, paths: Sequence[str]) -> Mapping[str, FileDigest]:
        if not paths:
            return {}
        words = ("bash", "-c", digests.SCRIPT, "read-digests")
        said = self.run(words, stdin=digests.request(paths), timeout=_LONG).stdout.decode()
        return digests.parse_digests("server", paths, said)

    def add_accounts(self, accounts: Sequence[Account]) -> tuple[str, ...]:
        here = Books(self.get("/etc/passwd").decode(), self.get("/etc/group").decode())
        plan = plan_accounts("the server", accounts, here)
        script = "\n".join(shlex.join(command) for command in plan.commands)
        if script:
            self.run(("sh", "-e", "-c", script), timeout=_SHORT)
        return plan.created

    def offered_packages(self) -> frozenset[str]:
        return packages.offered(self)

    def install_packages(self, names: Sequence[str], *, timeout: timedelta) -> tuple[str, ...]:
        return packages.install(self, names, timeout)

    def apply_configuration(self, staging: str, overlay: Overlay | None = None) -> tuple[str, ...]:
        return configuration.apply(self, staging, overlay)

    def start_services(self, names: Sequence[str]) -> tuple[str, ...]:
        return services.start(self, names)

    def fence(self) -> None:
        services.fence(self)

    def unfence(self) -> None:
        services.unfence(self)

    def isolate(self, allowed: Sequence[str]) -> None:
        services.isolate(self, allowed)

    def take_address(self, address: str) -> None:
        addresses.take(self, address)

    def drop_address(self, address: str) -> None:
        addresses.drop(self, address)

    def join(self, source: Server, port: int, local: int) -> None:
        link.join(self, source, port, local)

    def part(self, source: Server) -> None:
        link.part(self, source)

    def pull(self, source: Server, paths: Sequence[str], *, timeout: timedelta) -> int:
        return len(link.pull(self, source, paths, (), timeout))

    def differences(
        self, source: Server, paths: Sequence[str], *, contents: bool, timeout: timedelta
    ) -> tuple[str, ...]:
        words = ("--dry-run", *(("--checksum",) if contents else ()))
        return link.pull(self, source, paths, words, timeout)

    def begin_maintenance(
        self, services: Sequence[str], page: str, *, reopen_after: timedelta
    ) -> None:
        maintenance.begin(self, services, page, reopen_after)

    def add_undo(self, statement: str) -> None:
        maintenance.add_undo(self, statement)

    def end_maintenance(self) -> None:
        maintenance.end(self)

    def keep_closed(self) -> None:
        maintenance.keep(self)

    def lead_on(self, address: str) -> None:
        maintenance.lead_on(self, address)

    def read_marker(self, name: str) -> str:
        try:
            return self.get(f"{MARKERS}/{name}").decode()
        except NotFound:
            return ""

    def write_marker(self, name: str, text: str) -> None:
        self.put(f"{MARKERS}/{name}", text.encode())
