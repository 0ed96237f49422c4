"""The lab that the tests of the main job share: its estate, and what an operator does with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import httpx
from prefect.blocks.core import Block

from blocks import registry
from blocks.records import StepRecord, StepState
from blocks.repositories.journal import Journal
from blocks.types import Machine
from deployments import estate_file
from deployments.lab import control, machines, names
from deployments.lab.config import ROOT, Lab
from deployments.world import provide
from flows.reports.any_plan import read_plan
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import Estate, open_estate

LAB = Lab("test", IPv4Network("10.89.90.0/24"), ROOT / "var" / "lab" / "test")
SERVER = "web1"
PATIENCE = 150.0
COMMAND = (sys.executable, "-m", "deployments.cli.main")


def estate() -> Estate:
    """Return the opened blocks around web1."""
    return open_estate(SERVER)


@contextmanager
def changed(reference: str, **fields: object) -> Iterator[None]:
    """Let one block differ from the estate file while the block lasts."""
    blocks = provide(estate_file.load(control.estate_path(LAB)))
    kind = type(blocks[reference])
    values = {name: getattr(blocks[reference], name) for name in kind.model_fields} | fields
    with provided(blocks | {reference: kind(**values)}):
        yield


@contextmanager
def without_copies() -> Iterator[None]:
    """Let the first repository be all that web1 has while the block lasts."""
    with changed(f"protected-server/{SERVER}", copies=[]):
        yield


@contextmanager
def provided(blocks: dict[str, Block]) -> Iterator[None]:
    """Answer from these blocks while the block lasts."""
    registry.provide(blocks)
    try:
        yield
    finally:
        registry.provide({})


def manifests() -> dict[str, str]:
    """Return every manifest of web1 in the bucket with its checksum."""
    found = estate().repository.objects().list(f"{SERVER}/sets/")
    return {each.key: each.etag for each in found}


def made_machines(**tags: str) -> tuple[Machine, ...]:
    """Return the machines that recoveries and drills made and did not destroy."""
    return machines.provider(LAB).find({"managed-by": "continuity", **tags})


def addresses() -> dict[str, tuple[str, ...]]:
    """Return where the authoritative server leads the sites' visitors."""
    zones = estate().zones.values()
    return {each.name: each.values for zone in zones for each in zone.read() if each.type == "A"}


def journal(incident: str) -> Journal:
    """Return an incident's journal."""
    return Journal(estate().state, incident)


def report(incident: str) -> dict[str, object]:
    """Return an incident's report."""
    found = journal(incident).document(REPORT)
    assert found is not None
    return found


def digest(incident: str) -> str:
    """Return the digest that an operator reads on the plan."""
    return read_plan(journal(incident).document(PLAN) or {}).digest


def ends_of(incident: str, step: str) -> list[StepRecord]:
    """Return how the runs of a step ended."""
    return [r for r in journal(incident).records() if r.step == step and r.ended_at is not None]


def command(*words: str) -> subprocess.Popen[str]:
    """Start `continuity ...` in a process group of its own, without a terminal."""
    return subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=dict(os.environ),
        cwd=ROOT,
    )


def ended(running: subprocess.Popen[str], seconds: float = PATIENCE) -> tuple[int, str]:
    """Return how a command ended and what it said."""
    try:
        said, _ = running.communicate(timeout=seconds)
    finally:
        killed(running)
    return running.returncode, said


def length(incident: str) -> int:
    """Return how many records an incident's journal holds."""
    return len(journal(incident).records())


def killed(running: subprocess.Popen[str]) -> None:
    """End a command and all it started as a crash would."""
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate(timeout=10)


def await_record(
    incident: str,
    fits: Callable[[StepRecord], bool],
    running: subprocess.Popen[str],
    known: int = 0,
) -> StepRecord:
    """Wait for a record of the journal, after this many, that the running command writes."""
    deadline = time.monotonic() + PATIENCE
    followed = journal(incident)
    while time.monotonic() < deadline:
        over = running.poll() is not None
        for record in followed.records(after=known):
            if fits(record):
                return record
            known = record.sequence
        if over:
            said = running.stdout.read() if running.stdout else ""
            raise AssertionError(f"ended with {running.returncode} before the record: {said}")
        time.sleep(0.1)
    raise AssertionError(f"no such record of {incident} in time")


def step_is(name: str, state: StepState) -> Callable[[StepRecord], bool]:
    """Return a test for a record of this step (or its beginning) in this state."""
    return lambda record: record.step.startswith(name) and record.state is state


def slack(mode: str) -> None:
    """Let Slack have a good or a bad day."""
    url = f"http://{LAB.control}:{control.SLACK_PORT}/lab/mode"
    httpx.post(url, json={"mode": mode}, timeout=10).raise_for_status()


def forget_recoveries() -> None:
    """Destroy what recoveries made and lead the visitors back to web1's address."""
    for machine in made_machines():
        machines.provider(LAB).destroy(machine.id)
    names.reset(LAB)


def visitors(log: Path, rate: float = 5) -> subprocess.Popen[bytes]:
    """Start the customers."""
    argv = [sys.executable, "-m", "deployments.lab.visitors", "--log", str(log)]
    return subprocess.Popen([*argv, "--rate", str(rate), "--seconds", "600"], cwd=ROOT)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in {seconds:g} s"
        time.sleep(0.1)
