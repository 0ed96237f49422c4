"""Where a benchmark works: an estate of its own, with a repository that nobody used before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML

from blocks.errors import CommandFailed
from blocks.repositories.restic import ResticRepository
from blocks.repositories.restic_command import SERVER_BINARY
from deployments.lab import benchmark_data as data
from deployments.lab import command_line, control, machines
from deployments.lab.benchmark_bare import Host, Restic
from deployments.lab.config import Lab
from flows.tasks.incident import Estate, open_estate

SERVER = "web1"
SECONDS = 900.0


def prepare(lab: Lab, prefix: str) -> Estate:
    """Write and apply the benchmark's estate; return it opened."""
    yaml = YAML()
    document = yaml.load(control.estate_path(lab).read_text(encoding="utf-8"))
    document["repositories"][0]["store"]["prefix"] = f"{prefix}/ours"
    site = next(each for each in document["sites"] if each["name"] == data.SITE)
    site.update({"databases": [data.DATABASE], "frequency": "daily"})
    path = control.estate_path(lab).with_name("benchmark.yaml")
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    os.environ.update(control.environment(lab))
    run(lab, "estate", "apply", str(path))
    return open_estate(SERVER)


def run(lab: Lab, *words: str, accept: Sequence[int] = (0,)) -> command_line.Ended:
    """Run `continuity` to its end. Raises `CommandFailed` with its last line."""
    log = _log(lab, words)
    ended = command_line.start(lab, *words, log=log).finish(SECONDS)
    if ended.status not in accept:
        last = (ended.output.strip().splitlines() or ["no output"])[-1]
        raise CommandFailed(f"continuity {words[0]}", last, f"less {log}", ended.status)
    return ended


def restic(estate: Estate, prefix: str, name: str) -> Restic:
    """Return a repository for bare commands beside ours: same bucket, same binary."""
    repository = estate.repository
    assert isinstance(repository, ResticRepository)  # noqa: S101 - the lab's is one
    store = repository.store
    url = f"s3:{repository.endpoint()}/{store.bucket}/{prefix}/{name}"
    argv = (SERVER_BINARY, "-r", url, "-o", "s3.bucket-lookup=path", "-o")
    return Restic(
        (*argv, f"s3.region={store.region}", "--cache-dir", f"/var/cache/{prefix}-{name}"),
        repository.password.get_secret_value(),
        store.access_key,
        store.secret_key.get_secret_value(),
    )


def host(lab: Lab, name: str) -> Host:
    """Return a machine of the lab by its name."""
    record = machines.provider(lab).hypervisor.record(name)
    return Host(lab, name, record.address, record.host_key)


def _log(lab: Lab, words: Sequence[str]) -> Path:
    return lab.logs / "benchmark" / f"{words[0]}.log"
