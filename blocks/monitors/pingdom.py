"""Pingdom's state change webhook, and its API 3.1 for reading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from blocks.errors import PermissionDenied, Unavailable
from blocks.monitors.alert_body import JSON, fields_of, host_of, refuse, text_of, time_of
from blocks.monitors.base import AlertSource
from blocks.monitors.monitor_answers import host_of as host_in
from blocks.monitors.monitor_answers import identity, listed, moment, span, text
from blocks.monitors.read_api import ReadApi, Service
from blocks.types import Access, AlertKind, MonitorCondition, MonitorState, ReceivedAlert

_SENDER = "Pingdom"
_KINDS = {
    "DOWN": AlertKind.DOWN,
    "FAILING": AlertKind.DOWN,
    "UP": AlertKind.UP,
    "SUCCESS": AlertKind.UP,
}
"""Values of current_state: uptime checks, then transaction checks."""
_NAMES = ("hostname", "full_url", "url")
"""Parameters of a check that may name its host."""
_SERVICE = Service(_SENDER, "« Read access »", "docs/fournisseurs/pingdom.md")
_CONDITIONS = {
    "up": MonitorCondition.UP,
    "down": MonitorCondition.DOWN,
    "paused": MonitorCondition.PAUSED,
}
"""Of `status`; unconfirmed_down and unknown are neither."""
_PAGES = ("http", "httpcustom")
"""Values of `type` that fetch a page."""
_PAGE, _READINGS = 1000, 3
"""Checks of an answer, of which 25000 are allowed; how often a list that changes is read."""


class PingdomAlerts(AlertSource):
    """Pingdom's integration of the type Webhook, which sends JSON.

    The API's shapes are those of Pingdom's OpenAPI document of 3.1: GET /checks (Check, Counts),
    GET /credits, and the section on errors. Transaction checks are in another list, which names no
    host: they are not read.

    Example:
        ```python
        from blocks.monitors.pingdom import PingdomAlerts

        alerts = PingdomAlerts.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Pingdom alerts"
    _block_type_slug = "pingdom-alerts"
    _description = "Takes the alerts that Pingdom sends to a webhook, and asks its checks."

    api_url: str = Field(
        default="https://api.pingdom.com/api/3.1",
        title="URL of the API",
        description="Where version 3.1 of the API is.",
    )

    def read(self, content_type: str, body: bytes) -> ReceivedAlert:
        """Return what a message says; see `AlertSource.read`."""
        if content_type != JSON:
            refuse(_SENDER, "is not JSON", "Pingdom sends nothing else")
        fields = fields_of(_SENDER, content_type, body)
        state = text_of(_SENDER, fields, "current_state")
        check = text_of(_SENDER, fields, "check_id")
        at = time_of(_SENDER, text_of(_SENDER, fields, "state_changed_timestamp"))
        host = _host(fields.get("check_params"))
        event = f"{check}/{state}/{int(at.timestamp())}"
        return ReceivedAlert(_KINDS.get(state, AlertKind.OTHER), host, at, event)

    def states(self) -> tuple[MonitorState, ...]:
        """Ask what every uptime check says; see `AlertSource.states`."""
        api = self._api()
        for _ in range(_READINGS):
            found = _once_through(api)
            if found is not None:
                return found
        raise Unavailable(_SENDER, "changes its list of checks while it is read", "try again")

    def whoami(self) -> Access:
        """Ask what the account has, as Pingdom names nobody; see `AlertSource.whoami`."""
        api = self._api()
        unseen = ("écrire : rien dans l'API ne dit si le jeton le peut",)
        right = "lire les contrôles"
        try:
            api.get("checks", limit=1, offset=0)
        except PermissionDenied:
            return Access(_SENDER, missing=(right,), unseen=unseen)
        return Access(_account(api), may=(right,), unseen=unseen)

    def _api(self) -> ReadApi:
        if self.token is None:
            raise self._not_asked()
        return ReadApi(_SERVICE, self.api_url, self.token, self.timeout_seconds)


def _once_through(api: ReadApi) -> tuple[MonitorState, ...] | None:
    """Return all checks, None if the list changed meanwhile: pages are counted by position."""
    found: dict[str, MonitorState] = {}
    totals: set[int | None] = set()
    offset = 0
    while True:
        answer = api.get("checks", limit=_PAGE, offset=offset)
        items = listed(_SENDER, answer, "checks")
        total = _total(answer)
        totals.add(total)
        offset += len(items)
        for item in items:
            state = _state(item, datetime.now(UTC))
            found[state.id] = state
        if not items or (offset >= total if total is not None else len(items) < _PAGE):
            break
    whole = len(found) == offset and len(totals) == 1 and totals <= {None, offset}
    return tuple(found.values()) if whole else None


def _total(answer: Mapping[str, Any]) -> int | None:
    counts = answer.get("counts")
    total = counts.get("total") if isinstance(counts, Mapping) else None
    return total if isinstance(total, int) else None


def _account(api: ReadApi) -> str:
    """Return what is known of the account: how many of its checks are in use."""
    try:
        held = api.get("credits").get("credits")
    except PermissionDenied:
        return _SENDER
    held = held if isinstance(held, Mapping) else {}
    most, free = held.get("checklimit"), held.get("availablechecks")
    if not isinstance(most, int) or not isinstance(free, int):
        return _SENDER
    return f"{_SENDER} ({most - free} contrôles sur {most})"


def _state(item: Mapping[str, Any], now: datetime) -> MonitorState:
    condition = _CONDITIONS.get(text(item, "status").lower(), MonitorCondition.UNKNOWN)
    since = {MonitorCondition.DOWN: "lastdownstart", MonitorCondition.UP: "lastdownend"}
    return MonitorState(
        id=identity(_SENDER, item),
        name=text(item, "name"),
        host=host_in(text(item, "hostname")),
        url="",
        condition=condition,
        page=text(item, "type").lower() in _PAGES,
        read_at=now,
        checked_at=moment(item, "lasttesttime"),
        every=span(item, "resolution", timedelta(minutes=1)),
        since=moment(item, since[condition]) if condition in since else None,
    )


def _host(parameters: Any) -> str:  # noqa: ANN401 - what the message holds
    given = parameters if isinstance(parameters, Mapping) else {}
    named = [str(given[name]) for name in _NAMES if given.get(name)]
    # A path alone ("/panier") names no host.
    hosts = [text for text in named if not text.startswith("/")]
    return host_of(_SENDER, hosts[0] if hosts else "")
