"""What clients are told, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Language(StrEnum):
    """A catalogue of texts."""

    FRENCH = "fr"
    ENGLISH = "en"


class FirstMessage(StrEnum):
    """Whether the first message of an incident waits for a yes."""

    ASK = "ask"
    AUTOMATIC = "automatic"


class Severity(StrEnum):
    """How bad an incident is, in the status page's words."""

    DOWN = "down"
    DISRUPTED = "disrupted"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """One mail to one recipient.

    Attributes:
        id: Left part of the Message-ID: the same for the same incident, phase and recipient.
    """

    recipient: str
    subject: str
    body: str
    id: str


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """One paragraph that an incident's page gets, and what its head says from then on.

    Attributes:
        incident: The same for all updates of one incident; part of the file's name.
        key: Tells the update from others of the incident; one that is there is not added again.
        resolved_at: When all was well again; None while it is not.
    """

    incident: str
    key: str
    title: str
    began_at: datetime
    severity: Severity
    affected: tuple[str, ...]
    resolved_at: datetime | None
    heading: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusParagraph:
    """A paragraph of an incident's page; `at` is None where nobody wrote a time."""

    text: str
    heading: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusIncident:
    """An incident as the status page holds it, its newest paragraph first."""

    title: str
    began_at: datetime
    severity: Severity
    affected: tuple[str, ...]
    resolved_at: datetime | None
    paragraphs: tuple[StatusParagraph, ...]
    resolved: bool = False


class Sending(StrEnum):
    """How far one message to one recipient is."""

    OPEN = "open"
    CLAIMED = "claimed"
    """Somebody began to send it and did not say how that ended."""
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class BegunMessage:
    """A message that somebody began to send: to whom, when, and how far it is."""

    phase: str
    address: str
    at: datetime
    state: Sending


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to one client, the same for each of the client's addresses."""

    client: str
    phase: str
    subject: str
    body: str
    addresses: tuple[str, ...]
