"""Pingdom's state change webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blocks.monitors.alert_body import JSON, fields_of, host_of, refuse, text_of, time_of
from blocks.monitors.base import AlertSource
from blocks.types import AlertKind, ReceivedAlert

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


class PingdomAlerts(AlertSource):
    """Pingdom's integration of the type Webhook, which sends JSON.

    Example:
        ```python
        from blocks.monitors.pingdom import PingdomAlerts

        alerts = PingdomAlerts.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Pingdom alerts"
    _block_type_slug = "pingdom-alerts"
    _description = "Takes the alerts that Pingdom sends to a webhook when a check changes state."

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


def _host(parameters: Any) -> str:  # noqa: ANN401 - what the message holds
    given = parameters if isinstance(parameters, Mapping) else {}
    named = [str(given[name]) for name in _NAMES if given.get(name)]
    # A path alone ("/panier") names no host.
    hosts = [text for text in named if not text.startswith("/")]
    return host_of(_SENDER, hosts[0] if hosts else "")
