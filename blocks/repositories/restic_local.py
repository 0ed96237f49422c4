"""Run the pinned restic on the worker, for what needs no data of the server."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from blocks.errors import ConfigurationError, DeadlineExceeded
from blocks.repositories.restic_failures import Ended

_GRACE_SECONDS = 30
_checked: set[tuple[str, str, int, int]] = set()


def pinned_binary(path: str, sha256: str) -> Path:
    """Return the binary's path once its content is known to be the pinned one.

    Raises:
        ConfigurationError: It is missing or another one.
    """
    binary = Path(path)
    try:
        seen = binary.stat()
        # Hashing 25 MB before every command would cost more than the command.
        known = (path, sha256, seen.st_mtime_ns, seen.st_ino)
        if known not in _checked:
            with binary.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            if found != sha256:
                raise ConfigurationError(
                    f"restic binary {path}",
                    f"has SHA-256 {found}, not {sha256}",
                    "script/fetch-restic, and check `restic_sha256` in the repository's block",
                )
            _checked.add(known)
    except OSError as error:
        raise ConfigurationError(
            f"restic binary {path}", f"cannot be read ({error.strerror})", "script/fetch-restic"
        ) from error
    return binary


@dataclass(frozen=True, slots=True)
class LocalRestic:
    """The pinned binary with one repository and one key.

    Attributes:
        words: What stands before the command: repository, options.
        secrets: Environment, besides the few harmless variables that restic needs.
    """

    binary: Path
    words: tuple[str, ...]
    secrets: Mapping[str, str]
    cache: Path
    repository: str
    subject: str

    def run(self, *command: str, timeout: timedelta) -> Ended:
        """Run one command, whatever its end; it is killed at its deadline even without us."""
        seconds = timeout.total_seconds()
        killer = ("timeout", "--kill-after=10", f"{seconds:.0f}")
        words = (*killer, str(self.binary), *self.words, "--cache-dir", str(self.cache), *command)
        try:
            done = subprocess.run(
                words,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds + _GRACE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise DeadlineExceeded(
                self.subject, f"restic did not end within {seconds:.0f} s", "run again"
            ) from late
        except OSError as error:
            raise ConfigurationError(
                f"restic binary {self.binary}", f"did not start ({error})", "script/fetch-restic"
            ) from error
        stderr = done.stderr.decode(errors="replace")
        return Ended(self.subject, self.repository, done.returncode, done.stdout, stderr)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        # restic's collector would otherwise let the memory of a large index double.
        return {**kept, "HOME": "/nonexistent", "GOMEMLIMIT": "200MiB", **self.secrets}
