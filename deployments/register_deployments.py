"""Apply prefect.yaml: the work pool and the deployments."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.sorting import DeploymentSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import get_current_settings
from prefect.workers.process import ProcessWorker
from ruamel.yaml import YAML

from blocks.errors import ConfigurationError, DeadlineExceeded
from deployments.register_changes import Action, Change

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "prefect.yaml"
WORK_POOL = "continuity"
EVERY_SERVER = "*"
WATCH = "flows.watch.watch"
"""Entrypoint whose schedules the estate may switch off."""

_TIMEOUT_SECONDS = 180
_VOLATILE = {"id", "created", "updated", "status", "last_polled", "created_by", "updated_by"}


def ensure_work_pool(client: SyncPrefectClient) -> Change:
    """Make sure that the work pool of the deployments exists."""
    try:
        client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        try:
            client.create_work_pool(
                WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template)
            )
        except ObjectAlreadyExists:
            pass  # A worker that starts right now was quicker.
        else:
            return Change(Action.CREATED, "work pool", WORK_POOL)
    return Change(Action.UNCHANGED, "work pool", WORK_POOL)


@contextmanager
def deploying(
    client: SyncPrefectClient, servers: Sequence[str], idle: Sequence[str] = ()
) -> Iterator[Callable[[], Iterator[Change]]]:
    """Run `prefect deploy --all` over prefect.yaml while the block lasts; it takes some seconds.

    Schedules for every server become one for each; those of `idle` entrypoints are off. Yields the
    function that waits for the end and tells what changed; it raises `ConfigurationError` if
    Prefect refuses the file or a flow cannot be imported, and `DeadlineExceeded` after three
    minutes.
    """
    before = _deployments(client)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prefect.yaml"
        _write_expanded(file, servers, idle)
        process = _start(file)

        def finish() -> Iterator[Change]:
            _wait(process)
            for name, content in _deployments(client).items():
                unchanged = before.get(name) == content
                known = Action.UNCHANGED if unchanged else Action.CHANGED
                yield Change(known if name in before else Action.CREATED, "deployment", name)

        try:
            yield finish
        finally:
            process.kill()
            process.communicate()


def _write_expanded(file: Path, servers: Sequence[str], idle: Sequence[str]) -> None:
    project = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    for deployment in project["deployments"]:
        deployment["schedules"] = list(_schedules(deployment["schedules"], servers))
        if deployment["entrypoint"] in idle:
            deployment["schedules"] = [each | {"active": False} for each in deployment["schedules"]]
    with file.open("w", encoding="utf-8") as output:
        YAML(typ="safe").dump(project, output)


def _schedules(
    schedules: Sequence[dict[str, Any]], servers: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for schedule in schedules:
        parameters = schedule.get("parameters", {})
        if parameters.get("server") != EVERY_SERVER:
            yield schedule
            continue
        for server in servers:
            own = {
                "slug": f"{schedule['slug']}-{server}",
                "parameters": parameters | {"server": server},
            }
            yield schedule | own


def _start(file: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    return subprocess.Popen(
        [*argv, "--prefect-file", str(file)],
        cwd=ROOT,
        env=os.environ | settings | {"NO_COLOR": "1", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        hint = "look at the Prefect server's log, then: continuity estate apply"
        cause = f"not done after {_TIMEOUT_SECONDS} s"
        raise DeadlineExceeded("prefect deploy", cause, hint) from error
    if process.returncode:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        hint = "see all of it: prefect --no-prompt deploy --all"
        raise ConfigurationError(str(FILE), " ".join(lines[-3:]), hint)


def _deployments(client: SyncPrefectClient) -> dict[str, object]:
    # The server refuses the client's defaults for limit and sort, which are null.
    found = client.read_deployments(
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[WORK_POOL])),
        limit=200,
        sort=DeploymentSort.NAME_ASC,
    )
    return {
        f"{client.read_flow(each.flow_id).name}/{each.name}": _content(each.model_dump(mode="json"))
        for each in found
    }


def _content(value: object) -> object:
    if isinstance(value, dict):
        return {key: _content(inner) for key, inner in value.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return sorted((_content(inner) for inner in value), key=repr)
    return value
