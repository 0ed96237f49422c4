"""Taking the lab down leaves nothing, whatever was killed before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from blocks.types import PowerState
from blocks.vps.nspawn_group import TOP, hierarchies
from deployments.lab import lab, machines, processes
from deployments.lab.config import ROOT, Lab
from tests import process_list

pytestmark = pytest.mark.lab

HERE = Lab("ltest", IPv4Network("10.89.77.0/24"), ROOT / "var/lab/ltest")
ENVIRONMENT = {
    **os.environ,
    "CONTINUITY_LAB": HERE.name,
    "CONTINUITY_LAB_NETWORK": str(HERE.network),
}
MACHINE_UP = (sys.executable, "-m", "deployments.lab.main", "machine", "up")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    lab.down(HERE)
    yield
    lab.down(HERE)


def ask_ip(*words: str) -> list[dict[str, object]]:
    done = subprocess.run(["ip", "-json", *words], capture_output=True, check=True, timeout=10)
    answer: list[dict[str, object]] = json.loads(done.stdout or "[]")
    return answer


def traces() -> list[str]:
    """Return all that is left of the lab on this machine, in words."""
    found = [f"process {pid}" for pid in processes.marked(HERE)]
    found += [f"namespace {each['name']}" for each in ask_ip("netns", "list")]
    found += [f"interface {each['ifname']}" for each in ask_ip("link")]
    found += [f"route {each['dst']}" for each in ask_ip("route")]
    state = str(HERE.state).encode()
    for _, mounts in process_list.read_all("mountinfo"):
        found += [f"mount {HERE.state}"] * (state in mounts)
    for _, command in process_list.read_all():
        found += [f"command {HERE.state}"] * (state in command)
    for mount in hierarchies():
        found += [f"group {path}" for path in mount.glob(f"{TOP}/{HERE.namespace}")]
    found += [str(path) for path in Path("/run/systemd/nspawn/propagate").glob("omw-ltest-*")]
    found += [str(path) for path in HERE.state.glob("*") if path.name not in ("secrets", "logs")]
    ours = (HERE.namespace, str(HERE.network), str(HERE.state), "process", "omw-ltest")
    return [line for line in found if any(word in line for word in ours)]


def start(name: str, host: int) -> int:
    """Start a machine as an operator would; return the process number of its supervisor."""
    command = [*MACHINE_UP, name, "base", HERE.address(host)]
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, timeout=240)
    return int(next(iter(supervisors(name))))


def supervisors(name: str) -> list[str]:
    root = str(machines.state(HERE) / name / "root").encode()
    return [
        str(process)
        for process, command in process_list.read_all()
        if command.startswith(b"systemd-nspawn\0") and root in command
    ]


def test_down_leaves_nothing_after_a_supervisor_and_all_records_were_lost() -> None:
    supervisor = start("one", 20)
    daemon = processes.spawn(HERE, "sleeper", ("sleep", "600"))
    assert any(line.startswith("mount") for line in traces()), "the look finds what is there"
    os.kill(supervisor, signal.SIGKILL)
    for record in (HERE.state / "run").glob("*.json"):
        record.unlink()
    assert machines.provider(HERE).find({})[0].power is PowerState.ON, "its init outlives that"
    assert daemon in processes.marked(HERE)
    lab.down(HERE)
    assert traces() == []
    lab.down(HERE)
    assert traces() == []


def test_down_leaves_nothing_after_a_start_was_killed() -> None:
    command = [*MACHINE_UP, "one", "base", HERE.address(20)]
    starter = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, start_new_session=True)
    intent = machines.state(HERE) / "one" / "machine.json"
    deadline = time.monotonic() + 240
    while not intent.exists():
        assert time.monotonic() < deadline, "the start did not get so far"
        assert starter.poll() is None, "the start ended by itself"
        time.sleep(0.01)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait(timeout=10)
    lab.down(HERE)
    assert traces() == []


def test_a_start_mends_what_was_killed() -> None:
    os.kill(start("one", 20), signal.SIGKILL)
    apt_cache = next(pid for pid in processes.marked(HERE) if b"apt_cache" in words(pid))
    os.kill(apt_cache, signal.SIGKILL)
    start_again = [*MACHINE_UP, "one", "base", HERE.address(20)]
    subprocess.run(start_again, cwd=ROOT, env=ENVIRONMENT, check=True, timeout=60)
    assert any(b"apt_cache" in words(pid) for pid in processes.marked(HERE))
    assert [machine.power for machine in machines.provider(HERE).find({})] == [PowerState.ON]


def words(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def test_a_daemon_is_started_once_and_its_number_is_not_trusted_alone() -> None:
    lab.foundation(HERE)
    first = processes.spawn(HERE, "sleeper", ("sleep", "600"))
    assert processes.spawn(HERE, "sleeper", ("sleep", "600")) == first
    record = HERE.state / "run" / "sleeper.json"
    record.write_text(json.dumps({"pid": os.getpid(), "started": "1"}))
    assert not processes.running(HERE, "sleeper")
    processes.stop(HERE, "sleeper")
    assert first in processes.marked(HERE), "only the mark finds it now"
    second = processes.spawn(HERE, "sleeper", ("sleep", "600"))
    processes.stop(HERE, "sleeper")
    assert second not in processes.marked(HERE)
