"""How the monitors elsewhere are broken; see `readiness_cases`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from blocks.errors import Unavailable
from blocks.types import MonitorCondition
from tests.fakes.memory_monitor import MemoryMonitor
from tests.flows.readiness_cases import REFUSED, broken
from tests.flows.readiness_client_cases import CASES
from tests.flows.ready_world import protected
from tests.flows.world import BROCHURE, OLD, SHOP, World

__all__ = ["CASES"]
ALL = ("surveillance", "surveillance shop", "surveillance brochure")
GREEN = dict.fromkeys(ALL, "ready")


@contextmanager
def watched(world: World, *, asked: bool = True) -> Iterator[MemoryMonitor]:
    """Let a monitor elsewhere be declared that looks at both sites."""
    made = MemoryMonitor(secret=SecretStr("x" * 40), token=SecretStr("token") if asked else None)
    made.watch(SHOP)
    made.watch(BROCHURE)
    declared = ["memory-monitor/robot"]
    with protected(world, {declared[0]: made}, monitors=declared):
        yield made


@broken(GREEN)
@contextmanager
def both_sites_are_watched(world: World) -> Iterator[None]:
    with watched(world):
        yield


@broken({})
@contextmanager
def the_monitor_has_no_token(world: World) -> Iterator[None]:
    with watched(world, asked=False):
        yield


@broken(GREEN | {"surveillance shop": "warning"})
@contextmanager
def a_site_is_watched_by_nobody(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.forget(SHOP)
        yield


@broken(GREEN | {"surveillance shop": "warning"})
@contextmanager
def a_site_is_watched_by_ping_alone(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.watch(SHOP, page=False)
        yield


@broken(GREEN | {"surveillance brochure": "warning"})
@contextmanager
def a_monitor_is_paused(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.watch(BROCHURE, MonitorCondition.PAUSED)
        yield


@broken(GREEN | {"surveillance shop": "warning"})
@contextmanager
def a_monitor_sees_a_site_down(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.watch(SHOP, MonitorCondition.DOWN)
        yield


@broken(GREEN | {"surveillance shop": "warning"})
@contextmanager
def a_monitor_looks_at_a_name_that_is_not_moved(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.watch(f"www.{SHOP}")
        yield


@broken(GREEN | {"surveillance": "warning"})
@contextmanager
def a_monitor_looks_at_the_servers_address(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.watch(OLD)
        yield


@broken(dict.fromkeys(ALL, "unknown") | {"surveillance": "failed"})
@contextmanager
def the_monitors_token_is_refused(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.fail_always(REFUSED)
        yield


@broken(dict.fromkeys(ALL, "unknown"))
@contextmanager
def the_monitor_does_not_answer(world: World) -> Iterator[None]:
    with watched(world) as monitor:
        monitor.fail_always(Unavailable("Robot", "answered HTTP 503", "look"))
        yield
