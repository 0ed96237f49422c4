"""Bring pieces of an archive onto a server: which objects, and the commands that unpack them."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.types import FilePiece, LogPiece, LogSpan

FOLDER = "/var/lib/continuity/replay"
DAMAGED = "damaged:"
"""Begins the line in which `DECRYPT` names the object that is not what was put there."""

FETCH = """
set -euo pipefail
umask 077
rm -rf "$1"; mkdir -p "$1"; cd "$1"; shift
curl --parallel --parallel-max 16 --fail --no-progress-meter --retry 3 --retry-all-errors \\
  --connect-timeout 5 --speed-limit 1 --speed-time 30 "$@" --config -
"""

# Objects are numbered from 1.
DECRYPT = f"""
set -euo pipefail
umask 077
cd "$1"
for ((number = 1; number <= $2; number++)); do
  age --decrypt --identity <(printf '%s\\n' "$IDENTITY") --output plain "$number" ||
    {{ echo "{DAMAGED}$number" >&2; exit 1; }}
  mv plain "$number"
done
"""

# Lines of the plan: target file, object, bytes of it that are there already.
LOGS = """
set -euo pipefail
umask 077
objects=$1 folder=$2
rm -rf "$folder"; mkdir -p "$folder"
while read -r target object skip; do
  zstd -q -d -c <"$objects/$object" | tail -c "+$((skip + 1))" >>"$folder/$target"
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
  zstd -q -d -c <"$objects/$object" >"$objects/tar"
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
    lines = (f'url = "{url}"\noutput = "{number}"\n' for number, url in enumerate(urls, 1))
    return "".join(lines).encode()


def log_names(spans: Sequence[LogSpan]) -> list[str]:
    """Return the names of the files, one for each span: they sort in the order of replay."""
    return [f"log.{number:06}" for number in range(1, len(spans) + 1)]


def log_plan(spans: Sequence[LogSpan], files: Sequence[str]) -> tuple[str, str]:
    """Return the plan of `LOGS` and the logs' final lengths; `files` are the pieces, in order."""
    fetched = iter(files)
    lines: list[str] = []
    lengths: list[str] = []
    for span, name in zip(spans, log_names(spans), strict=True):
        held = 0
        for piece in span.pieces:
            lines.append(f"{name} {next(fetched)} {held - piece.start}")
            held = piece.end
        lengths.append(f"{name} {span.end}")
    return "\n".join(lines) + "\n", "\n".join(lengths)


def file_plan(files: Sequence[str], removals: Sequence[bool]) -> str:
    """Return the plan of `FILES`; `files` are the pieces, in order."""
    rows = zip(files, removals, strict=True)
    return "".join(f"{name} {'yes' if each else 'no'}\n" for name, each in rows)


def places_of(pieces: Sequence[LogPiece | FilePiece]) -> tuple[dict[int, list[str]], list[str]]:
    """Return the keys to fetch from each bucket, and where each piece then lies, in order."""
    keys: dict[int, list[str]] = {}
    files: list[str] = []
    for piece in pieces:
        held = keys.setdefault(piece.place, [])
        held.append(piece.key)
        files.append(f"{piece.place}/{len(held)}")
    return keys, files
