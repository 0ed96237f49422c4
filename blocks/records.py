"""What is written down and told of an incident. Plain, frozen, without Prefect, I/O or clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StepState(StrEnum):
    """How far a step is."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One record of an incident's journal.

    Attributes:
        sequence: Rises by one with each record of the incident, from 1.
        step: Short name, such as `create-machine` or `dns-shop`.
        saw: What was found when the step looked.
        did: What it changed, "" for nothing.
        why: The reason for doing or skipping it, or the error and its hint.
        data: Machine-readable details (JSON values), without secrets.
    """

    incident: str
    sequence: int
    step: str
    state: StepState
    started_at: datetime
    ended_at: datetime | None = None
    saw: str = ""
    did: str = ""
    why: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change one server, until it expires or is given back."""

    subject: str
    owner: str
    generation: int
    expires_at: datetime
    holder: str = ""
    """Host and process of the holder, so that a dead one on the same host is recognised."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people.

    Attributes:
        text: One line that says it all; shown in notifications.
        body: Markdown lines (Slack's mrkdwn: *bold*, `code`, <url|label>) below it, may be empty.
        failed: Whether it tells of a failure.
        final: Whether it is the last word; a notifier that cannot edit sends it as a new message.
    """

    text: str
    body: str = ""
    failed: bool = False
    final: bool = False
