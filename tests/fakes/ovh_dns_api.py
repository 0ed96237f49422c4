"""OVH's API for DNS zones with its state in memory: edits are served after a refresh only.

Shapes were read in ovh 1.2 (signature, error codes), octodns_ovh 1.2 (calls) and in the vendor's
TypeScript types `domain.zone.Record`, `RecordUpdate`, `Zone`, `auth.ApiCredential`; that a TTL
below 60 becomes 60 in a pull request of the vendor's Terraform provider. Texts and codes for a
wrong signature and for a clock that is wrong are as people quote them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha1
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route
from tests.fakes.zone_responder import Served

BASE = "/1.0"
ZONE = f"{BASE}/domain/zone/([^/]+)"
ZONE_TTL = 3600
METHODS = ("GET", "PUT", "POST", "DELETE")
TEXTS = {"SPF", "DKIM", "DMARC"}


@dataclass
class Credential:
    """A consumer key: which calls it holds, as method and path with `*`."""

    rules: list[tuple[str, str]]
    status: str = "validated"

    @classmethod
    def reading(cls) -> Credential:
        return cls([("GET", "/*")])

    @classmethod
    def full(cls) -> Credential:
        return cls([(method, "/domain/zone/atelier.test*") for method in METHODS])


@dataclass
class OvhApi(HttpService):
    """One application, its consumer keys, and zones with what is edited and what is published."""

    application_key: str = "application"
    application_secret: str = "application-secret"
    clock_ahead: int = 0
    credentials: dict[str, Credential] = field(default_factory=dict)
    name_servers: list[str] = field(default_factory=list)
    zones: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    published: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    publications: int = 0
    _made: int = 1000

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = object.__hash__

    @property
    def endpoint(self) -> str:
        return f"{self.url}{BASE}"

    # --- what a test does to it ---

    def put(self, zone: str, label: str, kind: str, target: str, ttl: int = 60) -> int:
        """Add a record in the editor; it is not published."""
        with self.lock:
            self._made += 1
            fields = {"subDomain": label, "fieldType": kind, "target": target, "ttl": ttl}
            self.zones[zone][self._made] = {"id": self._made, "zone": zone} | fields
            return self._made

    def remove(self, zone: str, label: str, kind: str) -> None:
        """Remove a record in the editor; it is not published."""
        with self.lock:
            for number, each in list(self.zones[zone].items()):
                if (each["subDomain"], each["fieldType"]) == (label, kind):
                    del self.zones[zone][number]

    def publish(self, zone: str) -> None:
        """Let the name servers have what is edited."""
        with self.lock:
            now = sorted((dict(each) for each in self.zones[zone].values()), key=_order)
            self.publications += now != self.published.get(zone)
            self.published[zone] = now

    def edited(self, zone: str, label: str, kind: str = "A") -> list[dict[str, Any]]:
        """Return what the editor holds of a record."""
        with self.lock:
            rows = self.zones[zone].values()
            return [dict(e) for e in rows if (e["subDomain"], e["fieldType"]) == (label, kind)]

    def served(self, zone: str) -> Iterable[Served]:
        """Return what the name servers answer."""
        for each in self.published.get(zone, ()):
            kind = "TXT" if each["fieldType"] in TEXTS else each["fieldType"]
            name = f"{each['subDomain']}.{zone}".lstrip(".")
            yield Served(name, kind, each["ttl"] or ZONE_TTL, each["target"])

    # --- who may come in ---

    def refused(self, asked: Asked) -> Answer | None:
        if asked.path == f"{BASE}/auth/time":
            return None
        credential = self.credentials.get(asked.headers.get("X-Ovh-Consumer", ""))
        if asked.headers.get("X-Ovh-Application") != self.application_key:
            return _error(403, "INVALID_KEY", "This application key is invalid")
        if credential is None:
            return _error(403, "NOT_CREDENTIAL", "This credential does not exist")
        return self._forged(asked) or self._not_held(asked, credential)

    def _forged(self, asked: Asked) -> Answer | None:
        if abs(int(asked.headers["X-Ovh-Timestamp"]) - self._clock()) > 60:
            return _error(400, "QUERY_TIME_OUT", "Query out of time")
        if asked.headers["X-Ovh-Signature"] != f"$1${self._signature(asked)}":
            return _error(400, "INVALID_SIGNATURE", "Invalid signature")
        return None

    def _not_held(self, asked: Asked, credential: Credential) -> Answer | None:
        if credential.status != "validated":
            return _error(403, "INVALID_CREDENTIAL", "This credential is not valid")
        path = asked.path.removeprefix(BASE)
        granted = (m == asked.method and fnmatchcase(path, p) for m, p in credential.rules)
        if path != "/auth/currentCredential" and not any(granted):
            return _error(403, "NOT_GRANTED_CALL", "This call has not been granted")
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
        return _error(404, "NOT_FOUND", "Got an invalid (or empty) URL")

    # --- routes ---

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

    @route("GET", ZONE)
    def zone(self, asked: Asked, zone: str) -> Answer | Json:
        return self._known(zone) or {
            "name": zone, "nameServers": self.name_servers, "dnssecSupported": True,
            "hasDnsAnycast": False, "lastUpdate": "2026-11-01T10:00:00+01:00",
        }  # fmt: skip

    @route("GET", f"{ZONE}/record")
    def list_records(self, asked: Asked, zone: str) -> Answer | Json:
        if missing := self._known(zone):
            return missing
        return [
            number
            for number, each in self.zones[zone].items()
            if all(each[name] == values[0] for name, values in asked.query.items())
        ]

    @route("GET", f"{ZONE}/record/(\\d+)")
    def get_record(self, asked: Asked, zone: str, number: str) -> Answer | Json:
        return self.zones[zone].get(int(number)) or _gone(number)

    @route("PUT", f"{ZONE}/record/(\\d+)")
    def put_record(self, asked: Asked, zone: str, number: str) -> Answer | Json:
        row = self.zones[zone].get(int(number))
        if row is None:
            return _gone(number)
        changed = row | {name: asked.body[name] for name in asked.body}
        if wrong := self._wrong(changed):
            return wrong
        row.update(changed | {"ttl": _least(changed["ttl"])})
        return Answer(200, "null")

    @route("POST", f"{ZONE}/record")
    def post_record(self, asked: Asked, zone: str) -> Answer | Json:
        given = {"subDomain": "", "ttl": 0} | asked.body
        if wrong := self._wrong(given):
            return wrong
        fields = (given["subDomain"], given["fieldType"], given["target"], _least(given["ttl"]))
        return self.zones[zone][self.put(zone, *fields)]

    @route("DELETE", f"{ZONE}/record/(\\d+)")
    def delete_record(self, asked: Asked, zone: str, number: str) -> Answer | Json:
        if self.zones[zone].pop(int(number), None) is None:
            return _gone(number)
        return Answer(200, "null")

    @route("POST", f"{ZONE}/refresh")
    def refresh(self, asked: Asked, zone: str) -> Answer | Json:
        self.publish(zone)
        return Answer(200, "null")

    def _known(self, zone: str) -> Answer | None:
        if zone in self.zones:
            return None
        return _error(404, "NOT_FOUND", "This service does not exist")

    def _wrong(self, row: dict[str, Any]) -> Answer | None:
        if row["fieldType"] in {"A", "AAAA"}:
            try:
                ip_address(row["target"])
            except ValueError:
                return _error(400, "BAD_REQUEST", f"Invalid target {row['target']}")
        return None


def _least(ttl: int) -> int:
    return ttl if ttl == 0 or ttl >= 60 else 60


def _order(row: dict[str, Any]) -> tuple[str, ...]:
    return row["subDomain"], row["fieldType"], row["target"], str(row["ttl"])


def _gone(number: str) -> Answer:
    return _error(404, "NOT_FOUND", f"The requested object (id = {number}) does not exist")


def _error(status: int, code: str, message: str) -> Answer:
    kind = {400: "BadRequest", 403: "Forbidden", 404: "NotFound"}[status]
    body = {"class": f"Client::{kind}", "errorCode": code, "message": message}
    return Answer(status, body, {"X-OVH-QUERYID": "EU.ext-1.5f0.1"})
