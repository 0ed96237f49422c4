"""Registration against a real Prefect server and the lab's Slack server, on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.sorting import DeploymentSort
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Crashed, Failed, Suspended

from blocks import registry
from blocks.errors import AuthenticationFailed, ConfigurationError, Unreachable
from blocks.servers.protected import ProtectedServer
from blocks.sites.site import Site
from deployments import register, register_automations
from deployments.estate_file import load
from deployments.register_changes import Action, Change
from deployments.world import provide
from flows.tasks.incident import open_estate
from flows.tasks.kit import fingerprint
from tests.contract.registered import ALERTS, AUTH
from tests.contract.waiting import free_port, wait_until
from tests.unit.estate_texts import write

pytestmark = pytest.mark.usefixtures("prefect")

DEPLOYMENTS = {
    "backup/daily",
    "backup/weekly",
    "drill/quarterly",
    "archive-watch/every-minute",
    "retention/daily",
    "disaster-recovery/on-demand",
    "document/daily",
    "client-news/on-demand",
    "ended-run/automatic",
    "site-restore/on-demand",
    "verification/daily",
    "readiness/daily",
    "dns-preparation/on-demand",
    "dns-restore/on-demand",
    "failback/on-demand",
    "retire/on-demand",
    "watch/every-minute",
    "watch/on-alert",
    "sweep/hourly",
}


def count(changes: tuple[Change, ...]) -> Counter[Action]:
    return Counter(change.action for change in changes)


def content(block: Block) -> dict[str, object]:
    return block.model_dump(
        context={"include_secrets": True}, include=set(type(block).model_fields)
    )


def test_a_kit_sealed_from_the_file_is_known_by_the_blocks_that_prefect_saved(
    applied: tuple[Change, ...], estate_folder: Path, estate_text: str
) -> None:
    saved = open_estate("web1")
    found = fingerprint(saved, saved.repository)
    registry.provide(provide(load(write(estate_folder, estate_text))))
    try:
        assert found == fingerprint(open_estate("web1"), saved.repository)
    finally:
        registry.provide({})


def test_everything_is_made_the_first_time(applied: tuple[Change, ...]) -> None:
    assert set(count(applied)) == {Action.CREATED}
    assert {change.name for change in applied if change.kind == "deployment"} == DEPLOYMENTS
    automations = {change.name for change in applied if change.kind == "automation"}
    assert automations == {
        "crash-zombie-runs", "tell-failed-runs", "tell-ended-runs", "recover-lost-server",
    }  # fmt: skip


def test_nothing_changes_the_second_time(
    applied: tuple[Change, ...], prefect: str, estate_folder: Path, estate_text: str
) -> None:
    # In a process of its own, which remembers nothing of the first.
    words = ["estate", "apply", write(estate_folder, estate_text)]
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli.main", *words],
        env=os.environ | {"PREFECT_API_URL": prefect, "PREFECT_API_AUTH_STRING": AUTH},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"nothing changed, {len(applied)} as they were\n"


def test_saved_blocks_are_those_of_the_estate(
    applied: tuple[Change, ...], estate_folder: Path, estate_text: str
) -> None:
    assert applied
    expected = provide(load(write(estate_folder, estate_text)))
    for reference, block in expected.items():
        loaded = Block.load(reference)
        assert type(loaded) is type(block), reference
        assert content(loaded) == content(block), reference
    server = registry.load("protected-server/web1", ProtectedServer)
    assert registry.load(server.sites[0], Site).title == "Shop"
    assert registry.names("client-site") == ("blog", "shop")


def test_deployments_are_scheduled_in_paris(applied: tuple[Change, ...]) -> None:
    assert applied
    with get_client(sync_client=True) as client:
        found = {
            f"{client.read_flow(each.flow_id).name}/{each.name}": each
            for each in client.read_deployments(limit=50, sort=DeploymentSort.NAME_ASC)
        }
    assert set(found) == DEPLOYMENTS
    crons = {
        name: [(plan.schedule.cron, plan.schedule.timezone, plan.active) for plan in each.schedules]
        for name, each in found.items()
    }
    assert crons["backup/daily"] == [("15 4 * * *", "Europe/Paris", True)]
    assert crons["backup/weekly"] == [("45 5 * * 0", "Europe/Paris", True)]
    assert crons["readiness/daily"] == [("0 9 * * *", "Europe/Paris", True)]
    assert crons["verification/daily"] == [("30 7 * * *", "Europe/Paris", True)]
    assert crons["drill/quarterly"] == [("30 5 1 1,4,7,10 *", "Europe/Paris", True)]
    assert crons["disaster-recovery/on-demand"] == crons["watch/on-alert"] == []
    assert crons["watch/every-minute"] == [("* * * * *", "Europe/Paris", True)]
    drill = found["drill/quarterly"].schedules[0]
    assert (drill.slug, drill.parameters) == ("quarterly-web1", {"server": "web1"})
    for deployment in found.values():
        assert deployment.work_pool_name == "continuity"
        assert deployment.enforce_parameter_schema
        assert deployment.global_concurrency_limit.limit == 1
        assert str(deployment.concurrency_options.collision_strategy.value) in (
            "ENQUEUE",
            "CANCEL_NEW",
        )
        assert deployment.job_variables["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
        assert deployment.description.startswith("# ")


def test_only_what_changed_is_saved(
    applied: tuple[Change, ...],
    estate_folder: Path,
    estate_text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert applied
    monkeypatch.setenv("RESTIC", "another secret")
    other = estate_text.replace("title: Blog", "title: Web log") + "watch: {every_minute: false}\n"
    changes = register.apply(load(write(estate_folder, other)))
    assert {change.name for change in changes if change.action is not Action.UNCHANGED} == {
        "client-site/blog",
        "restic-repository/principal",
        "watch/every-minute",
    }
    assert registry.load("client-site/blog", Site).title == "Web log"
    secret = Block.load("restic-repository/principal").password
    assert secret.get_secret_value() == "another secret"


def test_blocks_that_left_the_file_are_told_then_removed(
    applied: tuple[Change, ...], estate_folder: Path, estate_text: str
) -> None:
    assert applied
    without_blog = estate_text[: estate_text.index("  - name: blog")] + ALERTS
    changes = register.apply(load(write(estate_folder, without_blog)))
    left = [change.name for change in changes if change.action is Action.LEFT]
    assert left == ["client-site/blog"]
    assert registry.names("client-site") == ("blog", "shop")
    changes = register.apply(load(write(estate_folder, without_blog)), prune=True)
    assert count(changes)[Action.REMOVED] == 1
    assert registry.names("client-site") == ("shop",)


def test_copies_of_an_automation_are_removed(
    applied: tuple[Change, ...], estate_folder: Path, estate_text: str
) -> None:
    assert applied
    with get_client(sync_client=True) as client:
        (first,) = client.read_automations_by_name("crash-zombie-runs")
        client.create_automation(
            AutomationCore.model_validate(first.model_dump(exclude={"id"}, mode="json"))
        )
        assert len(client.read_automations_by_name("crash-zombie-runs")) == 2
        blocks = provide(load(write(estate_folder, estate_text)))
        changes = {
            change.name: change.action
            for change in register_automations.apply_automations(client, blocks)
        }
        assert changes["crash-zombie-runs"] is Action.CHANGED
        assert len(client.read_automations_by_name("crash-zombie-runs")) == 1


def test_a_crashed_run_is_told_in_slack_by_the_server(
    applied: tuple[Change, ...], slack_service: str
) -> None:
    assert applied
    run = crashed('lost "web1"\nand its <disk> & more')
    wait_until(lambda: "Crashed" in httpx.get(f"{slack_service}/messages", timeout=5).text, 60)
    told = httpx.get(f"{slack_service}/messages", timeout=5).json()
    assert run.name in str(told)
    assert 'lost "web1"' in str(told)


def crashed(why: str) -> FlowRun:
    """Return a run that the server lets crash."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("drill/quarterly")
        run = client.create_flow_run_from_deployment(deployment.id, parameters={"server": "web1"})
        client.set_flow_run_state(run.id, Crashed(message=why), force=True)
        return run


def test_an_end_that_comes_twice_is_told_once(
    applied: tuple[Change, ...], slack_service: str
) -> None:
    """A server on SQLite delivers an event again after "database is locked"."""
    assert applied

    def told(why: str) -> int:
        return httpx.get(f"{slack_service}/messages", timeout=5).text.count(why)

    run = crashed("lost the first")
    wait_until(lambda: told("lost the first") == 1, 60)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Failed(message="lost the first"), force=True)
    crashed("lost the second")
    wait_until(lambda: told("lost the second") == 1, 60)
    assert told("lost the first") == 1


def test_the_end_of_a_run_without_a_process_starts_the_flow_that_tells_it(
    applied: tuple[Change, ...],
) -> None:
    assert applied
    with get_client(sync_client=True) as client:
        recovery = client.read_deployment_by_name("disaster-recovery/on-demand")
        run = client.create_flow_run_from_deployment(recovery.id, parameters={"server": "web1"})
        client.set_flow_run_state(run.id, Suspended(timeout_seconds=60), force=True)
        client.set_flow_run_state(run.id, Cancelling())
        telling = client.read_deployment_by_name("ended-run/automatic")
        wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[telling.id]))

        def told() -> list[str]:
            found = client.read_flow_runs(flow_run_filter=wanted, limit=20)
            return [str(each.parameters["run"]) for each in found]

        wait_until(lambda: str(run.id) in told(), 60)


def test_a_wrong_password_says_what_to_export(estate_folder: Path, estate_text: str) -> None:
    with (
        temporary_settings({PREFECT_API_AUTH_STRING: "admin:wrong"}),
        pytest.raises(AuthenticationFailed, match="export PREFECT_API_AUTH_STRING"),
    ):
        register.apply(load(write(estate_folder, estate_text)))


def test_a_server_that_is_gone_is_named(estate_folder: Path, estate_text: str) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(Unreachable, match=url):
        register.apply(load(write(estate_folder, estate_text)))


def test_no_server_is_not_a_reason_to_start_one(estate_folder: Path, estate_text: str) -> None:
    with (
        temporary_settings({PREFECT_API_URL: None}),
        pytest.raises(ConfigurationError, match="export PREFECT_API_URL"),
    ):
        register.apply(load(write(estate_folder, estate_text)))
