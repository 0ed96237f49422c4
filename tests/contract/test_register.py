"""Registration against a real Prefect server and the lab's Slack server, on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
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
from deployments.lab.control import migrated_database
from deployments.register_changes import Action, Change
from deployments.world import provide
from flows.decisions.alert import Assessment, Condition
from flows.tasks.incident import open_estate
from flows.tasks.kit import fingerprint
from flows.tasks.watch_steps import ask_for_recovery
from tests.contract.alert_messages import uptimerobot
from tests.contract.waiting import answers, free_port, serving_alerts, wait_until
from tests.unit.estate_texts import GOOD, write

AUTH = "admin:on-loopback"
TOKEN = "hush-hush"
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
    "failback/on-demand",
    "retire/on-demand",
    "watch/every-minute",
    "watch/on-alert",
    "sweep/hourly",
}


ALERT_SECRET = "guess-" * 6
ALERTS = """
alerts:
  - {name: robot, type: uptimerobot-alerts, secret: {file: alert-secret}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("register")
    (made / "alert-secret").write_text(ALERT_SECRET)
    return made


@pytest.fixture(scope="module", autouse=True)
def _secrets() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESTIC", TOKEN)
        yield


@pytest.fixture(scope="module")
def prefect(folder: Path) -> Iterator[str]:
    port = free_port()
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
        with temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: AUTH}):
            yield url
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def slack(folder: Path) -> Iterator[str]:
    port = free_port()
    (folder / "slack-token").write_text(TOKEN)
    argv = [sys.executable, "-m", "deployments.lab.slack_server", "--host", "127.0.0.1"]
    argv += ["--port", str(port), "--state", str(folder / "slack.json")]
    server = subprocess.Popen([*argv, "--token-file", str(folder / "slack-token")])
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/messages"), 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def text(slack: str) -> str:
    return GOOD.replace("http://127.0.0.1:9/api/", f"{slack}/api/") + ALERTS


@pytest.fixture(scope="module")
def applied(prefect: str, folder: Path, text: str) -> tuple[Change, ...]:
    return register.apply(load(write(folder, text)))


def count(changes: tuple[Change, ...]) -> Counter[Action]:
    return Counter(change.action for change in changes)


def content(block: Block) -> dict[str, object]:
    return block.model_dump(
        context={"include_secrets": True}, include=set(type(block).model_fields)
    )


def test_a_kit_sealed_from_the_file_is_known_by_the_blocks_that_prefect_saved(
    applied: tuple[Change, ...], folder: Path, text: str
) -> None:
    saved = open_estate("web1")
    found = fingerprint(saved, saved.repository)
    registry.provide(provide(load(write(folder, text))))
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
    applied: tuple[Change, ...], prefect: str, folder: Path, text: str
) -> None:
    # In a process of its own, which remembers nothing of the first.
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli.main", "estate", "apply", write(folder, text)],
        env=os.environ | {"PREFECT_API_URL": prefect, "PREFECT_API_AUTH_STRING": AUTH},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"nothing changed, {len(applied)} as they were\n"


def test_saved_blocks_are_those_of_the_estate(
    applied: tuple[Change, ...], folder: Path, text: str
) -> None:
    assert applied
    expected = provide(load(write(folder, text)))
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
    applied: tuple[Change, ...], folder: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert applied
    monkeypatch.setenv("RESTIC", "another secret")
    other = text.replace("title: Blog", "title: Web log") + "watch: {every_minute: false}\n"
    changes = register.apply(load(write(folder, other)))
    assert {change.name for change in changes if change.action is not Action.UNCHANGED} == {
        "client-site/blog",
        "restic-repository/principal",
        "watch/every-minute",
    }
    assert registry.load("client-site/blog", Site).title == "Web log"
    secret = Block.load("restic-repository/principal").password
    assert secret.get_secret_value() == "another secret"


def test_blocks_that_left_the_file_are_told_then_removed(
    applied: tuple[Change, ...], folder: Path, text: str
) -> None:
    assert applied
    without_blog = text[: text.index("  - name: blog")] + ALERTS
    changes = register.apply(load(write(folder, without_blog)))
    left = [change.name for change in changes if change.action is Action.LEFT]
    assert left == ["client-site/blog"]
    assert registry.names("client-site") == ("blog", "shop")
    changes = register.apply(load(write(folder, without_blog)), prune=True)
    assert count(changes)[Action.REMOVED] == 1
    assert registry.names("client-site") == ("shop",)


def test_copies_of_an_automation_are_removed(
    applied: tuple[Change, ...], folder: Path, text: str
) -> None:
    assert applied
    with get_client(sync_client=True) as client:
        (first,) = client.read_automations_by_name("crash-zombie-runs")
        client.create_automation(
            AutomationCore.model_validate(first.model_dump(exclude={"id"}, mode="json"))
        )
        assert len(client.read_automations_by_name("crash-zombie-runs")) == 2
        blocks = provide(load(write(folder, text)))
        changes = {
            change.name: change.action
            for change in register_automations.apply_automations(client, blocks)
        }
        assert changes["crash-zombie-runs"] is Action.CHANGED
        assert len(client.read_automations_by_name("crash-zombie-runs")) == 1


def test_a_crashed_run_is_told_in_slack_by_the_server(
    applied: tuple[Change, ...], slack: str
) -> None:
    assert applied
    run = crashed('lost "web1"\nand its <disk> & more')
    wait_until(lambda: "Crashed" in httpx.get(f"{slack}/messages", timeout=5).text, 60)
    told = httpx.get(f"{slack}/messages", timeout=5).json()
    assert run.name in str(told)
    assert 'lost "web1"' in str(told)


def crashed(why: str) -> FlowRun:
    """Return a run that the server lets crash."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("drill/quarterly")
        run = client.create_flow_run_from_deployment(deployment.id, parameters={"server": "web1"})
        client.set_flow_run_state(run.id, Crashed(message=why), force=True)
        return run


def test_an_end_that_comes_twice_is_told_once(applied: tuple[Change, ...], slack: str) -> None:
    """A server on SQLite delivers an event again after "database is locked"."""
    assert applied

    def told(why: str) -> int:
        return httpx.get(f"{slack}/messages", timeout=5).text.count(why)

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


def runs_of(deployment: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(deployment)
        wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[found.id]))
        return client.read_flow_runs(flow_run_filter=wanted, limit=50)


@pytest.fixture
def receiver(prefect: str, folder: Path) -> Iterator[str]:
    with serving_alerts(
        {"PREFECT_API_URL": prefect, "PREFECT_API_AUTH_STRING": AUTH}, folder
    ) as at:
        yield f"{at}/alerts/robot"


def test_an_alert_has_prefect_look(
    applied: tuple[Change, ...], receiver: str, folder: Path
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
    said = (folder / "alerts.log").read_text()
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


def test_a_wrong_password_says_what_to_export(prefect: str, folder: Path, text: str) -> None:
    assert prefect
    with (
        temporary_settings({PREFECT_API_AUTH_STRING: "admin:wrong"}),
        pytest.raises(AuthenticationFailed, match="export PREFECT_API_AUTH_STRING"),
    ):
        register.apply(load(write(folder, text)))


def test_a_server_that_is_gone_is_named(folder: Path, text: str) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(Unreachable, match=url):
        register.apply(load(write(folder, text)))


def test_no_server_is_not_a_reason_to_start_one(folder: Path, text: str) -> None:
    with (
        temporary_settings({PREFECT_API_URL: None}),
        pytest.raises(ConfigurationError, match="export PREFECT_API_URL"),
    ):
        register.apply(load(write(folder, text)))
