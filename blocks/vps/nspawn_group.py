"""A control group of its own for each machine: found, counted and killed as one, by name only.

The machine's init survives the death of its supervisor, and its process numbers say nothing about
whose it is; its control group does. Also keeps machines apart where the host's PID 1 is not systemd
and every container would otherwise share one group.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from blocks.errors import ConfigurationError, DeadlineExceeded

TOP = "omniweb-continuity"
"""All groups of this project lie below this one."""


def hierarchies() -> tuple[Path, ...]:
    """Return where control groups are mounted: version 2 first, then systemd's own of version 1."""
    unified: list[Path] = []
    named: list[Path] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        point, kind, options = Path(before.split()[4]), after.split()[0], after.split()[2]
        if kind == "cgroup2":
            unified.append(point)
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            named.append(point)
    if not unified:
        raise ConfigurationError(
            "control groups",
            "no cgroup2 file system is mounted",
            "mount -t cgroup2 none /sys/fs/cgroup/unified",
        )
    return (unified[0], *named[:1])


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """One group below `TOP`; its name may have several levels."""

    name: str

    def _paths(self) -> tuple[Path, ...]:
        return tuple(mount / TOP / self.name for mount in hierarchies())

    def join(self, process: int) -> None:
        """Put a process (and all it starts from now on) into the group, made if missing."""
        for path in self._paths():
            try:
                path.mkdir(parents=True, exist_ok=True)
                (path / "cgroup.procs").write_text(str(process))
            except OSError as refused:
                raise ConfigurationError(
                    f"control group {path}",
                    f"cannot be used: {refused.strerror}",
                    "run as root, outside a container; see: mount | grep cgroup",
                ) from refused

    def populated(self) -> bool:
        """Return whether any process lives in the group or below it."""
        try:
            return "populated 1" in (self._paths()[0] / "cgroup.events").read_text()
        except FileNotFoundError:
            return False

    def kill(self, *, seconds: float = 10) -> None:
        """Kill all processes in the group and wait until they are gone. Idempotent."""
        deadline = time.monotonic() + seconds
        while self.populated():
            (self._paths()[0] / "cgroup.kill").write_text("1")
            if time.monotonic() > deadline:
                raise DeadlineExceeded(
                    f"control group {self.name}",
                    f"still holds processes {seconds:g} s after they were killed",
                    f"cat {self._paths()[0]}/cgroup.procs",
                )
            time.sleep(0.02)
        self._remove()

    def _remove(self) -> None:
        for mount, path in zip(hierarchies(), self._paths(), strict=True):
            for folder, _, _ in os.walk(path, topdown=False):
                Path(folder).rmdir()
            # The levels above are shared: they go when the last one leaves.
            for above in path.parents[: len(path.relative_to(mount).parts) - 1]:
                try:
                    above.rmdir()
                except OSError:
                    break
