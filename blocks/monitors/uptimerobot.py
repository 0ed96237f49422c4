"""UptimeRobot's web-hook, and its API v3 for reading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from blocks.errors import PermissionDenied, ProviderError
from blocks.monitors.alert_body import fields_of, host_of, text_of, time_of
from blocks.monitors.base import AlertSource
from blocks.monitors.monitor_answers import host_of as host_in
from blocks.monitors.monitor_answers import identity, listed, page_of, span, text
from blocks.monitors.read_api import ReadApi, Service
from blocks.types import Access, AlertKind, MonitorCondition, MonitorState, ReceivedAlert

_SENDER = "UptimeRobot"
_KINDS = {"1": AlertKind.DOWN, "2": AlertKind.UP}
"""Values of *alertType*; 3 and others are of certificates and domains that end."""
_SERVICE = Service(_SENDER, "« Read-Only API Key »", "docs/fournisseurs/uptimerobot.md")
_CONDITIONS = {
    "UP": MonitorCondition.UP,
    "DOWN": MonitorCondition.DOWN,
    "PAUSED": MonitorCondition.PAUSED,
}
"""Of `status`; LOOKS_DOWN is not confirmed, STARTED not checked yet."""
_PAGES = ("HTTP", "KEYWORD", "API")
"""Values of `type` that fetch a page; VISUAL_COMPARISON looks too seldom."""
_SECRET_URL = "HEARTBEAT"  # noqa: S105 - a type; its url is the token that it is called with
_PAGE, _MOST_PAGES = 200, 100
"""Monitors of an answer: the most that is allowed; answers that are read at most."""


class UptimeRobotAlerts(AlertSource):
    """UptimeRobot's alert contact of the type Web-Hook, as JSON or as a form.

    Its default variables hold all that is needed: monitorID, monitorURL, alertType, alertDateTime.

    The API's shapes are those of UptimeRobot's OpenAPI document of v3, as its own command line
    client has it (MonitorsController_list, MonitorDto), and of `CurrentUser` in its Terraform
    provider. It does not say when a monitor looked last.

    Example:
        ```python
        from blocks.monitors.uptimerobot import UptimeRobotAlerts

        alerts = UptimeRobotAlerts.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "UptimeRobot alerts"
    _block_type_slug = "uptimerobot-alerts"
    _description = "Takes the alerts that UptimeRobot sends to a web-hook, and asks its monitors."

    api_url: str = Field(
        default="https://api.uptimerobot.com/v3",
        title="URL of the API",
        description="Where version 3 of the API is.",
    )

    def read(self, content_type: str, body: bytes) -> ReceivedAlert:
        """Return what a message says; see `AlertSource.read`."""
        fields = fields_of(_SENDER, content_type, body)
        kind = text_of(_SENDER, fields, "alertType")
        monitor = text_of(_SENDER, fields, "monitorID")
        seconds = text_of(_SENDER, fields, "alertDateTime")
        host = host_of(_SENDER, text_of(_SENDER, fields, "monitorURL"))
        at = time_of(_SENDER, seconds)
        event = f"{monitor}/{kind}/{int(at.timestamp())}"
        return ReceivedAlert(_KINDS.get(kind, AlertKind.OTHER), host, at, event)

    def states(self) -> tuple[MonitorState, ...]:
        """Ask what every monitor says; see `AlertSource.states`.

        A monitor that is made or deleted between two pages may be missing; none is there twice.
        """
        api, found = self._api(), dict[str, MonitorState]()
        cursors, query = set[str](), dict[str, str | int](limit=_PAGE)
        while True:
            answer = api.get("monitors", **query)
            for item in listed(_SENDER, answer, "data"):
                state = _state(item, datetime.now(UTC))
                found.setdefault(state.id, state)
            cursor = _cursor(answer)
            if not cursor:
                return tuple(found.values())
            if cursor in cursors or len(cursors) == _MOST_PAGES:
                raise ProviderError(_SENDER, "lists its monitors without an end", "try again")
            cursors.add(cursor)
            query["cursor"] = cursor

    def whoami(self) -> Access:
        """Ask whose key it is; see `AlertSource.whoami`."""
        api = self._api()
        user = api.get("user/me")
        plan = user.get("activeSubscription")
        named = text(plan, "plan") if isinstance(plan, Mapping) else ""
        who = text(user, "email") or _SENDER
        unseen = ("écrire : rien dans l'API ne dit si la clé le peut",)
        right = "lire les moniteurs"
        try:
            api.get("monitors", limit=1)
        except PermissionDenied:
            return Access(who, missing=(right,), unseen=unseen)
        return Access(f"{who} ({named})" if named else who, may=(right,), unseen=unseen)

    def _api(self) -> ReadApi:
        if self.token is None:
            raise self._not_asked()
        return ReadApi(_SERVICE, self.api_url, self.token, self.timeout_seconds)


def _cursor(answer: Mapping[str, Any]) -> str:
    """Return where the next page begins, "" after the last. The link itself is not followed."""
    return parse_qs(urlsplit(text(answer, "nextLink")).query).get("cursor", [""])[0]


def _state(item: Mapping[str, Any], now: datetime) -> MonitorState:
    kind, address = text(item, "type").upper(), text(item, "url")
    shown = "" if kind == _SECRET_URL else address
    lasts = span(item, "currentStateDuration", timedelta(seconds=1))
    return MonitorState(
        id=identity(_SENDER, item),
        name=text(item, "friendlyName"),
        host=host_in(shown),
        url=page_of(shown),
        condition=_CONDITIONS.get(text(item, "status").upper(), MonitorCondition.UNKNOWN),
        page=kind in _PAGES,
        read_at=now,
        every=span(item, "interval", timedelta(seconds=1)),
        since=None if lasts is None else _before(now, lasts),
    )


def _before(now: datetime, lasts: timedelta) -> datetime | None:
    try:
        return now - lasts
    except OverflowError:
        return None
