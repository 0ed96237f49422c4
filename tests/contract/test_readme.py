"""The README's way to an own Prefect server, typed as it stands, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import DeploymentSort
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from ruamel.yaml import YAML

from deployments.lab.control import migrated_database
from tests.fakes.loopback_sshd import free_port
from tests.unit.test_docs import EXAMPLE, ROOT, fenced, provide_secrets

PASSWORD = "operator:a-long-password"
DOCTOR = "continuity doctor"
RED = f"{DOCTOR} --deadline 5 || [ $? = 3 ]"
"""The example's providers, keys and machines are invented: here it can only be red."""


def typed() -> str:
    """Return every command from the installation to the estate, in order."""
    text = (ROOT / "README.md").read_text("utf-8")
    part = text[text.index("## For real") : text.index("**First backup")]
    commands = "\n".join(fenced(part, "bash")).splitlines()
    assert DOCTOR in commands
    return "\n".join(RED if each == DOCTOR else each for each in commands)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that a clone has, an environment that is there, and the secrets."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for each in ROOT.iterdir():
        if each.name not in (".git", "var", "estate.yaml", "secrets"):
            (folder / each.name).symlink_to(each)
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "CONTINUITY_"))]:
        monkeypatch.delenv(name)
    provide_secrets(YAML(typ="safe").load(EXAMPLE.read_text("utf-8")), folder, monkeypatch)
    return folder


@pytest.fixture
def port(clone: Path, tmp_path: Path) -> Iterator[int]:
    """Type it; yield the server's port. What is only shorter here: a database made before."""
    found = free_port()
    home = tmp_path / "continuity"
    shutil.copy(migrated_database(), tmp_path / "prefect.db")
    script = typed().replace("/root/continuity", str(home)).replace("4200", str(found))
    environment = os.environ | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_API_PORT": str(found),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/prefect.db",
    }
    said = tmp_path / "said"
    with said.open("w") as output:
        shell = subprocess.Popen(
            ["bash", "-ec", script],
            cwd=clone, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        assert shell.wait(timeout=150) == 0, said.read_text()
        yield found
    finally:
        os.killpg(shell.pid, signal.SIGKILL)


@pytest.mark.timeout(200)
def test_what_the_readme_says_ends_with_a_server_a_worker_and_the_deployments(port: int) -> None:
    url = f"http://127.0.0.1:{port}/api"
    with (
        temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: PASSWORD}),
        get_client(sync_client=True) as client,
    ):
        found = client.read_deployments(limit=50, sort=DeploymentSort.NAME_ASC)
        assert {"daily", "weekly", "quarterly", "on-demand"} <= {each.name for each in found}
        deadline = time.monotonic() + 30
        while client.read_work_pool("continuity").status.value != "READY":
            assert time.monotonic() < deadline, "the worker does not poll"
            time.sleep(0.5)
