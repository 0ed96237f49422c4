"""OVH's own client with a timeout, bounded retries and our errors.

Shapes were read in ovh 1.2 (`Client.raw_call` for the signature, `Client.call` for the errors).
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

from ovh.client import Client
from ovh.exceptions import (
    APIError,
    BadParametersError,
    HTTPError,
    InvalidCredential,
    InvalidKey,
    InvalidResponse,
    NotCredential,
    NotGrantedCall,
    ResourceConflictError,
    ResourceNotFoundError,
)

from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
    UpdateRefused,
)

RETRY_SECONDS = 1.0
"""Between two tries when the API does not say how long to wait."""
PATIENCE_SECONDS = 60
"""How long one call may wait for its turn altogether."""
TRIES = 3
Json = Any
ZONES = "/domain/zone"
KEY_ERRORS = (InvalidKey, InvalidCredential, NotCredential)
ANY_ENDPOINT = "ovh-eu"
"""The library takes names only; an address replaces this one's."""


class OvhClient(Client):  # type: ignore[misc]  # the library has no types
    """A client for one zone; `endpoint` is a name of the library's, or an address (tests)."""

    def __init__(self, zone: str, endpoint: str, keys: tuple[str, ...], *, timeout: float) -> None:
        is_address = "://" in endpoint
        super().__init__(ANY_ENDPOINT if is_address else endpoint, *keys, timeout=timeout)
        if is_address:
            self._endpoint = endpoint.rstrip("/")
        self.zone = zone
        self.subject = f"zone {zone} at OVH"

    def call(self, method: str, path: str, data: object = None, need_auth: bool = True) -> Json:
        """Ask; again when told to wait, or when a failure leaves nothing that could double.

        Raises:
            ContinuityError: See `DnsZone`; `UpdateRefused` for a change without the right.
        """
        end, tries = monotonic() + PATIENCE_SECONDS, 0
        repeatable = method in {"GET", "PUT"} or path.endswith("/refresh")
        while True:
            tries += 1
            try:
                return super().call(method, path, data, need_auth)
            except APIError as error:
                failed = self._translated(method, path, error)
                limited = isinstance(failed, RateLimited)
                again = limited or (failed.transient and repeatable and tries < TRIES)
                pause = _pause(error)
                if not again or monotonic() + pause > end:
                    raise failed from error
            sleep(pause)

    def _translated(self, method: str, path: str, error: APIError) -> ContinuityError:
        status = 0 if error.response is None else error.response.status_code
        said = str(error.args[0]) if error.args and error.response is not None else ""
        if status == 429:
            return RateLimited(self.subject, f"too many calls: {said}", "wait a minute")
        if status >= 500 or isinstance(error, InvalidResponse):
            hint = "run it again: what is done already is left alone"
            return Unavailable(self.subject, f"the API cannot serve now: {said or 'no JSON'}", hint)
        if isinstance(error, HTTPError):
            cause = f"the API does not answer ({type(error.args[-1]).__name__})"
            return Unreachable(self.subject, cause, f"curl {self._endpoint}/auth/time")
        if isinstance(error, KEY_ERRORS) or "signature" in said.lower():
            return self._key_refused(said)
        if isinstance(error, NotGrantedCall) or status == 403:
            return self.not_granted([self.rule(method, path)], said)
        return self._refused(method, path, said, error)

    def _key_refused(self, said: str) -> ContinuityError:
        # Some of the library's own texts hold the key.
        cause = f"the key was refused: {said or 'one of its three parts is empty'}"
        hint = "compare application key, secret and consumer key; the last may have ended"
        return AuthenticationFailed(self.subject, cause, hint)

    def rule(self, method: str, path: str) -> str:
        """Name the rule that grants a call."""
        inside = path.startswith(f"{ZONES}/{self.zone}/")
        return f"{method} {ZONES}/{self.zone}/*" if inside else f"{method} {path}"

    def not_granted(self, rules: Sequence[str], said: str) -> ContinuityError:
        """Return the error for calls that the consumer key does not hold; it names the rules."""
        named = ", ".join(rules)
        cause, hint = f"the consumer key does not hold {named}: {said}", "make one that does"
        if all(rule.startswith("GET ") for rule in rules):
            return PermissionDenied(self.subject, cause, hint)
        return UpdateRefused(self.subject, cause, hint)

    def _refused(self, method: str, path: str, said: str, error: APIError) -> ContinuityError:
        if isinstance(error, ResourceNotFoundError):
            cause = f"there is nothing at {path}: {said}"
            return NotFound(self.subject, cause, "correct the zone, or order it at OVH")
        cause, hint = f"{method} {path} was refused: {said}", "look at the zone in OVH's manager"
        if isinstance(error, (BadParametersError, ResourceConflictError)) and method != "GET":
            return UpdateRefused(self.subject, cause, hint)
        return ProviderError(self.subject, cause, hint)


def _pause(error: APIError) -> float:
    told = "" if error.response is None else error.response.headers.get("Retry-After", "")
    return int(told) if told.isdigit() else RETRY_SECONDS
