"""The look at other processes, which come and go while it is taken."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.process_list import read_all


def test_it_sees_this_process() -> None:
    assert dict(read_all())[os.getpid()] == Path("/proc/self/cmdline").read_bytes()


def test_a_process_that_has_just_ended_is_left_out(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "60"])
    held = os.open(f"/proc/{process.pid}", os.O_RDONLY)
    (tmp_path / "123").symlink_to(f"/proc/self/fd/{held}")
    there = list(dict(read_all(proc=tmp_path)))
    process.kill()
    process.wait()
    after = list(dict(read_all(proc=tmp_path)))
    os.close(held)
    assert (there, after) == ([123], [])
