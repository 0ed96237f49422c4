"""What the end of a remote command means: the one place that reads exit statuses. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass

from blocks.errors import CommandFailed, ContinuityError, DeadlineExceeded, DiskFull
from blocks.servers.wrapping import STATUS_LINE
from blocks.types import CommandResult

_DISK_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|Disk full \(|\b(?:errno|error|errcode):? ?28\b",
    re.IGNORECASE,
)
_FULL_PATH = re.compile(r"['\"]?(/[^\s'\":,;()]+)")
_STATUSES = re.compile(rf"^{STATUS_LINE} (\d+) (\d+)\n?", re.MULTILINE)
_BROKEN_PIPE = 141
_SHOWN_LINES = 8
_KEPT_LINES = 100
"""For whoever knows the command and reads in them what it met, such as damaged data."""
_SHOWN_WORDS = 12
_SHOWN_SCRIPT = 60
_SHELLS = (("sh", "-c"), ("bash", "-c"))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a remote command ended.

    Attributes:
        address: The server it ran on.
        words: What ran, for people: one text a command of a pipe.
        seconds: How long it ran.
        limit: How long it was allowed to run.
    """

    address: str
    words: tuple[str, ...]
    result: CommandResult
    seconds: float
    limit: float


def describe(argv: tuple[str, ...]) -> str:
    """Return the command for people, cut after some words.

    A longer script of ours goes by the name it is given as `$0`.
    """
    named = argv[:2] in _SHELLS and len(argv) > 3 and len(argv[2]) > _SHOWN_SCRIPT
    chosen = argv[3:] if named else argv
    words = [word if len(word) <= 120 else word[:117] + "..." for word in chosen]
    shown = shlex.join(words[:_SHOWN_WORDS])
    return shown if len(words) <= _SHOWN_WORDS else f"{shown} ..."


def pipe_statuses(stderr: str) -> tuple[str, tuple[int, int] | None]:
    """Take the line with both statuses of a pipe out of stderr."""
    found = _STATUSES.search(stderr)
    if found is None:
        return stderr, None
    rest = stderr[: found.start()].removesuffix("\n") + stderr[found.end() :]
    return rest, (int(found[1]), int(found[2]))


def failure(ended: Ended, accept: Collection[int]) -> ContinuityError | None:
    """Return the error that this end means, None if it is a success."""
    status = ended.result.status
    if status in accept:
        return None
    if ended.seconds >= ended.limit:
        return overdue(ended.address, ended.words, ended.limit)
    if _DISK_FULL.search(ended.result.stderr):
        return _disk_full(ended)
    return _failed(ended)


def overdue(address: str, words: tuple[str, ...], limit: float) -> DeadlineExceeded:
    """Return the error for a command that ran out of time."""
    return DeadlineExceeded(
        f"server {address}",
        f"`{' | '.join(words)}` did not end within {limit:.0f} s and was stopped",
        "look at the load with `uptime` and `iotop` on the server, or allow more time",
    )


def _disk_full(ended: Ended) -> DiskFull:
    line = next(line for line in ended.result.stderr.splitlines() if _DISK_FULL.search(line))
    path = _FULL_PATH.search(line)
    place = path[1] if path else "/"
    return DiskFull(
        f"server {ended.address}",
        f"no space left: {line.strip()}",
        f"on the server: df -h {shlex.quote(place)}; free space or take a larger disk, run again",
    )


def _failed(ended: Ended) -> CommandFailed:
    stderr, both = pipe_statuses(ended.result.stderr)
    status = ended.result.status
    if both is None:
        ends = f"`{' | '.join(ended.words)}` ended with status {status}"
    else:
        status, ends = _blame(ended.words, both)
    lines = [line for line in stderr.splitlines() if line.strip()][-_KEPT_LINES:]
    said = f": {' / '.join(lines[-_SHOWN_LINES:])}" if lines else ", without a message"
    return CommandFailed(
        f"server {ended.address}",
        ends + said,
        "read the message above, repair its cause on the server and run again",
        status=status,
        stderr="\n".join(lines),
    )


def _blame(words: tuple[str, ...], both: tuple[int, int]) -> tuple[int, str]:
    """Return the status that counts and a sentence on who failed.

    A source that was cut off by its sink's end (SIGPIPE) is not to blame.
    """
    guilty = [
        (status, name)
        for status, name in zip(both, words, strict=True)
        if status not in (0, _BROKEN_PIPE)
    ] or [(both[0] or both[1], words[0])]
    return guilty[0][0], " and ".join(f"`{name}` ended with status {end}" for end, name in guilty)
