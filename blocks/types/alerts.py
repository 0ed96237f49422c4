"""What monitors elsewhere tell us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
