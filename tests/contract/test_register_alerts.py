"""What the registered Prefect server does with an alert, and for a server that is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId

from deployments.register_changes import Change
from flows.decisions.alert import Assessment, Condition
from flows.tasks.watch_steps import ask_for_recovery
from tests.contract.alert_messages import uptimerobot
from tests.contract.registered import ALERT_SECRET, AUTH
from tests.contract.waiting import serving_alerts, wait_until

pytestmark = pytest.mark.usefixtures("prefect")


def runs_of(deployment: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(deployment)
        wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[found.id]))
        return client.read_flow_runs(flow_run_filter=wanted, limit=50)


@pytest.fixture
def receiver(prefect: str, estate_folder: Path) -> Iterator[str]:
    with serving_alerts(
        {"PREFECT_API_URL": prefect, "PREFECT_API_AUTH_STRING": AUTH}, estate_folder
    ) as at:
        yield f"{at}/alerts/robot"


def test_an_alert_has_prefect_look(
    applied: tuple[Change, ...], receiver: str, estate_folder: Path
) -> None:
    assert applied
    body, headers = (
        uptimerobot("shop.omniweb.test", datetime.now(UTC)),
        {"Content-Type": "application/json"},
    )
    assert httpx.post(f"{receiver}/wrong", content=body, headers=headers).status_code == 404
    url = f"{receiver}/{ALERT_SECRET}"
    answer = httpx.post(url, content=body, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()) == (202, {"verdict": "looking"})
    (run,) = runs_of("watch/on-alert")
    assert run.parameters["server"] == "web1"
    assert run.parameters["alert"] == "robot : shop.omniweb.test down"
    assert httpx.post(url, content=body, headers=headers, timeout=30).status_code == 409
    said = (estate_folder / "alerts.log").read_text()
    assert "looking: 'robot' from 127.0.0.1, host shop.omniweb.test, server web1" in said
    assert ALERT_SECRET not in said


def test_a_lost_server_has_one_recovery_prepared(applied: tuple[Change, ...]) -> None:
    """The request is repeated until the watch sees the run: it must not become two."""
    assert applied
    since = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
    before = {run.id for run in runs_of("disaster-recovery/on-demand")}

    def made() -> list[FlowRun]:
        return [run for run in runs_of("disaster-recovery/on-demand") if run.id not in before]

    lost = Assessment("web1", Condition.DOWN, since, silent=("ce poste", "temoin"))
    ask_for_recovery(lost)
    ask_for_recovery(lost)
    wait_until(lambda: bool(made()), 60)
    ask_for_recovery(replace(lost, server="web2"))
    wait_until(lambda: len(made()) == 2, 60)
    wanted = {"server": "web1", "down_since": since.isoformat(), "approval": "ask"}
    assert [run.parameters for run in made() if wanted.items() <= run.parameters.items()]
    assert sorted(run.parameters["server"] for run in made()) == ["web1", "web2"]
