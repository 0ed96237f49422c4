"""UptimeRobot's web-hook."""

from __future__ import annotations

from blocks.monitors.alert_body import fields_of, host_of, text_of, time_of
from blocks.monitors.base import AlertSource
from blocks.types import AlertKind, ReceivedAlert

_SENDER = "UptimeRobot"
_KINDS = {"1": AlertKind.DOWN, "2": AlertKind.UP}
"""Values of *alertType*; 3 and others are of certificates and domains that end."""


class UptimeRobotAlerts(AlertSource):
    """UptimeRobot's alert contact of the type Web-Hook, as JSON or as a form.

    Its default variables hold all that is needed: monitorID, monitorURL, alertType, alertDateTime.

    Example:
        ```python
        from blocks.monitors.uptimerobot import UptimeRobotAlerts

        alerts = UptimeRobotAlerts.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "UptimeRobot alerts"
    _block_type_slug = "uptimerobot-alerts"
    _description = "Takes the alerts that UptimeRobot sends to a web-hook."

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
