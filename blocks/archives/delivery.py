"""Bring pieces of an archive onto a server: which objects, and the commands that unpack them."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.types import FilePiece, LogPiece, LogSpan

FOLDER = "/var/lib/continuity/replay"

# Every script has as its first word the folder that the objects are in, which it leaves empty.
FETCH = """
set -euo pipefail
rm -rf "$1"; mkdir -p -m 700 "$1"; cd "$1"; shift
curl --parallel --parallel-max 16 --fail --silent --show-error --retry 3 --retry-all-errors \\
  --connect-timeout 5 --speed-limit 1 --speed-time 30 "$@" --config -
"""

# Lines of the plan: target file, object, bytes of it that are there already.
LOGS = """
set -euo pipefail
umask 077
objects=$1 folder=$2
rm -rf "$folder"; mkdir -p "$folder"
while read -r target object skip; do
  age --decrypt --identity <(printf '%s\\n' "$IDENTITY") "$objects/$object" | zstd -q -d -c |
    tail -c "+$((skip + 1))" >>"$folder/$target"
done
while read -r target length; do truncate -s "$length" "$folder/$target"; done <<<"$LENGTHS"
chown -R mysql:mysql "$folder"
rm -rf "$objects"
"""

# Lines of the plan: object, whether names that a changed folder no longer has are removed.
FILES = """
set -euo pipefail
export LC_ALL=C
umask 077
objects=$1 meta=/run/archive-agent written=0
while read -r object removals; do
  age --decrypt --identity <(printf '%s\\n' "$IDENTITY") "$objects/$object" |
    zstd -q -d -c >"$objects/tar"
  tar --extract --file="$objects/tar" --directory="$objects" "$meta/folders" "$meta/entries"
  if [ "$removals" = yes ]; then
    xargs -0r sh -c 'for each; do [ -d "$each" ] && [ ! -L "$each" ] || continue
      find "$each" -mindepth 1 -maxdepth 1 -printf "%y%p\\0"; done' - <"$objects$meta/folders" |
      sort -z | comm -z -23 - <(sort -z "$objects$meta/entries") | sed -z 's/^.//' |
      xargs -0r rm -rf --
  fi
  count=$(tar --extract --file="$objects/tar" --directory=/ --exclude="$meta" --verbose \\
    --numeric-owner --same-owner --preserve-permissions --xattrs --acls | wc -l)
  written=$((written + count))
done
rm -rf "$objects"
echo "$written"
"""


def downloads(urls: Sequence[str]) -> bytes:
    """Return the list for curl; objects are numbered in their order."""
    lines = (f'url = "{url}"\noutput = "{number}"\n' for number, url in enumerate(urls))
    return "".join(lines).encode()


def log_names(spans: Sequence[LogSpan]) -> list[str]:
    """Return the names of the files, one for each span: they sort in the order of replay."""
    return [f"log.{number:06}" for number in range(1, len(spans) + 1)]


def log_plan(spans: Sequence[LogSpan]) -> tuple[list[LogPiece], str, str]:
    """Return the objects to fetch, the plan of `LOGS`, and the files' final lengths."""
    pieces: list[LogPiece] = []
    lines: list[str] = []
    lengths: list[str] = []
    for span, name in zip(spans, log_names(spans), strict=True):
        held = 0
        for piece in span.pieces:
            lines.append(f"{name} {len(pieces)} {held - piece.start}")
            pieces.append(piece)
            held = piece.end
        lengths.append(f"{name} {span.end}")
    return pieces, "\n".join(lines) + "\n", "\n".join(lengths)


def file_plan(pieces: Sequence[FilePiece], removals: Sequence[bool]) -> str:
    """Return the plan of `FILES`."""
    rows = enumerate(removals)
    return "".join(f"{number} {'yes' if each else 'no'}\n" for number, each in rows)
