"""Decide what may be done about one message, and say how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from blocks.types.clients import Sending


class Uncertain(StrEnum):
    """What an operator wants done with messages of which nobody knows whether they went out."""

    LEAVE = "leave"
    AGAIN = "again"
    """Send them again: the recipient may get a second one, with the same Message-ID."""
    DELIVERED = "delivered"
    """The relay's log shows that they went out."""


class Action(StrEnum):
    """What is to be done with one message."""

    SEND = "send"
    SEND_AGAIN = "send again"
    PROVE = "prove"
    NOTHING = "nothing"


class End(StrEnum):
    """How one message ended."""

    SENT = "sent"
    ALREADY = "already"
    UNCERTAIN = "uncertain"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one message to one recipient ended; `why` is for the team."""

    client: str
    phase: str
    address: str
    end: End
    why: str = ""


def action(state: Sending, wish: Uncertain) -> Action:
    """Return what to do with a message: what was claimed is never sent again by itself."""
    if state is Sending.OPEN:
        return Action.SEND
    if state is Sending.SENT:
        return Action.NOTHING
    return {
        Uncertain.LEAVE: Action.NOTHING,
        Uncertain.AGAIN: Action.SEND_AGAIN,
        Uncertain.DELIVERED: Action.PROVE,
    }[wish]


def count(deliveries: Sequence[Delivery], end: End) -> int:
    """Return how many ended like this."""
    return sum(each.end is end for each in deliveries)
