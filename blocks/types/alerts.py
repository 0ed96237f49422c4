"""What monitors elsewhere tell us, by themselves or when they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class AlertKind(StrEnum):
    """What a monitor says of a host."""

    DOWN = "down"
    UP = "up"
    OTHER = "other"
    """Something that no look is needed for, such as a certificate that ends."""


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """One message of a monitor, as far as it matters.

    Attributes:
        host: Host name or address that the monitor watches, lower case.
        at: When the monitor saw the change.
        event: Tells this event from any other of the same monitor; equal when it is sent again.
    """

    kind: AlertKind
    host: str
    at: datetime
    event: str


class MonitorCondition(StrEnum):
    """What a monitor says of what it watches, when it is asked."""

    UP = "up"
    DOWN = "down"
    """Confirmed by the monitor itself: its page does not answer, or not as it must."""
    PAUSED = "paused"
    """Nobody watches."""
    UNKNOWN = "unknown"
    """Not checked yet, suspected and not confirmed, or in words that we do not know."""


@dataclass(frozen=True, slots=True)
class MonitorState:
    """What a monitor's service answers of one monitor; nothing in it is a secret.

    Attributes:
        id: The service's own name of the monitor.
        name: What people call it.
        host: Host name or address that it watches, lower case; "" if it watches none.
        url: The page without its query, user and password; "" if the service does not say.
        condition: What the monitor says.
        page: Whether it fetches a page over HTTP; ping, port and DNS say less.
        read_at: When the service was asked.
        checked_at: When the monitor looked last, None if the service does not say.
        every: How often it looks, None if the service does not say.
        since: Since when the condition holds, None if the service does not say.
    """

    id: str
    name: str
    host: str
    url: str
    condition: MonitorCondition
    page: bool
    read_at: datetime
    checked_at: datetime | None = None
    every: timedelta | None = None
    since: datetime | None = None
