"""What UptimeRobot and Pingdom send, as their documentation shows it."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlencode

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def pingdom(host: str, at: datetime, state: str = "DOWN", check: int = 12345) -> bytes:
    """Return a state change of an HTTP check."""
    return json.dumps(
        {
            "check_id": check,
            "check_name": "Name of HTTP check",
            "check_type": "HTTP",
            "check_params": {
                "basic_auth": False,
                "encryption": True,
                "full_url": f"https://{host}/path",
                "header": "User-Agent:Pingdom.com_bot",
                "hostname": host,
                "ipv6": False,
                "port": 443,
                "url": "/path",
            },
            "tags": ["example_tag"],
            "previous_state": "UP" if state == "DOWN" else "DOWN",
            "current_state": state,
            "importance_level": "HIGH",
            "state_changed_timestamp": int(at.timestamp()),
            "state_changed_utc_time": f"{at:%Y-%m-%dT%H:%M:%S}",
            "long_description": "Long error message",
            "description": "Short error message",
            "first_probe": {
                "ip": "192.0.2.44",
                "ipv6": "2001:db8:1020:209::5",
                "location": "Stockholm, Sweden",
            },
            "second_probe": {
                "ip": "192.0.2.45",
                "ipv6": "2001:db8:1020:209::6",
                "location": "Austin, US",
                "version": 1,
            },
            "version": 1,
        }
    ).encode()


def uptimerobot_fields(host: str, at: datetime, kind: str = "1") -> dict[str, str]:
    """Return UptimeRobot's default variables."""
    return {
        "monitorID": "777712827",
        "monitorURL": f"https://{host}",
        "monitorFriendlyName": "Boutique de l'Atelier",
        "alertType": kind,
        "alertTypeFriendlyName": {"1": "Down", "2": "Up"}.get(kind, "SSL expiry"),
        "alertDetails": "HTTP 503 - Service Unavailable",
        "alertDuration": "0",
        "alertDateTime": str(int(at.timestamp())),
        "monitorAlertContacts": "0123456;2;pra@omniweb.example",
        "sslExpiryDate": "",
        "sslExpiryDaysLeft": "",
    }


def uptimerobot(host: str, at: datetime, kind: str = "1") -> bytes:
    """Return the message with « Send as JSON »."""
    return json.dumps(uptimerobot_fields(host, at, kind)).encode()


def uptimerobot_form(host: str, at: datetime, kind: str = "1") -> bytes:
    """Return the message without it: a form."""
    return urlencode(uptimerobot_fields(host, at, kind)).encode()
