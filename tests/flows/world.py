"""A small estate in memory: one server with a shop and a static site, and all around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import sleep

import pytest
from prefect.blocks.core import Block

from blocks import registry
from blocks.records import StepRecord, StepState
from blocks.repositories.catalogue import Catalogue
from blocks.servers.protected import Heartbeats, ProtectedServer, Retention, Target
from blocks.sites.site import Freshness, Site, SmokePage
from blocks.types import Account, Machine
from flows.backup import backup
from flows.disaster_recovery import disaster_recovery
from flows.drill import drill
from flows.retention import retention
from flows.tasks.approval import Approval
from flows.tasks.incident import listeners
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_heartbeat import MemoryHeartbeat
from tests.fakes.memory_machine import MemoryFile, MemoryService, MemoryTable
from tests.fakes.memory_notifier import MemoryNotifier
from tests.fakes.memory_probe import MemoryProbe
from tests.fakes.memory_repository import MemoryRepository
from tests.fakes.memory_server import MemoryServer
from tests.fakes.memory_vps import MemoryVps
from tests.fakes.memory_zone import MemoryZone

OLD = "198.51.100.10"
INCIDENT = "inc-web1-test"
SHOP, BROCHURE = "boutique.atelier.test", "vitrine.atelier.test"
NEWEST = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUERY = "SELECT MAX(created_at) FROM orders"


class Killed(BaseException):
    """Stands for `kill -9`: no handler of ours may catch it."""


class World:
    """The blocks of one test, and what a test asks about them."""

    def __init__(self) -> None:
        self.server = MemoryServer(address=OLD)
        self.database = MemoryDatabase()
        self.repository = MemoryRepository()
        self.second = MemoryRepository(password="another")
        self.copies: list[str] = []
        self.zone = MemoryZone(zone="atelier.test")
        self.inner = MemoryZone(zone=SHOP)
        self.shop = _shop()
        self.provider = MemoryVps()
        self.reserve = MemoryVps()
        for provider in (self.provider, self.reserve):
            provider.when_made(lambda address: self.server.world.machines.pop(address, None))
        self.probe = MemoryProbe()
        self.notifier = MemoryNotifier()
        self.heartbeats = {job: MemoryHeartbeat() for job in ("backup", "verification")}
        self._furnish()

    def _furnish(self) -> None:
        machine = self.server.machine
        machine.packages = ["nginx", "mariadb-server", "cron"]
        machine.enabled = {"nginx", "mariadb", "cron", "links.timer"}
        machine.running = set(machine.enabled)
        machine.accounts = [Account("shop", 1001, 1001, "shop", "/srv/shop", "/bin/sh")]
        machine.files["/srv/shop/index.php"] = MemoryFile(b"<?php", owner="shop")
        machine.files["/srv/brochure/index.html"] = MemoryFile(b"<h1>")
        machine.files["/etc/systemd/system/links.timer"] = MemoryFile(b"[Timer]")
        machine.files["/etc/nginx/nginx.conf"] = MemoryFile(b"server {}")
        orders = MemoryTable(rows=["one", "two"])
        machine.database = MemoryService(schemas={"shop": {"orders": orders}})
        machine.database.newest[("shop", QUERY)] = NEWEST
        for name in (BROCHURE, "mail.atelier.test"):
            self.zone.put(name, "A", [OLD], ttl=1)
        self.inner.put(SHOP, "A", [OLD], ttl=1)
        self.probe.resolve_from(self.inner, self.zone)
        for number in range(1, 20):
            self.probe.serve(f"192.0.2.{number}", SHOP, BROCHURE)
        self.probe.serve(OLD, SHOP, BROCHURE)

    def blocks(self, **protection: object) -> dict[str, Block]:
        """Return this world's blocks by name; web1's protection may differ."""
        return {
            "memory-server/web1": self.server,
            "memory-database/web1": self.database,
            "memory-repository/main": self.repository,
            "memory-repository/second": self.second,
            "memory-zone/atelier": self.zone,
            "memory-zone/boutique": self.inner,
            "memory-vps/first": self.provider,
            "memory-vps/second": self.reserve,
            "memory-probe/probe": self.probe,
            "memory-notifier/team": self.notifier,
            "client-site/shop": self.shop,
            "client-site/brochure": _brochure(),
            "protected-server/web1": _protected(self.copies).model_copy(update=protection),
        }

    @contextmanager
    def provided(self, more: tuple[str, ...] = ()) -> Iterator[None]:
        """Let flows find this world's blocks by name, and more servers that share them."""
        registry.provide(
            self.blocks()
            | {f"memory-heartbeat/{job}": block for job, block in self.heartbeats.items()}
            | {f"protected-server/{name}": _protected([]) for name in more}
        )
        try:
            yield
        finally:
            registry.provide({})

    def back_up(self) -> str:
        """Take a set and return its name."""
        return backup(server="web1")[0]

    def back_up_later(self) -> str:
        """Take another set; its name needs another second."""
        sleep(1.1)
        return self.back_up()

    def retain(self, last: int = 1) -> list[str]:
        """Apply a retention rule that keeps the newest sets alone."""
        rule = Retention(last=last, daily=0, weekly=0, monthly=0)
        registry.provide(self.blocks(retention=rule))
        try:
            return retention("web1")
        finally:
            registry.provide(self.blocks())

    def lose(self) -> None:
        """Let the production server be gone."""
        self.server.machine.up = False
        self.probe.stop(OLD)

    def recover(self, **changes: object) -> dict[str, object]:
        """Run a recovery whose plan the policy approves."""
        parameters = {"incident": INCIDENT, "approval": Approval.AUTOMATIC} | changes
        return disaster_recovery("web1", **parameters)  # type: ignore[arg-type]

    def machines(self) -> tuple[Machine, ...]:
        """Return all machines at both providers."""
        return (*self.provider.find({}), *self.reserve.find({}))

    def shown_key(self, machine: Machine) -> str:
        """Return the host key that a machine shows now."""
        return self.server.world.machine(machine.address).host_key

    def address_of(self, name: str) -> tuple[str, ...]:
        """Return what the zones hold for a name."""
        held = (*self.zone.read(), *self.inner.read())
        return next(record.values for record in held if record.name == name)


@contextmanager
def killed_after(step: str) -> Iterator[None]:
    """End the run as a kill would, right after this step was recorded as done."""

    def listen(record: StepRecord) -> None:
        if record.step == step and record.state is StepState.DONE:
            raise Killed(step)

    listeners.append(listen)
    try:
        yield
    finally:
        listeners.remove(listen)


def kill_a_drill() -> None:
    """Leave a drill's machine behind: a kill leaves no time for the step that destroys it."""
    with pytest.MonkeyPatch.context() as dead, killed_after("accounts"):
        dead.setattr("flows.drill.destroy_machine", _killed)
        with pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
            drill("web1")


def _killed(_incident: object) -> None:
    raise Killed("before it could clean up")


def _shop() -> Site:
    return Site(
        title="La boutique",
        domains=[SHOP],
        roots=["/srv/shop"],
        databases=["shop"],
        priority=10,
        smoke=[SmokePage(url=f"https://{SHOP}/", needs_database=True)],
        freshness=Freshness(database="shop", query=QUERY),
    )


def _brochure() -> Site:
    return Site(
        title="La vitrine",
        domains=[BROCHURE],
        roots=["/srv/brochure"],
        priority=20,
        smoke=[SmokePage(url=f"https://{BROCHURE}/")],
    )


@contextmanager
def two_repositories() -> Iterator[World]:
    """Give a world whose server has a copy of every set in `second`."""
    made = World()
    made.copies.append("memory-repository/second")
    with made.provided():
        yield made


def set_ids(repository: MemoryRepository) -> list[str]:
    """Return the server's usable sets in one repository, oldest first."""
    return [each.id for each in Catalogue(repository).list("web1").sets]


def _protected(copies: list[str]) -> ProtectedServer:
    return ProtectedServer(
        server="memory-server/web1",
        database="memory-database/web1",
        repository="memory-repository/main",
        sites=["client-site/shop", "client-site/brochure"],
        zones=["memory-zone/atelier", "memory-zone/boutique"],
        targets=[Target(provider="memory-vps/first"), Target(provider="memory-vps/second")],
        probe="memory-probe/probe",
        notifiers=["memory-notifier/team"],
        configuration=["/etc"],
        allowed_in_drill=["198.51.100.3"],
        copies=copies,
        heartbeats=Heartbeats(
            backup="memory-heartbeat/backup", verification="memory-heartbeat/verification"
        ),
    )
