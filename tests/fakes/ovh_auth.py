"""What all of OVH's API has in common: signed requests, consumer keys with rules, and its errors.

Shapes were read in ovh 1.2 (signature, error codes) and in the vendor's TypeScript type
`auth.ApiCredential`. Texts and codes for a wrong signature and for a clock that is wrong are as
people quote them.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha1
from typing import ClassVar
from urllib.parse import urlencode

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route

BASE = "/1.0"
METHODS = ("GET", "PUT", "POST", "DELETE")


@dataclass
class Credential:
    """A consumer key: which calls it holds, as method and path with `*`."""

    rules: list[tuple[str, str]]
    status: str = "validated"

    @classmethod
    def reading(cls) -> Credential:
        return cls([("GET", "/*")])

    @classmethod
    def full(cls, path: str) -> Credential:
        return cls([(method, path) for method in METHODS])


@dataclass
class OvhService(HttpService):
    """One application and its consumer keys."""

    application_key: str = "application"
    application_secret: str = "application-secret"
    clock_ahead: int = 0
    credentials: dict[str, Credential] = field(default_factory=dict)
    public: ClassVar[tuple[str, ...]] = ()
    """Paths that need no credentials."""

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = object.__hash__

    @property
    def endpoint(self) -> str:
        return f"{self.url}{BASE}"

    def refused(self, asked: Asked) -> Answer | None:
        if asked.path.removeprefix(BASE) in ("/auth/time", *self.public):
            return None
        credential = self.credentials.get(asked.headers.get("X-Ovh-Consumer", ""))
        if asked.headers.get("X-Ovh-Application") != self.application_key:
            return refusal(403, "INVALID_KEY", "This application key is invalid")
        if credential is None:
            return refusal(403, "NOT_CREDENTIAL", "This credential does not exist")
        return self._forged(asked) or self._not_held(asked, credential)

    def _forged(self, asked: Asked) -> Answer | None:
        if abs(int(asked.headers["X-Ovh-Timestamp"]) - self._clock()) > 60:
            return refusal(400, "QUERY_TIME_OUT", "Query out of time")
        if asked.headers["X-Ovh-Signature"] != f"$1${self._signature(asked)}":
            return refusal(400, "INVALID_SIGNATURE", "Invalid signature")
        return None

    def _not_held(self, asked: Asked, credential: Credential) -> Answer | None:
        if credential.status != "validated":
            return refusal(403, "INVALID_CREDENTIAL", "This credential is not valid")
        path = asked.path.removeprefix(BASE)
        granted = (m == asked.method and fnmatchcase(path, p) for m, p in credential.rules)
        if path != "/auth/currentCredential" and not any(granted):
            return refusal(403, "NOT_GRANTED_CALL", "This call has not been granted")
        return None

    def _clock(self) -> int:
        return int(time.time()) + self.clock_ahead

    def _signature(self, asked: Asked) -> str:
        query = urlencode(asked.query, doseq=True)
        target = f"{self.url}{asked.path}{'?' if query else ''}{query}"
        body = asked.body if asked.body == "" else json.dumps(asked.body, separators=(",", ":"))
        consumer, stamp = asked.headers["X-Ovh-Consumer"], asked.headers["X-Ovh-Timestamp"]
        parts = (self.application_secret, consumer, asked.method, target, body, stamp)
        return sha1("+".join(parts).encode()).hexdigest()  # noqa: S324 - as OVH does

    def unknown(self, asked: Asked) -> Answer:
        return refusal(404, "NOT_FOUND", "Got an invalid (or empty) URL")

    @route("GET", f"{BASE}/auth/time")
    def time(self, asked: Asked) -> Json:
        return self._clock()

    @route("GET", f"{BASE}/auth/currentCredential")
    def credential(self, asked: Asked) -> Json:
        held = self.credentials[asked.headers["X-Ovh-Consumer"]]
        return {
            "credentialId": 4211,
            "applicationId": 17,
            "status": held.status,
            "creation": "2026-11-01T10:00:00+01:00",
            "expiration": "2027-11-01T10:00:00+01:00",
            "lastUse": None,
            "ovhSupport": False,
            "allowedIPs": None,
            "rules": [{"method": method, "path": path} for method, path in held.rules],
        }


def refusal(status: int, code: str, message: str) -> Answer:
    """Return an error as OVH words it."""
    kinds = {400: "BadRequest", 403: "Forbidden", 404: "NotFound", 409: "Conflict"}
    kind = kinds.get(status, "PreconditionFailed")
    body = {"class": f"Client::{kind}", "errorCode": code, "message": message}
    return Answer(status, body, {"X-OVH-QUERYID": "EU.ext-1.5f0.1"})
