"""Judge one message: is its sender known, is it new, does its host belong to us; then look.

Nothing that a message says is believed but that somebody should look at its host now.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from blocks.errors import ContinuityError, MessageRefused
from blocks.monitors.alert_body import FORM, JSON
from blocks.monitors.base import AlertSource
from blocks.types import AlertKind, ReceivedAlert
from deployments.receiver.limits import RateLimit
from deployments.receiver.record import Entry, Record
from deployments.receiver.verdicts import Judged, Verdict

OLDEST, AHEAD = timedelta(minutes=15), timedelta(minutes=5)
"""How old an event may be, and how far the sender's clock may be ahead."""
MERGE_SECONDS = 20.0
"""A look that began so lately answers another alert of the same server too."""

_decoy = secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Surroundings:
    """What the estate declares that matters here.

    Attributes:
        sources: Monitors by name.
        servers: Servers by the hosts that lead to them.
    """

    sources: Mapping[str, AlertSource]
    servers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """What came over HTTP."""

    monitor: str
    secret: str
    content_type: str
    source: str


@dataclass
class Limits:
    """How much may come in; an attacker without a secret uses up nothing of a monitor's."""

    sources: RateLimit = field(default_factory=lambda: RateLimit(120, 0.5))
    strangers: RateLimit = field(default_factory=lambda: RateLimit(200, 0.5))
    monitors: RateLimit = field(default_factory=lambda: RateLimit(300, 0.5))
    """A lost server with a hundred sites is a hundred alerts at once."""


class Intake:
    """Judges messages, from any thread.

    Args:
        known: Returns what the estate declares now.
        record: Where it is written down.
        start: Starts a look at a server, with the reason; raises `ContinuityError`.
        clock: The time.
        ticks: Seconds of a clock that never runs backwards.
    """

    def __init__(
        self,
        known: Callable[[], Surroundings],
        record: Record,
        start: Callable[[str, str], None],
        clock: Callable[[], datetime],
        ticks: Callable[[], float],
        limits: Limits | None = None,
    ) -> None:
        self._known, self._record, self._start = known, record, start
        self._clock, self._ticks, self._limits = clock, ticks, limits or Limits()
        self._looked: dict[str, float] = {}
        self._lock = Lock()

    def admit(self, message: Message) -> Judged | None:
        """Judge what can be judged before the body is read; None lets it be read."""
        now = self._ticks()
        if not self._limits.sources.allow(message.source, now):
            return Judged(Verdict.TOO_MANY)
        try:
            sources = self._known().sources
        except ContinuityError:
            return Judged(Verdict.UNAVAILABLE)
        if not _authentic(sources.get(message.monitor), message.secret):
            allowed = self._limits.strangers.allow("", now)
            return Judged(Verdict.FORGED if allowed else Verdict.TOO_MANY)
        if not self._limits.monitors.allow(message.monitor, now):
            return Judged(Verdict.TOO_MANY)
        if message.content_type not in (JSON, FORM):
            return Judged(Verdict.WRONG_TYPE, f"send {JSON} or {FORM}")
        return None

    def take(self, message: Message, body: bytes) -> Judged:
        """Judge an admitted message with its body, write it down, and look."""
        try:
            judged = self._judge(message, body)
            self._write(message, judged)
        except ContinuityError:
            return Judged(Verdict.UNAVAILABLE)
        return judged

    def refuse(self, message: Message, verdict: Verdict) -> Judged:
        """Write down that an admitted message could not be read."""
        judged = Judged(verdict)
        try:
            self._write(message, judged)
        except ContinuityError:
            return Judged(Verdict.UNAVAILABLE)
        return judged

    def _judge(self, message: Message, body: bytes) -> Judged:
        known = self._known()
        try:
            alert = known.sources[message.monitor].read(message.content_type, body)
        except MessageRefused as error:
            return Judged(Verdict.UNREADABLE, str(error))
        except KeyError:
            return Judged(Verdict.FORGED)
        server = known.servers.get(alert.host, "")
        age = self._clock() - alert.at
        if not -AHEAD <= age <= OLDEST:
            said = "the event's time is too old, or in the future: compare the clocks"
            return Judged(Verdict.STALE, said, alert.host, server)
        if not server:
            said = "no site of the estate has this host"
            return Judged(Verdict.UNKNOWN_HOST, said, alert.host)
        if not self._record.claim(message.monitor, alert.event, self._clock()):
            said = "this event was received before"
            return Judged(Verdict.REPLAYED, said, alert.host, server)
        return self._look(message, alert, server)

    def _look(self, message: Message, alert: ReceivedAlert, server: str) -> Judged:
        verdict = Verdict.NOTED
        try:
            if alert.kind is not AlertKind.OTHER:
                verdict = self._start_once(server, f"{message.monitor} : {alert.host} {alert.kind}")
        except ContinuityError:
            verdict = Verdict.UNAVAILABLE
        done = verdict is not Verdict.UNAVAILABLE
        self._record.answer(message.monitor, alert.event, done=done)
        return Judged(verdict, "", alert.host, server)

    def _start_once(self, server: str, reason: str) -> Verdict:
        with self._lock:
            now = self._ticks()
            if now - self._looked.get(server, -MERGE_SECONDS) < MERGE_SECONDS:
                return Verdict.MERGED
            self._looked[server] = now
        try:
            self._start(server, reason)
        except ContinuityError:
            with self._lock:
                self._looked.pop(server, None)
            raise
        return Verdict.LOOKING

    def _write(self, message: Message, judged: Judged) -> None:
        self._record.write(
            Entry(
                self._clock(), message.monitor, message.source, judged.host, judged.server,
                judged.verdict,
            )
        )  # fmt: skip


def _authentic(source: AlertSource | None, given: str) -> bool:
    """Compare in the same time whether the monitor exists, and whatever is given."""
    wanted = source.secret.get_secret_value() if source else _decoy
    same = hmac.compare_digest(_digest(given), _digest(wanted))
    return same and source is not None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
