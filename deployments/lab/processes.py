"""Daemons of the lab: started once, found again by a mark, stopped without guessing.

Every process of the lab carries `CONTINUITY_LAB_PROCESS=<lab>` in its environment, and so do its
children. Together with the lab's network namespace and its control groups this mark is the only way
processes are ever chosen for killing: a process number alone may belong to somebody else by now.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from blocks.errors import DeadlineExceeded, ProviderError
from deployments.lab import network
from deployments.lab.config import ROOT, Lab

MARK = "CONTINUITY_LAB_PROCESS"


def spawn(
    lab: Lab,
    name: str,
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    namespace: bool = True,
) -> int:
    """Start a daemon unless it runs; return its process number. Does not wait for it to be ready.

    Args:
        lab: The lab it belongs to.
        name: Names its log (`<logs>/<name>.log`, appended) and its record.
        argv: The command.
        env: Added to this process's environment.
        namespace: Whether it runs inside the lab's network namespace.
    """
    if (running_as := _recorded(lab, name)) is not None:
        return running_as
    # A shell in the background hands down ignored SIGINT and SIGQUIT; daemons want to hear them.
    start = ["env", "--default-signal=INT,QUIT", *argv]
    if namespace:
        start = ["nsenter", f"--net=/run/netns/{lab.namespace}", "--", *start]
    lab.logs.mkdir(parents=True, exist_ok=True)
    with log(lab, name).open("ab") as output:
        process = subprocess.Popen(
            start,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env={**os.environ, **(env or {}), MARK: lab.name},
            start_new_session=True,
        )
    record = _record(lab, name)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"pid": process.pid, "started": _started(process.pid)}))
    return process.pid


def log(lab: Lab, name: str) -> Path:
    """Return where a daemon's output goes."""
    return lab.logs / f"{name}.log"


def running(lab: Lab, name: str) -> bool:
    """Return whether the daemon runs."""
    return _recorded(lab, name) is not None


def names(lab: Lab) -> tuple[str, ...]:
    """Return the names of all daemons that were started and not stopped."""
    return tuple(sorted(path.stem for path in (lab.state / "run").glob("*.json")))


def stop(lab: Lab, name: str, *, seconds: float = 10) -> None:
    """End a daemon (SIGTERM, after the time SIGKILL) and its record. Idempotent."""
    process = _recorded(lab, name)
    if process is not None:
        _end([process], seconds)
    _record(lab, name).unlink(missing_ok=True)


def stop_all(lab: Lab, *, seconds: float = 5) -> None:
    """End every process that carries the lab's mark or is in its namespace, but not this one."""
    deadline = time.monotonic() + seconds + 10
    while found := marked(lab):
        _end(found, seconds)
        if time.monotonic() > deadline:
            raise DeadlineExceeded(
                f"lab {lab.name}", f"processes do not end: {found}", f"ps -fp {found[0]}"
            )
    for name in names(lab):
        _record(lab, name).unlink(missing_ok=True)


def marked(lab: Lab) -> list[int]:
    """Return all processes of the lab that carry its mark or are in its namespace."""
    mark = f"{MARK}={lab.name}".encode()
    found = set(network.processes(lab))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
        except OSError:  # it ended meanwhile
            continue
    return sorted(pid for pid in found - _lineage() if _started(pid) is not None)


def wait_listening(
    lab: Lab,
    name: str,
    host: str,
    port: int,
    *,
    seconds: float,
    alive: Callable[[], bool] | None = None,
) -> None:
    """Return when the daemon accepts connections.

    Args:
        lab: The lab it belongs to.
        name: The daemon's name, for its log.
        host: Where it listens.
        port: Where it listens.
        seconds: Time it has.
        alive: Tells whether it still runs, if it was not started by `spawn`.

    Raises:
        ProviderError: It ended instead.
        DeadlineExceeded: It does not listen in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((host, port), timeout=1):
                return
        except OSError:
            pass
        if not (alive() if alive else running(lab, name)):
            raise ProviderError(f"daemon {name}", f"ended: {_last(lab, name)}", _look(lab, name))
        if time.monotonic() > deadline:
            cause = f"does not listen at {host}:{port} after {seconds:g} s"
            raise DeadlineExceeded(f"daemon {name}", cause, _look(lab, name))
        time.sleep(0.05)


def _look(lab: Lab, name: str) -> str:
    return f"less {log(lab, name)}"


def _last(lab: Lab, name: str) -> str:
    return " / ".join(log(lab, name).read_text(errors="replace").splitlines()[-3:])


def _record(lab: Lab, name: str) -> Path:
    return lab.state / "run" / f"{name}.json"


def _recorded(lab: Lab, name: str) -> int | None:
    """Return the daemon's process number if it is still the very process that was started."""
    try:
        record = json.loads(_record(lab, name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    process = int(record["pid"])
    return process if record["started"] and _started(process) == record["started"] else None


def _started(process: int) -> str | None:
    """Return when a process started, in ticks since boot; None if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _lineage() -> set[int]:
    """Return this process and all it descends from."""
    found, process = set(), os.getpid()
    while process > 0 and process not in found:
        found.add(process)
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        process = int(fields[1])
    return found


def _end(processes: Iterable[int], seconds: float) -> None:
    alive = {process: _started(process) for process in processes}
    for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience
        for process, started in alive.items():
            if started and _started(process) == started:
                _signal(process, sign)
        while time.monotonic() < deadline:
            if not any(started and _started(pid) == started for pid, started in alive.items()):
                return
            time.sleep(0.02)


def _signal(process: int, sign: signal.Signals) -> None:
    try:
        os.kill(process, sign)
    except ProcessLookupError:
        return
