"""Another S3 server over HTTP on the loopback: rclone, with the bucket `copies`."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from blocks.repositories.restic_copy import RCLONE
from blocks.repositories.s3 import S3ObjectStore
from tests.fakes.loopback_sshd import free_port

KEY, SECRET = "second-key", "second-secret"


@dataclass(frozen=True)
class LoopbackRclone:
    """A running server and the folder of its objects."""

    port: int
    folder: Path

    def store(self, **fields: object) -> S3ObjectStore:
        """Return a block for its bucket; fields given here replace the right ones."""
        right: dict[str, object] = {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "bucket": "copies",
            "access_key": KEY,
            "secret_key": SECRET,
            "connect_timeout_seconds": 1,
            "read_timeout_seconds": 5,
            "attempts": 2,
        }
        return S3ObjectStore.model_validate(right | fields)


@contextmanager
def rclone_server(folder: Path) -> Iterator[LoopbackRclone]:
    """Run it until the block ends."""
    port = free_port()
    (folder / "objects/copies").mkdir(parents=True)
    settings = {"RCLONE_AUTH_KEY": f'"{KEY},{SECRET}"', "RCLONE_CONFIG": "/dev/null"}
    with (folder / "rclone.log").open("wb") as log:
        process = subprocess.Popen(
            [str(RCLONE), "serve", "s3", "--addr", f"127.0.0.1:{port}", str(folder / "objects")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | settings,
        )
    try:
        _wait_for(port, process)
        yield LoopbackRclone(port, folder)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("rclone did not start")
