"""Which process holds something, written so that another one on this host can see it is dead."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_PROC = Path("/proc")


def process_holder() -> str:
    """Return a text that names this process and no other, ever."""
    return _text(os.getpid(), _started(os.getpid()))


def is_dead(holder: str) -> bool:
    """Return whether the holder is a process of this host, since its start, that has ended.

    False in doubt: a process of another host, container or boot may well live.
    """
    words = dict(word.split("=", 1) for word in holder.split() if "=" in word)
    try:
        pid, start = int(words["pid"]), words["start"]
    except (KeyError, ValueError):
        return False
    return holder == _text(pid, start) and _started(pid) != start


def _text(pid: int, start: str) -> str:
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
    space = (_PROC / "self/ns/pid").readlink().name.strip("pid:[]")
    return f"host={socket.gethostname()} boot={boot} space={space} pid={pid} start={start}"


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; "" if it is not there."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    # The name in parentheses may hold anything; state is the first field after it.
    fields = stat.rsplit(")", 1)[1].split()
    return "" if fields[0] == "Z" else fields[19]
