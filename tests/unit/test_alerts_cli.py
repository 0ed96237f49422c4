"""`continuity alerts address|log` and `continuity watch`, from the estate file alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blocks.monitors.uptimerobot import UptimeRobotAlerts
from blocks.servers.protected import ProtectedServer
from deployments.cli.main import commands
from deployments.estate_file import read
from deployments.receiver.record import Entry, Record
from deployments.receiver.verdicts import STATUS, Verdict
from deployments.world import provide
from tests.unit.estate_texts import GOOD, write

SECRET = "guess-" * 6
ALERTS = """
alerts:
  - {name: robot, type: uptimerobot-alerts, secret: {file: alert-secret}}
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESTIC", "hush-hush")
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "alert-secret").write_text(SECRET)
    (tmp_path / "alert-secret").chmod(0o600)
    quick = GOOD.replace("resolvers:", "timeout_seconds: 0.2\n  resolvers:")
    return write(tmp_path, quick + ALERTS)


def test_the_address_to_enter_is_printed(estate: Path) -> None:
    words = ["alerts", "address", "robot", "--base", "https://a.test/", "--local"]
    done = CliRunner().invoke(commands, [*words, "--estate", str(estate)])
    assert done.stdout == f"https://a.test/alerts/robot/{SECRET}\n"


def test_an_estate_with_alerts_and_one_vantage_point_is_warned(estate: Path) -> None:
    done = CliRunner().invoke(commands, ["estate", "validate", str(estate)])
    assert done.exit_code == 0
    assert "only one vantage point" in done.output


def test_a_monitor_that_can_be_asked_is_a_second_one(
    estate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.write_text(estate.read_text().replace("-secret}}", "-secret}, token: {env: ROBOT}}"))
    done = CliRunner().invoke(commands, ["estate", "validate", str(estate)])
    assert (done.exit_code, "ROBOT" in done.output) == (1, True)
    monkeypatch.setenv("ROBOT", "ur-read-only")
    done = CliRunner().invoke(commands, ["estate", "validate", str(estate)])
    assert done.exit_code == 0
    assert "only one vantage point" not in done.output
    reading = read(estate)
    assert reading.estate is not None
    blocks = provide(reading.estate)
    robot = blocks["uptimerobot-alerts/robot"]
    assert isinstance(robot, UptimeRobotAlerts)
    assert robot.can_be_asked
    servers = [each for each in blocks.values() if isinstance(each, ProtectedServer)]
    assert [each.monitors for each in servers] == [["uptimerobot-alerts/robot"]] * len(servers)


@pytest.mark.parametrize("secret", ["short", "with/slash" * 5, "é" * 40])
def test_a_secret_that_can_be_guessed_or_not_be_typed_is_refused(estate: Path, secret: str) -> None:
    (estate.parent / "alert-secret").write_text(secret)
    done = CliRunner().invoke(commands, ["estate", "validate", str(estate)])
    assert done.exit_code == 1
    assert "openssl rand -hex 24" in done.output
    assert secret not in done.output


def test_what_came_is_listed_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "alerts.db"
    at = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
    for verdict in Verdict:
        Record(path).write(Entry(at, "robot", "192.0.2.1", "shop.test", "web1", verdict))
    done = CliRunner(env={"COLUMNS": "200"}).invoke(
        commands, ["alerts", "log", "--state", str(path), "--most", "100"]
    )
    assert done.exit_code == 0, done.output
    assert done.output.count("shop.test") == len(Verdict) == len(STATUS)
    assert done.output.count("REFUSÉ") == sum(400 <= STATUS[each] < 500 for each in Verdict)


def test_a_look_without_prefect_says_what_one_place_cannot_conclude(estate: Path) -> None:
    """Nothing listens on the estate's resolver: every place is blind, and nothing is down."""
    words = ["watch", "web1", "--confirm-seconds", "0", "--local", "--json"]
    done = CliRunner().invoke(commands, [*words, "--estate", str(estate)])
    assert done.exit_code == 3, done.output
    (found,) = json.loads(done.stdout)
    assert (found["condition"], found["silent"]) == ("unknown", [])
    assert found["next"] == "continuity watch web1"
