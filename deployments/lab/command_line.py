"""Run the operator's own command `continuity` in a process group, to kill or to measure it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from blocks.errors import DeadlineExceeded, VerificationFailed
from deployments.lab import control
from deployments.lab.config import Lab

_SAMPLE_SECONDS = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        memory: Most bytes that all its processes together held at once (resident).
    """

    status: int
    seconds: float
    memory: int
    output: str


class Running:
    """One `continuity ...` with its children, its output in a file."""

    def __init__(self, process: subprocess.Popen[bytes], words: tuple[str, ...], log: Path) -> None:
        self._process = process
        self._words = words
        self._log = log
        self._began = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether the command still runs."""
        return self._process.poll() is None

    def kill(self) -> bool:
        """Kill the whole group at once (SIGKILL); return whether it was still running."""
        was_alive = self.alive
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)
        return was_alive

    def finish(self, seconds: float) -> Ended:
        """Wait for the end. Raises `DeadlineExceeded` after so many seconds, and kills it."""
        memory = 0
        while self.alive:
            memory = max(memory, _resident(self._process.pid))
            if time.monotonic() - self._began > seconds:
                self.kill()
                raise DeadlineExceeded(
                    f"continuity {' '.join(self._words)}",
                    f"not done in {seconds:g} s",
                    f"less {self._log}",
                )
            time.sleep(_SAMPLE_SECONDS)
        spent = time.monotonic() - self._began
        return Ended(self._process.returncode, spent, memory, self._log.read_text())


def start(lab: Lab, *words: str, log: Path) -> Running:
    """Start `continuity` with these words against the lab's Prefect server."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            (sys.executable, "-m", "deployments.cli.main", *words),
            env={**os.environ, **control.environment(lab)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(process, words, log)


def run(lab: Lab, *words: str, log: Path, seconds: float, status: int = 0) -> Ended:
    """Run `continuity` to its end, which must be this one. Raises `VerificationFailed` if not."""
    ended = start(lab, *words, log=log).finish(seconds)
    if ended.status != status:
        said = ended.output.strip().splitlines()[-1:]
        raise VerificationFailed(
            f"continuity {words[0]}", f"ended with {ended.status}: {said}", f"less {log}"
        )
    return ended


def _resident(group: int) -> int:
    """Return the resident bytes of all processes of a group; one that just ended counts none."""
    total = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group:
                    total += int(fields[21]) * _PAGE
    return total
