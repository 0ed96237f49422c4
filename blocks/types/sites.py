"""Pages that must answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SmokeCheck:
    """One page that must answer.

    Attributes:
        url: Absolute http(s) URL; its host is sent as Host header and SNI.
        status: Expected HTTP status.
        contains: Text that must be in the body, "" for none.
        needs_database: Whether the page shows that the database answers.
    """

    url: str
    status: int = 200
    contains: str = ""
    needs_database: bool = False


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """How one page answered at one address."""

    check: SmokeCheck
    address: str
    passed: bool
    observed: str
    """One sentence: what was seen, for people."""
    seconds: float
    certificate_until: datetime | None = None
    """When the certificate that was shown ends; None without one that is trusted."""
    answered: bool = False
    """Whether something spoke HTTP at the address, or TLS with whatever certificate."""


@dataclass(frozen=True, slots=True)
class PageRead:
    """What answered when a page or file was read at one address.

    Attributes:
        status: HTTP status, 0 without an answer.
        observed: A few words: what was seen.
        text: The page, if it is HTML.
    """

    url: str
    address: str
    status: int
    observed: str
    text: str = ""
