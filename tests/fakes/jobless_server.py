"""A real SSH server on a machine without systemd: jobs run as plain commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from pydantic import SecretStr

from blocks.servers.ssh import SshServer
from blocks.types import CommandResult, RemoteCommand
from tests.fakes.loopback_sshd import LoopbackSshd


class JoblessServer(SshServer):
    """Everything over the wire is real; only the transient unit around a job is left out."""

    _block_type_name = "Jobless server"
    _block_type_slug = "jobless-server"

    def run(
        self,
        command: RemoteCommand | Sequence[str],
        *,
        timeout: timedelta,
        stdin: bytes = b"",
        job: str = "",
        accept: Iterable[int] = (0,),
    ) -> CommandResult:
        return super().run(command, timeout=timeout, stdin=stdin, accept=accept)


def jobless(sshd: LoopbackSshd) -> JoblessServer:
    """Return a block for a running loopback sshd."""
    return JoblessServer(
        address="127.0.0.1",
        port=sshd.port,
        private_key=SecretStr(sshd.private_key),
        host_key=sshd.host_key,
    )
