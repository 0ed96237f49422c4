"""UptimeRobot's API v3 as far as reading goes, from its OpenAPI document (MonitorDto)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route


class Key(StrEnum):
    """Tokens that this account knows, by what they may do."""

    READ = "ur-read-only"
    MAIN = "ur-main"
    MONITOR = "ur-one-monitor"
    """Of one monitor: may not read the account's."""
    EXPIRED = "ur-expired"


class UptimeRobotApi(HttpService):
    """One account; monitors are listed from the newest to the oldest."""

    def __init__(self) -> None:
        super().__init__()
        self.monitors: dict[int, dict[str, Any]] = {}
        self.most = 200
        """Monitors on a page, however many are asked for."""
        self.between_pages: Callable[[], None] | None = None
        """What somebody else does once, right after the next page was answered."""
        self._last = 803_000_000

    @property
    def api(self) -> str:
        """URL of version 3."""
        return f"{self.url}/v3"

    def watch(self, url: str, name: str = "", **fields: Json) -> int:
        """Make a monitor; it is up, over HTTP, every minute, unless the fields say otherwise."""
        self._last += 1
        self.monitors[self._last] = {
            "id": self._last,
            "friendlyName": name or url,
            "type": "HTTP",
            "url": url,
            "status": "UP",
            "interval": 60,
            "currentStateDuration": 3600,
            "httpUsername": "visiteur",
            "httpPassword": "motdepasse-du-site",
            "customHttpHeaders": {"X-Secret": "motdepasse-du-site"},
            "lastIncident": None,
        } | fields
        return self._last

    def refused(self, asked: Asked) -> Answer | None:
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in set(Key) - {Key.EXPIRED}:
            return Answer(401, {"message": f"Unauthorized: {token}", "code": "000-001"})
        if asked.method != "GET" and token != Key.MAIN:
            return Answer(403, {"message": "Forbidden", "code": "000-002"})
        if token == Key.MONITOR:
            return Answer(403, {"message": "This key is of one monitor", "code": "000-003"})
        return None

    def unknown(self, asked: Asked) -> Answer:
        return Answer(404, {"message": f"Cannot {asked.method} {asked.path}", "code": "404"})

    @route("GET", "/v3/user/me")
    def me(self, asked: Asked) -> object:
        return {
            "email": "technique@omniweb.example",
            "fullName": "OmniWeb",
            "monitorsCount": len(self.monitors),
            "monitorLimit": 50,
            "smsCredits": 0,
            "activeSubscription": {"plan": "SOLO", "monitorLimit": 50, "status": "active"},
        }

    @route("GET", "/v3/monitors")
    def listing(self, asked: Asked) -> object:
        wanted = int(asked.first("limit", "50"))
        if not 1 <= wanted <= 200:
            return Answer(400, {"message": ["Limit must be between 1 and 200"]})
        size, cursor = min(wanted, self.most), int(asked.first("cursor", "0"))
        left = [n for n in sorted(self.monitors, reverse=True) if not cursor or n < cursor]
        page = left[:size]
        more = len(page) == size  # A full page has a cursor, the last one too.
        link = f"https://api.uptimerobot.com/v3/monitors/?limit={wanted}&cursor="
        answer = {
            "data": [dict(self.monitors[each]) for each in page],
            "nextLink": f"{link}{page[-1]}" if more else None,
        }
        if act := self.between_pages:
            self.between_pages = None
            act()
        return answer
