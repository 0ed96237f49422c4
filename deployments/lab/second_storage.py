"""The lab's second object storage: rclone's S3 server on an address of its own.

Another implementation than Ceph on purpose, and a poor one: no versions, no object lock, and
conditional writes are let through. What is copied there must not depend on any of them.
"""

from __future__ import annotations

from pathlib import Path

from blocks.repositories.restic_copy import RCLONE
from deployments.lab import network, processes
from deployments.lab.config import Lab

BUCKET = "copies"
PORT = 9000
USERS = ("worker", "server", "agent")
NAME = "second-storage"
_START_SECONDS = 30


def endpoint(lab: Lab) -> str:
    """Return the S3 endpoint's URL."""
    return f"http://{lab.second_storage}:{PORT}"


def folder(lab: Lab) -> Path:
    """Return where the objects lie."""
    return lab.state / NAME


def start(lab: Lab) -> None:
    """Start the server on its address, with its bucket. Idempotent."""
    (folder(lab) / BUCKET).mkdir(parents=True, exist_ok=True)
    network.add_address(lab, lab.second_storage)
    words = ("serve", "s3", "--addr", f"{lab.second_storage}:{PORT}", "--vfs-cache-mode", "off")
    processes.spawn(lab, NAME, [str(RCLONE), *words, str(folder(lab))], _settings(lab))
    processes.wait_listening(lab, NAME, lab.second_storage, PORT, seconds=_START_SECONDS)


def _settings(lab: Lab) -> dict[str, str]:
    """Return the keys as environment: other users see a command line."""
    keys = (
        f'"{lab.secret(f"second-{user}-access-key")},{lab.secret(f"second-{user}-secret-key")}"'
        for user in USERS
    )
    return {"RCLONE_AUTH_KEY": ",".join(keys), "RCLONE_CONFIG": "/dev/null"}
