"""OVH's API for DNS zones with its state in memory: edits are served after a refresh only.

Shapes were read in octodns_ovh 1.2 (calls) and in the vendor's TypeScript types
`domain.zone.Record`, `RecordUpdate`, `Zone`; that a TTL below 60 becomes 60 in a pull request of
the vendor's Terraform provider.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from tests.fakes.http_service import Answer, Asked, Json, route
from tests.fakes.ovh_auth import BASE, OvhService, refusal
from tests.fakes.zone_responder import Served

ZONE = f"{BASE}/domain/zone/([^/]+)"
ZONE_TTL = 3600
TEXTS = {"SPF", "DKIM", "DMARC"}


@dataclass
class OvhApi(OvhService):
    """Zones with what is edited and what is published."""

    name_servers: list[str] = field(default_factory=list)
    zones: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    published: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    publications: int = 0
    _made: int = 1000

    __hash__ = object.__hash__

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

    # --- routes ---

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
        return refusal(404, "NOT_FOUND", "This service does not exist")

    def _wrong(self, row: dict[str, Any]) -> Answer | None:
        if row["fieldType"] in {"A", "AAAA"}:
            try:
                ip_address(row["target"])
            except ValueError:
                return refusal(400, "BAD_REQUEST", f"Invalid target {row['target']}")
        return None


def _least(ttl: int) -> int:
    return ttl if ttl == 0 or ttl >= 60 else 60


def _order(row: dict[str, Any]) -> tuple[str, ...]:
    return row["subDomain"], row["fieldType"], row["target"], str(row["ttl"])


def _gone(number: str) -> Answer:
    return refusal(404, "NOT_FOUND", f"The requested object (id = {number}) does not exist")
