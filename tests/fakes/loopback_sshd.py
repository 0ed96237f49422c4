"""A real sshd on the loopback, with its own keys, as a child process of the test."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from blocks.servers.ssh import SshServer

SECOND = "127.0.0.2"
"""Its other address, for what must not be on the same host."""
_CONFIGURATION = """
ListenAddress 127.0.0.1
ListenAddress {second}
Port {port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""


@dataclass(frozen=True)
class LoopbackSshd:
    """How to reach the running sshd."""

    port: int
    private_key: str
    host_key: str
    process: subprocess.Popen[bytes]

    def server(self, **fields: object) -> SshServer:
        """Return a block for it; fields given here replace the right ones."""
        right: dict[str, object] = {
            "address": "127.0.0.1",
            "port": self.port,
            "private_key": SecretStr(self.private_key),
            "host_key": self.host_key,
        }
        return SshServer.model_validate(right | fields)


def make_key(path: Path, kind: str = "ed25519") -> tuple[str, str]:
    """Make a key pair; return the private key and the public one without its comment."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)],
        check=True,
        timeout=30,
    )
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


@contextmanager
def loopback_sshd(folder: Path, more: str = "") -> Iterator[LoopbackSshd]:
    """Run an sshd until the block ends; `more` are further lines of its configuration."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    host_key = make_key(folder / "host_key")[1]
    private_key, public_key = make_key(folder / "user_key")
    (folder / "authorized_keys").write_text(public_key + "\n")
    port = free_port()
    configuration = folder / "sshd_config"
    text = _CONFIGURATION.format(port=port, folder=folder, second=SECOND)
    configuration.write_text(text + more)
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        _wait_for(port, process, folder / "sshd.log")
        yield LoopbackSshd(port, private_key, host_key, process)
    finally:
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"sshd did not start: {log.read_text()}")
