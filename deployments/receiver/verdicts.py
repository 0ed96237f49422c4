"""How a message is judged, and what its sender is answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What came of a message."""

    LOOKING = "looking"
    """A look at the server has been started."""
    MERGED = "merged"
    """One was started a moment ago."""
    NOTED = "noted"
    """Nothing to look at, such as a certificate that ends."""
    FORGED = "forged"
    TOO_MANY = "too-many"
    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    WRONG_TYPE = "wrong-type"
    UNREADABLE = "unreadable"
    STALE = "stale"
    UNKNOWN_HOST = "unknown-host"
    REPLAYED = "replayed"
    UNAVAILABLE = "unavailable"
    """Our own fault: it may be sent again."""


STATUS = {
    Verdict.LOOKING: 202,
    Verdict.MERGED: 202,
    Verdict.NOTED: 202,
    Verdict.FORGED: 404,
    Verdict.TOO_MANY: 429,
    Verdict.TOO_LARGE: 413,
    Verdict.TOO_SLOW: 408,
    Verdict.WRONG_TYPE: 415,
    Verdict.UNREADABLE: 400,
    Verdict.STALE: 422,
    Verdict.UNKNOWN_HOST: 422,
    Verdict.REPLAYED: 409,
    Verdict.UNAVAILABLE: 503,
}
"""HTTP status of the answer. Only 408, 429 and 503 are worth another try, and say so."""

AGAIN_AFTER = {Verdict.TOO_SLOW: 5, Verdict.TOO_MANY: 30, Verdict.UNAVAILABLE: 30}
"""Seconds after which the same message may be sent again."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with what the sender is told: nothing that a stranger could learn from."""

    verdict: Verdict
    said: str = ""
    host: str = ""
    server: str = ""
