"""A Debian server over SSH."""

from __future__ import annotations

import io
import shlex
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from pydantic import Field, PrivateAttr, SecretStr

from blocks.errors import DeadlineExceeded, NotFound, Unreachable
from blocks.servers.debian import DebianServer
from blocks.servers.outcome import Ended, describe, failure, overdue, pipe_statuses
from blocks.servers.session import execute
from blocks.servers.transport import Connection, Login, public_key
from blocks.servers.tunnel import forward
from blocks.servers.wrapping import (
    UNIT_PREFIX,
    as_command,
    pipe_words,
    records,
    remote_line,
    run_words,
)
from blocks.types import CommandResult, RemoteCommand, SshAddress

_FILE_TIMEOUT = timedelta(minutes=10)
_SHORT_TIMEOUT = timedelta(seconds=60)
_POLL_SECONDS = 0.3
_NO_SUCH_FILE = 44
_STORE = (
    'set -e; path=$1 mode=$2; folder=$(dirname "$path"); umask 022; mkdir -p "$folder"; '
    'new=$(mktemp "$path.XXXXXX"); trap \'rm -f "$new"\' EXIT; '
    'dd of="$new" bs=1M iflag=fullblock status=none; chmod "$mode" "$new"; sync "$new"; '
    'mv -T "$new" "$path"; sync "$folder"'
)
_READ = f'[ -e "$1" ] || exit {_NO_SUCH_FILE}; exec cat -- "$1"'


class SshServer(DebianServer):
    """A Debian server reached over SSH as root, with its host key known beforehand.

    Example:
        ```python
        from blocks.servers.ssh import SshServer

        server = SshServer.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "SSH server"
    _block_type_slug = "ssh-server"
    _description = "A Debian server reached over SSH as root, with its host key known beforehand."

    port: int = Field(default=22, ge=1, le=65535, title="Port", description="Port of its sshd.")
    user: str = Field(
        default="root", title="User", description="User to log in as: root or its equal."
    )
    private_key: SecretStr = Field(
        title="Private key", description="OpenSSH ed25519 private key without a passphrase."
    )
    host_key: str = Field(
        title="Host key", description="Public host key of the server, such as ssh-ed25519 AAAA...."
    )
    connect_timeout_seconds: float = Field(
        default=10,
        gt=0,
        le=120,
        title="Connect timeout",
        description="Seconds for each of connecting, handshake, login and opening a session.",
    )

    _connection: Connection = PrivateAttr(default_factory=Connection)

    # Contracts (and docstrings) of the public methods are the base class's.

    def _login(self) -> Login:
        return Login(
            address=self.address,
            port=self.port,
            user=self.user,
            private_key=self.private_key.get_secret_value(),
            host_key=self.host_key,
            timeout=self.connect_timeout_seconds,
        )

    def at(self, address: str, host_key: str) -> SshServer:
        # A new machine's sshd listens where every sshd does.
        return SshServer(
            address=address,
            user=self.user,
            private_key=self.private_key,
            host_key=host_key,
            connect_timeout_seconds=self.connect_timeout_seconds,
        )

    def authorized_key(self) -> str:
        return public_key(self._login())

    def ssh_address(self) -> SshAddress:
        return SshAddress(self.address, self.port, self.user, self.host_key)

    # --- commands ---

    def run(
        self,
        command: RemoteCommand | Sequence[str],
        *,
        timeout: timedelta,
        stdin: bytes = b"",
        job: str = "",
        accept: Iterable[int] = (0,),
    ) -> CommandResult:
        wanted = as_command(command)
        begin = records(wanted.secrets) if wanted.secrets else b""
        line = remote_line(run_words(wanted), timeout.total_seconds(), job)
        names = (describe(wanted.argv),)
        return self._execute(line, io.BytesIO(begin + stdin), names, timeout, tuple(accept))

    def pipe(
        self, source: RemoteCommand, sink: RemoteCommand, *, timeout: timedelta, job: str = ""
    ) -> CommandResult:
        content = records(source.secrets) + records(sink.secrets)
        line = remote_line(pipe_words(source, sink), timeout.total_seconds(), job)
        names = (describe(source.argv), describe(sink.argv))
        return self._execute(line, io.BytesIO(content), names, timeout, (0,))

    def _execute(
        self,
        line: str,
        content: BinaryIO,
        names: tuple[str, ...],
        timeout: timedelta,
        accept: tuple[int, ...],
    ) -> CommandResult:
        login, limit = self._login(), timeout.total_seconds()
        with self._connection.session(login) as channel:
            started = time.monotonic()
            try:
                result = execute(channel, line, content, limit)
            except TimeoutError as late:
                raise overdue(self.address, names, limit) from late
            except ConnectionError as lost:
                raise Unreachable(
                    login.subject,
                    f"the connection was lost while `{' | '.join(names)}` ran ({lost})",
                    f"check that the server runs: ping {self.address}; then run again",
                ) from lost
        seconds = time.monotonic() - started
        error = failure(Ended(self.address, names, result, seconds, limit), accept)
        if error is not None:
            raise error
        return replace(result, stderr=pipe_statuses(result.stderr)[0])

    def stop_jobs(self, prefix: str = "") -> tuple[str, ...]:
        pattern = f"{UNIT_PREFIX}{prefix}*.service"
        listing = ("systemctl", "list-units", "--plain", "--no-legend", "--type=service", pattern)
        said = self.run(listing, timeout=_SHORT_TIMEOUT).stdout.decode()
        units = tuple(line.split()[0] for line in said.splitlines() if line.strip())
        if units:
            # 5: a unit that ended by itself in the meantime is gone.
            self.run(("systemctl", "stop", *units), timeout=_SHORT_TIMEOUT, accept=(0, 5))
        return units

    # --- files ---

    def put(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        self._store(path, io.BytesIO(content), mode)

    def put_file(self, local: Path, path: str, *, mode: int = 0o755) -> None:
        with local.open("rb") as content:
            self._store(path, content, mode)

    def _store(self, path: str, content: BinaryIO, mode: int) -> None:
        words = ("bash", "-c", _STORE, "continuity", path, f"{mode:o}")
        line = remote_line(words, _FILE_TIMEOUT.total_seconds())
        self._execute(line, content, (f"write {shlex.quote(path)}",), _FILE_TIMEOUT, (0,))

    def get(self, path: str) -> bytes:
        words = ("sh", "-c", _READ, "read-file", path)
        result = self.run(words, timeout=_FILE_TIMEOUT, accept=(0, _NO_SUCH_FILE))
        if result.status == _NO_SUCH_FILE:
            raise NotFound(
                f"file {path} on server {self.address}",
                "does not exist",
                f"on the server: ls -l {shlex.quote(str(Path(path).parent))}",
            )
        return result.stdout

    # --- network ---

    def tunnel(self, port: int) -> AbstractContextManager[tuple[str, int]]:
        return forward(self._connection, self._login(), port)

    def answers(self, port: int, *, timeout: timedelta) -> bool:
        try:
            socket.create_connection((self.address, port), timeout.total_seconds()).close()
        except OSError:
            return False
        return True

    def wait_ready(self, *, timeout: timedelta) -> None:
        deadline = time.monotonic() + timeout.total_seconds()
        while True:
            try:
                self.run(("true",), timeout=timedelta(seconds=10))
            except (Unreachable, DeadlineExceeded) as error:
                if time.monotonic() > deadline:
                    raise DeadlineExceeded(
                        error.subject,
                        f"no login within {timeout.total_seconds():.0f} s ({error.cause})",
                        "look at the machine's console at its provider; is its sshd running?",
                    ) from error
                time.sleep(_POLL_SECONDS)
            else:
                return
