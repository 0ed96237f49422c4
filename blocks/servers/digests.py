"""Checksums of files on a server: one remote script, and the pure reading of what it prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from blocks.errors import ProviderError
from blocks.types import FileDigest

SCRIPT = """
while IFS= read -r -d '' path; do
  if [ -f "$path" ] && [ ! -L "$path" ]; then
    # The time is read last: a change in between shows in it.
    sum=$(sha256sum <"$path") && when=$(stat -c %.9Z -- "$path") && echo "${sum%% *} $when" ||
      echo -
  else
    echo -
  fi
done
"""
"""Reads paths from its input, each with a NUL at its end; writes a line for each."""


def request(paths: Sequence[str]) -> bytes:
    """Return what the script reads."""
    return b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)


def parse_digests(subject: str, paths: Sequence[str], text: str) -> Mapping[str, FileDigest]:
    """Read what the script wrote. Raises `ProviderError` when it is not what it must be."""
    lines = text.splitlines()
    if len(lines) != len(paths):
        cause = f"gave {len(lines)} checksums for {len(paths)} files"
        raise ProviderError(subject, cause, "run again")
    found = {path: line.split() for path, line in zip(paths, lines, strict=True) if line != "-"}
    return {
        path: FileDigest(digest, datetime.fromtimestamp(float(changed), UTC))
        for path, (digest, changed) in found.items()
    }
