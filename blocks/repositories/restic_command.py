"""Words, environment and names of restic's commands. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from blocks.errors import ConfigurationError
from blocks.repositories.restic_output import tags
from blocks.types import Label, Part

SERVER_FOLDER = "/usr/local/lib/continuity"
SERVER_BINARY = f"{SERVER_FOLDER}/restic"
SERVER_CACHE = "/var/cache/continuity/restic"

GONE = "does not answer any more"
"""What the watch beside a reading restic says before it stops it."""

# A store that is switched off leaves connections that hang for minutes, and restic goes on trying
# for a quarter of an hour. The watch knocks every 3 s and gives up after 4 knocks in a row. It must
# hold neither standard output (the reader at its end waits for that) nor a sleeping child.
_WATCHED = f"""
exec {{never}}<> <(:)
watch() {{
  missed=0
  while [ $missed -lt 4 ]; do
    read -r -t 3 -u $never
    if timeout 4 bash -c 'exec 3<>"/dev/tcp/$1/$2"' knock "$1" "$2" 2>/dev/null
    then missed=0; else missed=$((missed + 1)); fi
  done
  echo "object store $1:$2 {GONE}: connection refused or lost" >&2
  kill $3; read -r -t 3 -u $never; kill -KILL $3
}}
host=$1 port=$2; shift 2
"$@" & restic=$!
watch "$host" "$port" $restic >/dev/null & watch=$!
wait $restic; status=$?
kill $watch
[ $status -lt 128 ] || status=1
exit $status
"""

_SNAPSHOT = re.compile(r"[0-9a-f]{8,64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def folder(name: str) -> str:
    """Return the folder of a server's repository in the object store."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"server {name!r}", "is no usable folder name", "use letters, digits, dots and dashes"
        )
    return f"{name}/restic"


def server_ca(ca_file: str) -> str:
    """Return where the authority of a store lies on servers: each store may have its own."""
    return f"{SERVER_FOLDER}/s3-ca-{hashlib.sha256(ca_file.encode()).hexdigest()[:8]}.pem"


def watched(argv: Sequence[str], host: str, port: int) -> tuple[str, ...]:
    """Return the words of a reading restic that ends within 30 s when its store is gone."""
    return ("bash", "-c", _WATCHED, "continuity-watch", host, str(port), *argv)


def environment(password: str, access_key: str, secret_key: str) -> Mapping[str, str]:
    """Return the secrets that every restic command needs."""
    return {
        "RESTIC_PASSWORD": password,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
    }


def options(url: str, region: str, *, path_style: bool, ca_file: str) -> tuple[str, ...]:
    """Return the words that name the repository and how it is reached."""
    lookup = "path" if path_style else "dns"
    words: tuple[str, ...] = (
        "-r",
        url,
        "-o",
        f"s3.bucket-lookup={lookup}",
        "-o",
        f"s3.region={region}",
    )
    # Fewer retries below: restic itself goes on trying for a quarter of an hour.
    words += ("-o", "s3.retries=3")
    return (*words, "--cacert", ca_file) if ca_file else words


def backup(label: Label, concurrency: int, upload_limit: int) -> tuple[str, ...]:
    """Return the words of a backup up to what is backed up."""
    words: tuple[str, ...] = ("backup", "--json", "--quiet", "--no-scan", "--retry-lock", "2m")
    words += ("--host", label.server, "--read-concurrency", str(concurrency))
    words += tuple(word for tag in tags(label) for word in ("--tag", tag))
    return (*words, "--limit-upload", str(upload_limit)) if upload_limit else words


def paths(wanted: Sequence[str], exclude: Sequence[str]) -> tuple[str, ...]:
    """Return the words that choose files; names that look like options are harmless."""
    return (*(f"--exclude={pattern}" for pattern in exclude), "--", *wanted)


def stream(argv: Sequence[str], filename: str) -> tuple[str, ...]:
    """Return the words that keep a command's output as one file, and nothing if it fails."""
    if "/" in filename or not filename:
        raise ConfigurationError(
            f"file name {filename!r}", "is not flat", "use a name without a slash"
        )
    return ("--stdin-from-command", "--stdin-filename", filename, "--", *argv)


def restore(snapshot: str, target: str) -> tuple[str, ...]:
    """Return the words that bring files back, skip those that are there, and verify all."""
    words = ("restore", checked(snapshot), "--target", target, "--json", "--quiet", "--no-lock")
    return (*words, "--overwrite", "if-changed", "--verify")


def checked(snapshot: str) -> str:
    """Return the snapshot id. `latest` and options are refused: only exact ids are restored."""
    if not _SNAPSHOT.fullmatch(snapshot):
        raise ConfigurationError(
            f"snapshot {snapshot!r}", "is no snapshot id", "continuity sets SERVER"
        )
    return snapshot


def job(part: Part, subject: str) -> str:
    """Return the job's name on the server: the same for the same part, different for others."""
    slug = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")[:40]
    digest = hashlib.sha256(subject.encode()).hexdigest()[:6]
    return "-".join(word for word in ("backup", part, slug, digest) if word)
