"""A receiver on loopback for tests: what is behind it, and ways to send to it, good and bad."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from blocks.errors import ContinuityError
from blocks.monitors.pingdom import PingdomAlerts
from blocks.monitors.uptimerobot import UptimeRobotAlerts
from deployments.receiver.application import Receiver
from deployments.receiver.intake import Intake, Limits, Surroundings
from deployments.receiver.record import Record
from deployments.receiver.verdicts import STATUS, Verdict
from tests.contract.alert_messages import JSON, pingdom

HTTP = httpx.Client(trust_env=False, verify=False, timeout=20)  # noqa: S501 - plain HTTP only
HOST, OTHER_HOST = "boutique.atelier.test", "journal.omniweb.test"
SECRETS = {"pingdom": "p" * 16 + "-" * 16 + "Aa", "uptimerobot": "u" * 16 + "_" * 16 + "Bb"}
KNOWN = Surroundings(
    {
        "pingdom": PingdomAlerts(secret=SecretStr(SECRETS["pingdom"])),
        "uptimerobot": UptimeRobotAlerts(secret=SecretStr(SECRETS["uptimerobot"])),
    },
    {HOST: "web1", "www.atelier.test": "web1", OTHER_HOST: "web2"},
)


def _set() -> Event:
    made = Event()
    made.set()
    return made


@dataclass
class Place:
    """A running receiver: what it started, and what a test does to its world."""

    serving: Serving
    record: Record
    path: Path
    known: Surroundings = KNOWN
    started: list[tuple[str, str]] = field(default_factory=list)
    prefect_is: ContinuityError | None = None
    hangs: Event = field(default_factory=_set)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ticks: float = 1000.0

    @property
    def base(self) -> str:
        return self.serving.base

    def start(self, server: str, reason: str) -> None:
        self.hangs.wait(10)
        if self.prefect_is:
            raise self.prefect_is
        self.started.append((server, reason))

    def post(
        self,
        body: bytes,
        monitor: str = "pingdom",
        kind: str = JSON,
        secret: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        given = SECRETS.get(monitor, "") if secret is None else secret
        return HTTP.post(
            f"{self.base}/alerts/{monitor}/{given}",
            content=body, headers={"Content-Type": kind} | headers, timeout=20,
        )  # fmt: skip

    def down(self, host: str = HOST, **more: int) -> bytes:
        return pingdom(host, self.at, **more)  # type: ignore[arg-type]

    def verdicts(self) -> list[Verdict]:
        return [each.verdict for each in reversed(self.record.entries(1000))]


@dataclass
class Serving:
    """One HTTP server for all tests; each puts an application of its own behind it."""

    base: str
    application: ASGIApp = field(default_factory=Starlette)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.application(scope, receive, send)


def running(place: Place, limits: Limits | None = None) -> Place:
    """Let the server take the messages of this place from now on."""
    intake = Intake(
        lambda: place.known, place.record, place.start, lambda: place.at, lambda: place.ticks,
        limits,
    )  # fmt: skip
    place.serving.application = Receiver(intake, body_seconds=0.6, answer_seconds=2).application()
    return place


def verdict(answer: httpx.Response) -> Verdict:
    found = Verdict(answer.json()["verdict"])
    assert answer.status_code == STATUS[found]
    assert ("Retry-After" in answer.headers) == (answer.status_code in (408, 429, 503))
    return found


def pour(stream: socket.socket) -> None:
    for _ in range(1000):
        stream.sendall(b"x" * 4096)
        time.sleep(0.001)


def address(place: Place) -> tuple[str, int]:
    return "127.0.0.1", int(place.base.rpartition(":")[2])


def head(place: Place, headers: list[bytes]) -> bytes:
    lines = [
        f"POST /alerts/pingdom/{SECRETS['pingdom']} HTTP/1.1".encode(),
        *(b"Host: here", b"Content-Type: application/json"),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def raw(place: Place, headers: list[bytes], pieces: list[bytes], pause: float = 0) -> bytes:
    """Send a request piece by piece until an answer comes; return it."""
    with socket.create_connection(address(place), timeout=10) as stream:
        try:
            stream.sendall(head(place, headers))
            for piece in pieces:
                stream.sendall(piece)
                time.sleep(pause)
        except OSError:
            pass  # it hung up: what it said before is what counts
        return _all(stream.recv)


def _all(receive: Callable[[int], bytes]) -> bytes:
    found = b""
    try:
        while piece := receive(4096):
            found += piece
    except OSError:
        pass
    return found
