"""Turn a command into the one line that sshd is asked to run. Pure text, no secret in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from math import ceil

from blocks.errors import ConfigurationError
from blocks.types import RemoteCommand

ENVIRONMENT = (
    "HOME=/root",
    "LANG=C.UTF-8",
    "LC_ALL=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)
"""For every command, so that messages can be recognised and tools of root are found."""

UNIT_PREFIX = "continuity-"
STATUS_LINE = "continuity-pipe-status"
"""First word of the line on stderr that tells both exit statuses of a pipe."""

_JOB = re.compile(r"[a-z0-9][a-z0-9-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# bash reads these records byte by byte from a pipe or socket: what follows the empty record is
# still there for the command itself.
_READ_RECORDS = """while IFS= read -r -d '' pair && [ -n "$pair" ]; do {0}; done"""
_RUN_WITH_SECRETS = _READ_RECORDS.format('export "$pair"') + '; exec "$@"'
_PIPE = (
    "first=(); second=(); "
    + _READ_RECORDS.format('first+=("$pair")')
    + "; "
    + _READ_RECORDS.format('second+=("$pair")')
    + """; ( for pair in "${{first[@]}}"; do export "$pair"; done; exec {source} )"""
    + """ | ( for pair in "${{second[@]}}"; do export "$pair"; done; exec {sink} )"""
    + """; set -- "${{PIPESTATUS[@]}}"; printf '\\n%s %s %s\\n' {marker} "$1" "$2" >&2"""
    + """; [ "$2" = 0 ] || exit "$2"; exit "$1\""""
)


def as_command(command: RemoteCommand | Sequence[str]) -> RemoteCommand:
    """Return the command as a `RemoteCommand`."""
    return command if isinstance(command, RemoteCommand) else RemoteCommand(tuple(command))


def records(secrets: Mapping[str, str]) -> bytes:
    """Return the records `NAME=value` that the remote wrapper reads first from standard input."""
    for name, value in secrets.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise ConfigurationError(
                f"secret {name!r}", "cannot be an environment variable", "correct the block's field"
            )
    pairs = (f"{name}={value}\0".encode() for name, value in secrets.items())
    return b"".join(pairs) + b"\0"


def run_words(command: RemoteCommand) -> tuple[str, ...]:
    """Return the words that take the secrets from standard input, then become the command."""
    if not command.secrets:
        return command.argv
    return ("bash", "-c", _RUN_WITH_SECRETS, "continuity", *command.argv)


def pipe_words(source: RemoteCommand, sink: RemoteCommand) -> tuple[str, ...]:
    """Return the words of `source | sink`, each with its own secrets from standard input."""
    script = _PIPE.format(
        source=shlex.join(source.argv), sink=shlex.join(sink.argv), marker=STATUS_LINE
    )
    return ("bash", "-o", "pipefail", "-c", script, "continuity")


def remote_line(words: Sequence[str], seconds: float, job: str = "") -> str:
    """Return the shell line that runs the words, killed there after so many seconds."""
    limit = max(1, ceil(seconds))
    if not job:
        # A bash that finds SSH_CLIENT would read root's .bashrc, and that our standard input.
        clean = ("env", "-u", "SSH_CLIENT", "-u", "SSH2_CLIENT", *ENVIRONMENT)
        wrapped = ("timeout", "--kill-after=5", str(limit), *clean, *words)
        return shlex.join(wrapped)
    unit = unit_name(job)
    wrapped = (
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={unit}"),
        # Its default is the whole command line, whose line ends systemd takes for settings.
        f"--description={unit}",
        *("-p", "Type=oneshot", "-p", f"TimeoutStartSec={limit}", "-p", "TimeoutStopSec=5"),
        *(f"--setenv={pair}" for pair in ENVIRONMENT),
        "--",
        # systemd itself expands $VARIABLE and ${VARIABLE} in these words.
        *(word.replace("$", "$$") for word in words),
    )
    stop = shlex.join(("systemctl", "stop", unit))
    return f"{stop} 2>/dev/null </dev/null; exec {shlex.join(wrapped)}"


def unit_name(job: str) -> str:
    """Return the name of a job's systemd unit."""
    if not _JOB.fullmatch(job):
        raise ConfigurationError(
            f"job {job!r}",
            "holds more than lower case, digits and dashes",
            "name the job otherwise",
        )
    return f"{UNIT_PREFIX}{job}.service"
