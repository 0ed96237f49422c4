"""What Cloudflare's refusals mean: which token, which right, whether to try again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    UpdateRefused,
)

EDIT = "Zone / DNS / Edit"
BAD_TOKEN = {1000, 6003, 6111, 9106}
"""Codes for an invalid token and for a header that holds none."""
INVALID_ACCESS = "invalid access token"
"""Code 9109 says this of a token, and another text of a missing right."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer that is not a success; `said` are its errors, code and message."""

    method: str
    path: str
    status: int
    codes: frozenset[int]
    said: str

    @classmethod
    def of(cls, method: str, path: str, status: int, body: object) -> Refusal:
        """Read the envelope `{"success": false, "errors": [{"code": …, "message": …}]}`."""
        listed = body.get("errors") if isinstance(body, Mapping) else None
        errors: list[Any] = [each for each in listed or () if isinstance(each, Mapping)]
        codes = frozenset(each["code"] for each in errors if isinstance(each.get("code"), int))
        said = "; ".join(f"{each.get('code')} {each.get('message')}" for each in errors)
        return cls(method, path, status, codes, said or f"HTTP {status}")

    @property
    def writes(self) -> bool:
        """Say whether it was asked to change something."""
        return self.method != "GET"

    @property
    def is_of_token(self) -> bool:
        """Say whether the token itself is refused, whatever it may do."""
        return bool(self.codes & BAD_TOKEN) or INVALID_ACCESS in self.said.lower()

    @property
    def right(self) -> str:
        """Name the right that the call needs, as the dashboard writes it."""
        if self.writes:
            return EDIT
        return "Zone / DNS / Read" if "dns_records" in self.path else "Zone / Zone / Read"

    def error(self, subject: str) -> ContinuityError:
        """Translate it; see `DnsZone` for what each kind means."""
        if self.status == 429 or self.status >= 500:
            return self._not_now(subject)
        if self.is_of_token:
            return self.token_refused(subject)
        if self.status in {401, 403}:
            return self._not_granted(subject)
        if self.status == 404:
            return NotFound(subject, f"there is no such zone: {self.said}", "correct the zone")
        if self.writes:
            cause = f"the batch was refused: {self.said}; nothing of it was changed"
            return UpdateRefused(subject, cause, "look at these records in the dashboard")
        return ProviderError(subject, f"it answered {self.said}", "run continuity doctor")

    def _not_now(self, subject: str) -> ContinuityError:
        if self.status == 429:
            return RateLimited(subject, f"too many calls: {self.said}", "wait five minutes")
        unsure = "; whether the change took effect is not known" if self.writes else ""
        hint = "run it again: what is done already is left alone"
        return Unavailable(subject, f"the API cannot serve now: {self.said}{unsure}", hint)

    def _not_granted(self, subject: str) -> ContinuityError:
        cause = f"the token has not the right {self.right}: {self.said}"
        hint = f"give it {self.right} on this zone, or take another token"
        if self.writes:
            return UpdateRefused(subject, f"{cause}; nothing was changed", hint)
        return PermissionDenied(subject, cause, hint)

    def token_refused(self, subject: str, state: str = "refused") -> AuthenticationFailed:
        """Return the error for a token that is not, or no longer, one."""
        hint = "make a new token in the dashboard and put it where the estate file takes it from"
        return AuthenticationFailed(subject, f"the token is {state}: {self.said}", hint)
