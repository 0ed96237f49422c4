"""What is kept of a server's loss as it was noticed, and which loss an incident answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flows.decisions.timeline import Mark

ANSWERED_WITHIN = timedelta(days=7)
"""A loss that nobody closed and that is older is not what a recovery answers."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A server's loss: when it was seen first, what happened around it, when it was over.

    Attributes:
        events: Alerts, the confirmation, the request of the recovery, the end (French).
        ended_at: When the sites were seen again; None as long as they were not.
    """

    since: datetime
    events: tuple[Mark, ...] = ()
    ended_at: datetime | None = None

    def noted(self, *marks: Mark) -> Loss:
        """Return the loss with these events; what was noted before keeps its first time."""
        known = {each.text for each in self.events}
        return replace(self, events=(*self.events, *(m for m in marks if m.text not in known)))


def answered(losses: Sequence[Loss], began: datetime, ended: datetime) -> Loss | None:
    """Return the loss that a recovery answered, None if nobody noticed one.

    Args:
        losses: The server's.
        began: When the recovery's first step began.
        ended: When its last one ended.
    """
    found = [
        each
        for each in losses
        if began - ANSWERED_WITHIN <= each.since <= ended
        and (each.ended_at is None or each.ended_at >= began)
    ]
    return max(found, key=lambda each: each.since, default=None)
