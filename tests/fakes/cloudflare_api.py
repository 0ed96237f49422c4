"""Cloudflare's DNS API with its state in memory, after the vendor's documented shapes.

Read on the pages "Batch DNS Records", "Verify Token", "Batch record changes" and "Time to Live",
and in the SDK's types `ARecord`, `RecordBatchParams`, `TokenVerifyResponse`; error codes as people
quote them in issues (1000, 1004/9021, 9109, 10000, 81044, 81053, 81058). That a batch without
operations is taken, and that a right is looked at before the body, could not be read anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route
from tests.fakes.zone_responder import Served

BASE = "/client/v4"
EDGE = {"A": "198.18.0.1", "AAAA": "2001:db8:ed::1"}
"""What the name servers answer for every proxied name."""
LIMITS = {"free": 200, "enterprise": 3500}
EVERYTHING = frozenset({"zone:read", "dns:read", "dns:edit"})


@dataclass
class Token:
    """What one token may do; one of an account is not known at /user/tokens/verify."""

    rights: frozenset[str] = EVERYTHING
    status: str = "active"
    of_account: bool = False


@dataclass
class Zone:
    """One zone; `records` are as the API shows them."""

    name: str
    plan: str = "free"
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    name_servers: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.name.encode().hex()[:32].ljust(32, "0")


class Refused(Exception):
    """One operation is wrong, and with it the whole batch."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message


class CloudflareApi(HttpService):
    """Zones, records, batches and tokens; `batches` counts those that changed something."""

    def __init__(self) -> None:
        super().__init__()
        self.zones: dict[str, Zone] = {}
        self.tokens: dict[str, Token] = {}
        self.batches = 0
        self.takes_empty_batch = True
        self._made = 0

    @property
    def api_url(self) -> str:
        return f"{self.url}{BASE}"

    # --- what a test does to it ---

    def add(self, zone: Zone) -> Zone:
        self.zones[zone.id] = zone
        return zone

    def put(self, zone: Zone, name: str, kind: str, content: str, **fields: Any) -> dict[str, Any]:
        """Make a record as somebody in the dashboard would."""
        given = {"name": name, "type": kind, "content": content, "ttl": 60, **fields}
        with self.lock:
            self._post(zone, given)
            return list(zone.records.values())[-1]

    def remove(self, zone: Zone, name: str, kind: str) -> None:
        """Remove all records of a name and type as somebody in the dashboard would."""
        with self.lock:
            for key, record in list(zone.records.items()):
                if (record["name"], record["type"]) == (name, kind):
                    del zone.records[key]

    def served(self, zone: Zone) -> Iterable[Served]:
        """Return what the name servers answer: for a proxied name Cloudflare's own addresses."""
        with self.lock:
            records = [dict(each) for each in zone.records.values()]
        proxied = {each["name"] for each in records if each["proxied"]}
        for each in records:
            if each["name"] not in proxied:
                ttl = 300 if each["ttl"] == 1 else each["ttl"]
                content = each["content"]
                if each["type"] == "MX":
                    content = f"{each['priority']} {content}."
                elif each["type"] in {"CNAME", "NS"}:
                    content = f"{content}."
                yield Served(each["name"], each["type"], ttl, content)
        for name in proxied:
            for kind, address in EDGE.items():
                yield Served(name, kind, 300, address)

    # --- who may come in ---

    def refused(self, asked: Asked) -> Answer | None:
        header = asked.headers.get("Authorization", "")
        token = self.tokens.get(header.removeprefix("Bearer "))
        is_verify = asked.path.endswith("/tokens/verify")
        if is_verify and (token is None or token.of_account == ("/user/" in asked.path)):
            return _error(401, 1000, "Invalid API Token")
        if is_verify:
            return None
        if token is None:
            return _error(403, 9109, "Invalid access token")
        if token.status != "active" or _right(asked) not in token.rights:
            return _error(403, 10000, "Authentication error")
        return None

    def unknown(self, asked: Asked) -> Answer:
        return _error(404, 7003, f"Could not route to {asked.path}")

    # --- routes ---

    @route("GET", f"{BASE}/(?:user|accounts/acc0)/tokens/verify")
    def verify(self, asked: Asked) -> Json:
        token = self.tokens[asked.headers["Authorization"].removeprefix("Bearer ")]
        result = {"id": "f267e341f3dd4697bd3b9f71dd96247f", "status": token.status}
        return _success(result | {"expires_on": "2027-01-01T00:00:00Z"})

    @route("GET", f"{BASE}/zones")
    def list_zones(self, asked: Asked) -> Json:
        named = asked.first("name")
        shown = [
            {
                "id": each.id,
                "name": each.name,
                "status": "active",
                "account": {"id": "acc0", "name": "OmniWeb"},
                "plan": {"legacy_id": each.plan},
                "name_servers": each.name_servers,
            }
            for each in self.zones.values()
            if named in {"", each.name}
        ]
        return _page(asked, shown)

    @route("GET", f"{BASE}/zones/(\\w+)/dns_records")
    def list_records(self, asked: Asked, zone_id: str) -> Answer | Json:
        zone = self.zones.get(zone_id)
        if zone is None:
            return self.unknown(asked)
        return _page(asked, list(zone.records.values()))

    @route("POST", f"{BASE}/zones/(\\w+)/dns_records/batch")
    def batch(self, asked: Asked, zone_id: str) -> Answer | Json:
        zone, body = self.zones[zone_id], asked.body
        before = deepcopy(zone.records)
        works = {"deletes": self._delete, "patches": self._patch, "posts": self._post}
        steps = [(work, each) for name, work in works.items() for each in body.get(name, ())]
        if not steps and not self.takes_empty_batch:
            return _error(400, 9207, "Request body is invalid.")
        if len(steps) > LIMITS[zone.plan]:
            return _error(400, 1004, f"at most {LIMITS[zone.plan]} operations")
        try:
            for work, each in steps:
                work(zone, each)
        except Refused as refused:
            zone.records = before
            return _error(400, refused.code, refused.message)
        self.batches += zone.records != before
        return _success({name: [] for name in body})

    # --- operations ---

    def _delete(self, zone: Zone, given: dict[str, Any]) -> None:
        if zone.records.pop(given["id"], None) is None:
            raise Refused(81044, "Record does not exist.")

    def _patch(self, zone: Zone, given: dict[str, Any]) -> None:
        if given["id"] not in zone.records:
            raise Refused(81044, "Record does not exist.")
        changed = zone.records[given["id"]] | given
        self._check(zone, changed)
        stamp = f"2026-11-28T10:00:{self.batches:02}Z"
        zone.records[given["id"]] = changed | {"modified_on": stamp}

    def _post(self, zone: Zone, given: dict[str, Any]) -> None:
        self._made += 1
        record = {
            "id": f"{self._made:032x}",
            "proxiable": given["type"] in {"A", "AAAA", "CNAME"},
            "proxied": False,
            "settings": {},
            "meta": {},
            "comment": None,
            "tags": [],
            "created_on": "2026-11-01T10:00:00Z",
            "modified_on": "2026-11-01T10:00:00Z",
        } | given
        if record["proxied"]:
            record["ttl"] = 1
        self._check(zone, record)
        zone.records[record["id"]] = record

    def _check(self, zone: Zone, record: dict[str, Any]) -> None:
        least = 30 if zone.plan == "enterprise" else 60
        if record["ttl"] != 1 and (record["proxied"] or not least <= record["ttl"] <= 86400):
            raise Refused(1004, f"DNS Validation Error: TTL must be between {least} and 86400")
        if record["type"] in {"A", "AAAA"}:
            try:
                ip_address(record["content"])
            except ValueError as error:
                raise Refused(9005, "Content for A record must be a valid address") from error
        for other in zone.records.values():
            if other["id"] == record["id"] or other["name"] != record["name"]:
                continue
            if "CNAME" in {other["type"], record["type"]}:
                raise Refused(81053, "An A, AAAA, or CNAME record with that host already exists.")
            if all(other[key] == record[key] for key in ("type", "content")):
                raise Refused(81058, "An identical record already exists.")


def _right(asked: Asked) -> str:
    if asked.method != "GET":
        return "dns:edit"
    return "dns:read" if "dns_records" in asked.path else "zone:read"


def _success(result: Json, **more: Json) -> Json:
    return {"success": True, "errors": [], "messages": [], "result": result, **more}


def _error(status: int, code: int, message: str) -> Answer:
    errors = [{"code": code, "message": message}]
    return Answer(status, {"success": False, "errors": errors, "messages": [], "result": None})


def _page(asked: Asked, everything: list[Json]) -> Json:
    page, size = int(asked.first("page", "1")), int(asked.first("per_page", "20"))
    shown = deepcopy(everything[(page - 1) * size : page * size])
    info = {"page": page, "per_page": size, "count": len(shown), "total_count": len(everything)}
    return _success(shown, result_info=info)
