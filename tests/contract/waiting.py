"""Wait for real daemons that a test starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def answers(url: str, status: int = 200) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == status
    except httpx.TransportError:
        return False


@contextmanager
def serving_alerts(environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run `continuity alerts serve` as systemd would; it must end when it is told to."""
    port = free_port()
    words = ["alerts", "serve", "--port", str(port), "--state", str(folder / "alerts.db")]
    with (folder / "alerts.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.cli.main", *words],
            env=os.environ | environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health", 204), 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(20) in (0, -15)
