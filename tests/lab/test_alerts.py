"""Alerts on the living lab: a false one makes us look from two places, and changes nothing."""

from __future__ import annotations

import time
from datetime import timedelta

import httpx
import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun

from deployments.lab import alerts
from deployments.lab.config import Lab
from deployments.receiver.record import Record
from deployments.receiver.verdicts import Verdict
from flows.decisions.alert import Condition
from flows.reports.alert_text import OWN_PLACE
from flows.tasks.watch_look import assess_server
from tests.lab.estate import SERVER, estate, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

HOST = "boutique.atelier.test"


def runs_of(deployment: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(deployment)
        wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[found.id]))
        return client.read_flow_runs(flow_run_filter=wanted, limit=50)


def test_both_places_see_every_site(here: Lab) -> None:
    seen = assess_server(estate(), timedelta(seconds=1))
    assert seen.condition is Condition.UP, seen.details
    assert seen.seeing == (OWN_PLACE, "names")
    assert seen.blind == ()


def test_a_false_alert_is_looked_into_and_nothing_more(here: Lab) -> None:
    recoveries = len(runs_of("disaster-recovery/on-demand"))
    began = time.monotonic()
    assert alerts.send(here, HOST) == Verdict.LOOKING

    def ended() -> bool:
        found = runs_of("watch/on-alert")
        return bool(found) and all(run.state and run.state.is_final() for run in found)

    wait_for(ended, "the look that the alert asked for")
    print(f"\nlooked {time.monotonic() - began:.1f} s after the alert")
    (run,) = runs_of("watch/on-alert")
    assert run.state is not None
    assert run.state.is_completed(), run.state.message
    assert run.parameters["server"] == SERVER
    assert len(runs_of("disaster-recovery/on-demand")) == recoveries
    (entry,) = Record(alerts.state(here)).entries(5)
    assert (entry.server, entry.verdict) == (SERVER, Verdict.LOOKING)


def test_a_host_of_nobody_is_refused(here: Lab) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        alerts.send(here, "example.org")
