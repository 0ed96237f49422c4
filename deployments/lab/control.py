"""The lab's control services: Prefect's server and worker, Slack, mail, and the lab's estate."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
from jinja2 import Environment, StrictUndefined
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    temporary_settings,
)

from blocks.errors import DeadlineExceeded, ProviderError
from blocks.vps.nspawn_launch import file_lock
from deployments.lab import alerts, machines, processes, second_storage, visitors
from deployments.lab.config import CACHE, Lab
from deployments.register_deployments import WORK_POOL

PREFECT_PORT = 4200
SLACK_PORT = 8065
MAIL_PORT = 2525

_START_SECONDS = 60
_APPLY_SECONDS = 180
_MIGRATION_SECONDS = 180


def start(lab: Lab) -> None:
    """Start what does not run, apply the lab's estate, and start a worker. Idempotent.

    Raises:
        ProviderError: A service ended right after its start, or the estate was refused.
        DeadlineExceeded: A service does not answer.
    """
    start_services(lab)
    make_status_repository(lab)
    write_estate(lab)
    _wait_for_prefect(lab)
    # The worker takes some seconds to start: it does so while the estate is applied.
    _start_worker(lab)
    _apply_estate(lab)
    # It reads monitors and sites from the estate that was just applied.
    alerts.start(lab, environment(lab))


def start_services(lab: Lab) -> None:
    """Start Slack, mail and Prefect's server without waiting for them. Idempotent.

    They need secrets and network only, and may start while the machines boot.
    """
    _start_slack(lab)
    _start_mail(lab)
    _start_prefect(lab)


def addresses(lab: Lab) -> list[tuple[str, str]]:
    """Return what a person can open, with the name to show for it."""
    return [
        ("Prefect", f"http://{lab.control}:{PREFECT_PORT}"),
        ("Prefect's login", str(lab.secrets / "prefect-auth")),
        ("Slack", f"http://{lab.control}:{SLACK_PORT}"),
        ("Mail", str(lab.state / "mail")),
        ("Alerts (continuity alerts address)", alerts.base(lab)),
        *((f"Site (DNS {lab.resolver}, CA secrets/ca.pem)", page.url) for page in visitors.PAGES),
    ]


def environment(lab: Lab) -> dict[str, str]:
    """Return what a client of the lab's Prefect server needs in its environment."""
    return {
        "PREFECT_API_URL": f"http://{lab.control}:{PREFECT_PORT}/api",
        "PREFECT_API_AUTH_STRING": lab.secret("prefect-auth"),
        # Each client reads the authorities that it trusts: the lab's one in no time, all the
        # world's in 14 ms.
        "PREFECT_API_SSL_CERT_FILE": str(lab.secrets / "ca.pem"),
        "PREFECT_HOME": str(_folder(lab)),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "CONTINUITY_ESTATE": str(estate_path(lab)),
    }


@contextmanager
def prefect(lab: Lab) -> Iterator[None]:
    """Let this process be a client of the lab's Prefect server."""
    settings = environment(lab)
    with temporary_settings(
        {
            PREFECT_API_URL: settings["PREFECT_API_URL"],
            PREFECT_API_AUTH_STRING: settings["PREFECT_API_AUTH_STRING"],
            PREFECT_API_SSL_CERT_FILE: settings["PREFECT_API_SSL_CERT_FILE"],
        }
    ):
        yield


def estate_path(lab: Lab) -> Path:
    """Return where the lab's filled-in estate file lies."""
    return lab.state / "estate.yaml"


def write_estate(lab: Lab) -> Path:
    """Fill the template in with this lab's addresses and folders; return the file."""
    template = Path(__file__).with_name("estate.yaml").read_text(encoding="utf-8")
    yaml = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - not HTML
    providers = {"lab": machines.provider(lab), "lab13": machines.provider13(lab)}
    text = yaml.from_string(template).render(
        lab=lab, providers=providers, second_endpoint=second_storage.endpoint(lab)
    )
    estate_path(lab).write_text(text + "\n", encoding="utf-8")
    return estate_path(lab)


def make_status_repository(lab: Lab) -> Path:
    """Make the repository that stands for the one at the status page's host. Idempotent."""
    folder = lab.state / "status.git"
    argv = ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)]
    subprocess.run(argv, check=True, timeout=30)
    return folder


def _start_slack(lab: Lab) -> None:
    argv = [sys.executable, "-m", "deployments.lab.slack_server"]
    argv += ["--host", lab.control, "--port", str(SLACK_PORT)]
    argv += ["--state", str(lab.state / "slack.json")]
    argv += ["--token-file", str(lab.secrets / "slack-token")]
    processes.spawn(lab, "slack", argv)


def _start_mail(lab: Lab) -> None:
    argv = [sys.executable, "-m", "deployments.lab.mail_server"]
    argv += ["--host", lab.control, "--port", str(MAIL_PORT)]
    argv += ["--directory", str(lab.state / "mail")]
    processes.spawn(lab, "mail", argv)


def _start_prefect(lab: Lab) -> None:
    if processes.running(lab, "prefect"):
        return
    database = _folder(lab) / "prefect.db"
    if not database.exists():
        _copy(migrated_database(), database)
    argv = [sys.executable, "-m", "prefect", "server", "start"]
    argv += ["--host", lab.control, "--port", str(PREFECT_PORT)]
    processes.spawn(lab, "prefect", argv, _server_environment(lab))


def _server_environment(lab: Lab) -> dict[str, str]:
    return environment(lab) | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": _url(_folder(lab) / "prefect.db"),
        "PREFECT_SERVER_API_AUTH_STRING": lab.secret("prefect-auth"),
        # Otherwise the key that encrypts secrets would lie in the database beside them.
        "PREFECT_SERVER_ENCRYPTION_KEY": lab.secret("prefect-encryption-key"),
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # Relative, so that a browser uses the address it came by.
        "PREFECT_UI_API_URL": "/api",
        "PREFECT_UI_URL": f"http://{lab.control}:{PREFECT_PORT}",
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    }


def _start_worker(lab: Lab) -> None:
    argv = [sys.executable, "-m", "prefect", "worker", "start"]
    argv += ["--pool", WORK_POOL, "--type", "process", "--name", f"lab-{lab.name}"]
    env = environment(lab) | {
        # Polls every second instead of every ten: a recovery should not wait for its worker.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_WORKER_PREFETCH_SECONDS": "5",
    }
    processes.spawn(lab, "worker", argv, env)


def _wait_for_prefect(lab: Lab) -> None:
    deadline = time.monotonic() + _START_SECONDS
    look = f"less {processes.log(lab, 'prefect')}"
    with httpx.Client(timeout=2) as client:
        while not _is_healthy(client, lab):
            if not processes.running(lab, "prefect"):
                raise ProviderError("Prefect server", "ended right after its start", look)
            if time.monotonic() > deadline:
                raise DeadlineExceeded("Prefect server", f"no answer in {_START_SECONDS} s", look)
            time.sleep(0.1)


def _is_healthy(client: httpx.Client, lab: Lab) -> bool:
    try:
        answer = client.get(f"http://{lab.control}:{PREFECT_PORT}/api/health")
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK


def _apply_estate(lab: Lab) -> None:
    argv = [sys.executable, "-m", "deployments.cli.main", "estate", "apply"]
    done = _run([*argv, str(estate_path(lab))], environment(lab), _APPLY_SECONDS)
    if done.returncode:
        hint = f"continuity estate validate {estate_path(lab)}"
        raise ProviderError("lab's estate", _last_line(done), hint)


def migrated_database() -> Path:
    """Return an empty database of this Prefect version: migrating one takes longer than a start."""
    template = CACHE / "prefect" / f"{version('prefect')}.db"
    with file_lock(template.with_suffix(".lock"), seconds=_MIGRATION_SECONDS):
        if not template.exists():
            fresh = template.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            env = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": _url(fresh), "DO_NOT_TRACK": "1"}
            argv = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
            done = _run(argv, env, _MIGRATION_SECONDS)
            if done.returncode:
                hint = f"run it by hand: {' '.join(argv[1:])}"
                raise ProviderError("Prefect's database", _last_line(done), hint)
            fresh.replace(template)
    return template


def _run(
    argv: list[str], env: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        words = " ".join(argv[1:])
        raise DeadlineExceeded(words, f"not done after {seconds:g} s", "try it by hand") from error


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else f"ended with status {done.returncode}"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(source.read_bytes())
    fresh.replace(target)


def _folder(lab: Lab) -> Path:
    return lab.state / "prefect"


def _url(database: Path) -> str:
    return f"sqlite+aiosqlite:///{database}"
