"""What a failed restic command means: the one place that reads its exit codes and messages. Pure.

The texts were recorded with the pinned release (`tests/data/restic`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ContinuityError,
    DamagedData,
    DeadlineExceeded,
    DiskFull,
    NotFound,
    PermissionDenied,
    Unavailable,
    Unreachable,
)
from blocks.repositories.restic_output import damaged_files, messages, refused_sources

OWN_STATUSES = (0, 1, 3, 10, 11, 12, 130)
"""What restic itself ends with; others come from what ran it (`timeout`, a signal, a shell)."""

_DAMAGE = re.compile(
    r"ciphertext verification failed|nonce is invalid|invalid data returned|hash does not match"
    r"|restic-file-too-short|range is not satisfiable|InvalidRange|is damaged|decompress"
    r"|not found in repository|unexpected file size|header is larger than file"
    r"|pack [0-9a-f]{64}: does not exist"
    r"|(?:Load|ReadFull)\(<(?:data|index|snapshot|key)/.*(?:does not exist|NoSuchKey)"
)
_SOURCE_COMMAND = re.compile(r"command failed: exit status (\d+)|(failed to start command)")
_RETRY = re.compile(r"^.*returned error, retrying after.*$", re.MULTILINE)

_BUCKET = "check the bucket's policy and the keys in the repository's block"
_NETWORK = "check the endpoint, name resolution and the firewall from that machine"
_STORE: tuple[tuple[str, type[ContinuityError], str], ...] = (
    (r"no space left on device|disk quota exceeded", DiskFull, "df -h; free space, then run again"),
    (
        r"InvalidAccessKeyId|Access Key Id you provided"
        r"|SignatureDoesNotMatch|signature we calculated",
        AuthenticationFailed,
        "correct the keys in the repository's block; check the machine's clock",
    ),
    (r"Access Denied|AccessDenied", PermissionDenied, _BUCKET),
    (r"NoSuchBucket|bucket does not exist", NotFound, "create the bucket, or correct its name"),
    (
        r"reduce your request rate|SlowDown|\b50[0234]\b|Service ?Unavailable|internal error",
        Unavailable,
        "look at the provider's status page; run again later",
    ),
    (
        r"i/o timeout|deadline exceeded|Client\.Timeout|stuck",
        DeadlineExceeded,
        "look at the provider's status page and the network; run again",
    ),
    (
        r"does not answer any more|connection refused|connection reset|no such host"
        r"|no route to host|unreachable|broken pipe"
        r"|server misbehaving|handshake|x509|\bEOF\b|closed network connection",
        Unreachable,
        _NETWORK,
    ),
    (
        r"signal (?:terminated|interrupt) received|context canceled",
        DeadlineExceeded,
        "see whether another run took over; allow more time with `deadline_hours`",
    ),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How one restic command ended.

    Attributes:
        subject: What it worked on, for people.
        repository: The repository's folder in the object store, such as `web1/restic`.
    """

    subject: str
    repository: str
    status: int
    stdout: bytes
    stderr: str

    @property
    def said(self) -> str:
        """Everything it wrote, without status lines of its progress."""
        lines = self.stdout.decode(errors="replace").splitlines(keepends=True)
        said = self.stderr + "\n" + "".join(line for line in lines if '"status"' not in line)
        return said.replace("\\u003c", "<").replace("\\u003e", ">")


def failure(ended: Ended) -> ContinuityError | None:
    """Return the error that this end means, None for success."""
    if ended.status == 0:
        return None
    if ended.status == 3 and _only_vanished(ended):
        return None
    by_status = _by_status(ended)
    if by_status is not None:
        return by_status
    return find_damage(ended) or _source_command(ended) or _store(ended) or _other(ended)


def find_damage(ended: Ended) -> DamagedData | None:
    """Return the damage that the messages speak of, None if they speak of something else."""
    lines = _damage_lines(ended)
    if not lines:
        return None
    files = damaged_files("\n".join(lines))
    missing_index = "not found in repository" in ended.said and not files
    name = "index" if missing_index else (files or ("config",))[0]
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    hint = (
        "with the pruning key: restic repair index"
        if name.startswith("index")
        else "use an older set; did somebody write over it? "
        "continuity repository rewind REPOSITORY --to TIME"
    )
    key = f"{ended.repository}/{name}"
    return DamagedData(key, f"object {key}{more} is damaged or missing: {_short(lines[0])}", hint)


def store_fault(ended: Ended) -> ContinuityError | None:
    """Return what is wrong with the repository, None if it may be whole.

    For a command that read from it into another one: what that one says is no fault of the store.
    """
    fault = find_damage(ended) or _by_status(ended) or _store(ended)
    return None if isinstance(fault, CommandFailed | DiskFull) else fault


def all_damaged(ended: Ended) -> tuple[str, ...]:
    """Return the key of every damaged object that the messages name."""
    files = damaged_files("\n".join(_damage_lines(ended)))
    return tuple(f"{ended.repository}/{name}" for name in files)


def store_trouble(ended: Ended) -> ContinuityError | None:
    """Return what else than damage kept restic from reading everything, None for nothing."""
    error = _store(ended)
    return error if error is not None and error.transient else None


def _damage_lines(ended: Ended) -> list[str]:
    said = _RETRY.sub("", ended.said)
    return [line for line in said.splitlines() if _DAMAGE.search(line)]


def _by_status(ended: Ended) -> ContinuityError | None:
    if ended.status == 3 and refused_sources(ended.stderr):
        return _source_unreadable(ended)
    if ended.status == 10:
        return NotFound(ended.subject, "there is no repository yet", "continuity backup SERVER")
    if ended.status == 11:
        return Unavailable(
            ended.subject,
            f"somebody else works on it: {_line_with(ended, 'locked by')}",
            "wait half an hour; a killed command's lock goes with: continuity backup SERVER",
        )
    if ended.status == 12:
        return AuthenticationFailed(
            ended.subject,
            "the repository's password is wrong",
            "correct `password` in the repository's block",
        )
    return None


def _only_vanished(ended: Ended) -> bool:
    return not refused_sources(ended.stderr) and "no such file or directory" in ended.stderr


def _source_unreadable(ended: Ended) -> CommandFailed:
    refused = refused_sources(ended.stderr)
    cause = "; ".join(refused[:5])
    more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
    return CommandFailed(
        ended.subject,
        f"the snapshot does not count, not everything could be read: {cause}{more}",
        "repair or exclude these files, then back up again",
        status=3,
        stderr=ended.stderr[-2000:],
    )


def _source_command(ended: Ended) -> CommandFailed | None:
    found = _SOURCE_COMMAND.search(ended.stderr)
    if found is None:
        return None
    told = [line.split(": ", 1) for line in ended.stderr.splitlines() if line.startswith("subproc")]
    words = "; ".join(line[-1] for line in told[-5:]) or _last(ended)
    return CommandFailed(
        ended.subject,
        f"the command whose output was to be kept failed, no snapshot was made: {words}",
        "run the command by hand on the server, repair its cause, back up again",
        status=int(found[1] or 127),
        stderr="\n".join(line[-1] for line in told[-20:]),
    )


def _store(ended: Ended) -> ContinuityError | None:
    for pattern, kind, hint in _STORE:
        for line in reversed(ended.stderr.splitlines()):
            if re.search(pattern, line, re.IGNORECASE):
                return kind(ended.subject, _short(line), hint)
    return None


def _other(ended: Ended) -> CommandFailed:
    return CommandFailed(
        ended.subject,
        f"restic ended with status {ended.status}: {_last(ended)}",
        "read the message above; `restic check` tells whether the repository is whole",
        status=ended.status,
        stderr=ended.stderr[-2000:],
    )


def _line_with(ended: Ended, text: str) -> str:
    lines = [line for line in ended.stderr.splitlines() if text in line]
    return _short(lines[-1]) if lines else _last(ended)


def _last(ended: Ended) -> str:
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    return _short(lines[-1]) if lines else "no message"


def _short(line: str) -> str:
    for message in messages(line):
        error = message.get("error")
        line = str(error.get("message") if isinstance(error, dict) else message.get("message", ""))
    return " ".join(line.split("\\n")[0].split())[:300]
