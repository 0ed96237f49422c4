"""Places whose monitors can be asked: an account in memory, and one over each fake of an API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from blocks.monitors.base import AlertSource
from blocks.monitors.pingdom import PingdomAlerts
from blocks.monitors.uptimerobot import UptimeRobotAlerts
from blocks.types import MonitorCondition
from tests.fakes import pingdom_api, uptimerobot_api
from tests.fakes.http_service import HttpService
from tests.fakes.memory_monitor import MemoryMonitor
from tests.fakes.pingdom_api import PingdomApi
from tests.fakes.uptimerobot_api import UptimeRobotApi

SECRET = SecretStr("x" * 40)
LIVE = os.environ.get("CONTINUITY_LIVE", "")
"""A provider whose real account is asked, with the token in `CONTINUITY_LIVE_TOKEN`."""
UP, DOWN, PAUSED, UNKNOWN = MonitorCondition


@dataclass(frozen=True)
class Place:
    """An account, and what a test does to it.

    Attributes:
        watch: Makes a monitor of a host's first page, or a ping, and returns its id.
        delete: Deletes one.
        fake: The API behind it, None in memory.
    """

    monitor: AlertSource
    watch: Callable[..., str]
    delete: Callable[[str], object]
    fake: HttpService | None = None

    @property
    def api(self) -> UptimeRobotApi | PingdomApi:
        assert isinstance(self.fake, UptimeRobotApi | PingdomApi)
        return self.fake

    def with_token(self, token: str) -> AlertSource:
        """Return the same account, asked with another token."""
        return self.monitor.model_copy(update={"token": SecretStr(token)})


@contextmanager
def memory() -> Iterator[Place]:
    monitor = MemoryMonitor(secret=SECRET, token=SecretStr("memory-token"))

    def watch(
        host: str, condition: MonitorCondition = UP, *, page: bool = True, name: str = ""
    ) -> str:
        return monitor.watch(host, condition, page=page)

    yield Place(monitor, watch, monitor.forget)


@contextmanager
def uptimerobot() -> Iterator[Place]:
    words = {UP: "UP", DOWN: "DOWN", PAUSED: "PAUSED", UNKNOWN: "LOOKS_DOWN"}
    with UptimeRobotApi().running() as fake:
        monitor = UptimeRobotAlerts(
            secret=SECRET,
            token=SecretStr(uptimerobot_api.Key.READ),
            api_url=fake.api,
            timeout_seconds=5,
        )

        def watch(
            host: str, condition: MonitorCondition = UP, *, page: bool = True, name: str = ""
        ) -> str:
            url, kind = (f"https://{host}/", "HTTP") if page else (host, "PING")
            return str(fake.watch(url, name, status=words[condition], type=kind))

        yield Place(monitor, watch, lambda each: fake.monitors.pop(int(each)), fake)


@contextmanager
def pingdom() -> Iterator[Place]:
    words = {UP: "up", DOWN: "down", PAUSED: "paused", UNKNOWN: "unconfirmed_down"}
    with PingdomApi().running() as fake:
        monitor = PingdomAlerts(
            secret=SECRET,
            token=SecretStr(pingdom_api.Key.READ),
            api_url=fake.api,
            timeout_seconds=5,
        )

        def watch(
            host: str, condition: MonitorCondition = UP, *, page: bool = True, name: str = ""
        ) -> str:
            kind = "http" if page else "ping"
            return str(fake.watch(host, name, status=words[condition], type=kind))

        yield Place(monitor, watch, lambda each: fake.checks.pop(int(each)), fake)


def live(kind: type[AlertSource]) -> AlertSource:
    """Return the real account, asked with the token of the environment."""
    token = SecretStr(os.environ["CONTINUITY_LIVE_TOKEN"])
    return kind(secret=SECRET, token=token, timeout_seconds=timedelta(minutes=1).total_seconds())


PLACES = {"memory": memory, "uptimerobot": uptimerobot, "pingdom": pingdom}
APIS = ("uptimerobot", "pingdom")
ACCOUNTS = {"uptimerobot": UptimeRobotAlerts, "pingdom": PingdomAlerts}
