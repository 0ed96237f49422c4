"""The lab's receiver of alerts, and a monitor that sends one: `send(lab, host)`.

    python -m deployments.lab.alerts HOST [up]

The address that UptimeRobot would call is `address(lab, "uptimerobot")`; the secret in it lies in
`<lab>/secrets/alerts-uptimerobot`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deployments.lab import processes
from deployments.lab.config import Lab, current

NAME = "alerts"
PORT = 8070
_START_SECONDS = 60


def start(lab: Lab, environment: Mapping[str, str]) -> None:
    """Start the receiver without waiting for it: `send` does. Idempotent."""
    argv = [sys.executable, "-m", "deployments.cli.main", "alerts", "serve"]
    argv += ["--host", lab.control, "--port", str(PORT), "--state", str(state(lab))]
    processes.spawn(lab, NAME, argv, environment)


def base(lab: Lab) -> str:
    """Return the receiver's address."""
    return f"http://{lab.control}:{PORT}"


def state(lab: Lab) -> Path:
    """Return the file in which the receiver keeps what came."""
    return lab.state / "alerts.db"


def address(lab: Lab, monitor: str) -> str:
    """Return what an operator enters at the monitor `uptimerobot` or `pingdom`."""
    return f"{base(lab)}/alerts/{monitor}/{lab.secret(f'alerts-{monitor}')}"


def send(lab: Lab, host: str, *, down: bool = True) -> str:
    """Say, as UptimeRobot does, that a host is down or up again; return the receiver's verdict.

    Waits until the receiver listens: the lab's start does not.

    Raises:
        httpx.HTTPStatusError: The receiver refuses it.
        DeadlineExceeded: It does not listen.
    """
    processes.wait_listening(lab, NAME, lab.control, PORT, seconds=_START_SECONDS)
    now = datetime.now(UTC)
    message = {
        "monitorID": "777712827",
        "monitorURL": f"https://{host}/",
        "monitorFriendlyName": host,
        "alertType": "1" if down else "2",
        "alertTypeFriendlyName": "Down" if down else "Up",
        "alertDetails": "Connection Timeout" if down else "HTTP 200 - OK",
        "alertDateTime": str(int(now.timestamp())),
    }
    answer = httpx.post(address(lab, "uptimerobot"), json=message, timeout=20)
    answer.raise_for_status()
    return str(answer.json()["verdict"])


def main() -> None:
    """Send an alert about the host that is named."""
    host, *state_word = sys.argv[1:]
    print(send(current(), host, down=state_word != ["up"]))


if __name__ == "__main__":
    main()
