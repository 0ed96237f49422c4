"""Pingdom's API 3.1 as far as reading goes, from its OpenAPI document (Checks, Counts, Credits)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route


class Key(StrEnum):
    """Tokens that this account knows, by what they may do."""

    READ = "pd-read-access"
    WRITE = "pd-read-write"
    OTHER = "pd-other-product"
    """Known, and without the right to read checks."""
    EXPIRED = "pd-expired"


def error(status: int, described: str, message: str) -> Answer:
    """Return an error in Pingdom's standard shape."""
    told = {"statuscode": status, "statusdesc": described, "errormessage": message}
    return Answer(status, {"error": told})


class PingdomApi(HttpService):
    """One account; checks are listed in the order of their making, by position."""

    def __init__(self) -> None:
        super().__init__()
        self.checks: dict[int, dict[str, Any]] = {}
        self.most = 25_000
        """Checks on a page, however many are asked for."""
        self.between_pages: Callable[[], None] | None = None
        """What somebody else does once, right after the next page was answered."""
        self._last = 85_000

    @property
    def api(self) -> str:
        """URL of version 3.1."""
        return f"{self.url}/api/3.1"

    def watch(self, host: str, name: str = "", **fields: Json) -> int:
        """Make a check; it is up, over HTTP, each minute, unless the fields say otherwise."""
        self._last += 1
        now = int(datetime.now(UTC).timestamp())
        self.checks[self._last] = {
            "id": self._last,
            "created": now - 86_400,
            "name": name or host,
            "hostname": host,
            "type": "http",
            "status": "up",
            "resolution": 1,
            "lasttesttime": now - 20,
            "lastresponsetime": 355,
            "lastdownstart": now - 7200,
            "lastdownend": now - 3600,
            "ipv6": False,
            "tags": [],
        } | fields
        return self._last

    def refused(self, asked: Asked) -> Answer | None:
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in set(Key) - {Key.EXPIRED}:
            return error(401, "Unauthorized", f"Invalid token {token}")
        if asked.method != "GET" and token != Key.WRITE:
            return error(403, "Forbidden", "The token has no write access")
        if token == Key.OTHER:
            return error(403, "Forbidden", "The token has no access to this resource")
        return None

    def unknown(self, asked: Asked) -> Answer:
        return error(404, "Not Found", f"no {asked.path}")

    @route("GET", "/api/3.1/credits")
    def credit(self, asked: Asked) -> object:
        used = len(self.checks)
        return {"credits": {"checklimit": 50, "availablechecks": 50 - used, "useddefault": used}}

    @route("GET", "/api/3.1/checks")
    def listing(self, asked: Asked) -> object:
        limit, offset = int(asked.first("limit", "25000")), int(asked.first("offset", "0"))
        if not 1 <= limit <= 25_000:
            return error(400, "Bad Request", "Invalid parameter value: limit")
        page = list(self.checks.values())[offset : offset + min(limit, self.most)]
        total = len(self.checks)
        answer = {
            "checks": [dict(each) for each in page],
            "counts": {"total": total, "limited": total, "filtered": len(page)},
        }
        if act := self.between_pages:
            self.between_pages = None
            act()
        return answer
