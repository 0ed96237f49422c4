"""A Prefect server and the lab's Slack server on loopback, which several suites share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from deployments import register
from deployments.estate_file import load
from deployments.lab.control import migrated_database
from deployments.register_changes import Change
from tests.contract.waiting import answers, free_port, wait_until
from tests.unit.estate_texts import GOOD, write

AUTH = "admin:on-loopback"
TOKEN = "hush-hush"
ALERT_SECRET = "guess-" * 6
ALERTS = """
alerts:
  - {name: robot, type: uptimerobot-alerts, secret: {file: alert-secret}}
"""


@pytest.fixture(scope="session")
def estate_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("register")
    (made / "alert-secret").write_text(ALERT_SECRET)
    return made


@pytest.fixture(scope="session")
def prefect_server(estate_folder: Path) -> Iterator[str]:
    """The address of one server for the whole session; nothing else in it uses it."""
    folder, port = estate_folder, free_port()
    shutil.copy(migrated_database(), folder / "prefect.db")
    environment = os.environ | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder}/prefect.db",
        "PREFECT_SERVER_API_AUTH_STRING": AUTH,
        "PREFECT_API_AUTH_STRING": AUTH,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    }
    argv = [sys.executable, "-m", "prefect", "server", "start"]
    argv += ["--host", "127.0.0.1", "--port", str(port)]
    with (folder / "prefect.log").open("wb") as log:
        server = subprocess.Popen(
            ["env", "--default-signal=INT,QUIT", *argv],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_until(lambda: answers(f"{url}/health"), 150)
        yield url
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def talking_to(url: str) -> Iterator[None]:
    with (
        pytest.MonkeyPatch.context() as patch,
        temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: AUTH}),
    ):
        patch.setenv("RESTIC", TOKEN)
        yield


@pytest.fixture(scope="module")
def prefect(prefect_server: str) -> Iterator[str]:
    """The same server, which this process talks to until its module ends."""
    with talking_to(prefect_server):
        yield prefect_server


@pytest.fixture(scope="session")
def slack_service(estate_folder: Path) -> Iterator[str]:
    port = free_port()
    (estate_folder / "slack-token").write_text(TOKEN)
    argv = [sys.executable, "-m", "deployments.lab.slack_server", "--host", "127.0.0.1"]
    argv += ["--port", str(port), "--state", str(estate_folder / "slack.json")]
    server = subprocess.Popen([*argv, "--token-file", str(estate_folder / "slack-token")])
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/messages"), 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def estate_text(slack_service: str) -> str:
    return GOOD.replace("http://127.0.0.1:9/api/", f"{slack_service}/api/") + ALERTS


@pytest.fixture(scope="session")
def applied(prefect_server: str, estate_folder: Path, estate_text: str) -> tuple[Change, ...]:
    """What the first registration changed on the empty server."""
    with talking_to(prefect_server):
        return register.apply(load(write(estate_folder, estate_text)))
