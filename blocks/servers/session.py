"""Run one command on an SSH channel with a deadline."""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import BinaryIO

import paramiko

from blocks.types import CommandResult

STDERR_LIMIT = 64 * 1024
GRACE_SECONDS = 15.0
"""The server kills the command itself; this much later it is taken as dead."""
_KILLED = 137
"""sshd tells no exit status for a command that died of a signal."""
_PIECE = 32 * 1024
_IDLE_SECONDS = 0.25
_SENDING_SECONDS = 0.005


@dataclass(slots=True)
class _Input:
    """What is still to be sent to the command."""

    content: BinaryIO
    piece: bytes = b""
    open: bool = True

    def send(self, channel: paramiko.Channel) -> None:
        """Send as much as the other side takes without waiting."""
        while self.open and channel.send_ready():
            self.piece = self.piece or self.content.read(_PIECE)
            if not self.piece:
                channel.shutdown_write()
                self.open = False
                return
            self.piece = self.piece[channel.send(self.piece) :]


def execute(
    channel: paramiko.Channel, line: str, content: BinaryIO, seconds: float
) -> CommandResult:
    """Run the line, feed it `content`, and return what it gave back.

    Raises:
        TimeoutError: The deadline passed (plus a grace for the server's own timeout).
        ConnectionError: The connection ended first.
    """
    deadline = time.monotonic() + seconds + GRACE_SECONDS
    channel.settimeout(seconds + GRACE_SECONDS)
    stdout, stderr, sending = bytearray(), bytearray(), _Input(content)
    try:
        channel.exec_command(line)
        while not _ended(channel):
            _feed(channel, sending)
            _drain(channel, stdout, stderr)
            if time.monotonic() > deadline:
                break
            _wait(channel, _SENDING_SECONDS if sending.open else _IDLE_SECONDS)
        _drain(channel, stdout, stderr)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise ConnectionError(str(error) or type(error).__name__) from error
    if time.monotonic() > deadline:
        raise TimeoutError
    status = channel.exit_status
    if status == -1 and not channel.get_transport().is_active():
        raise ConnectionError("the connection ended before the command did")
    return CommandResult(
        _KILLED if status == -1 else status, bytes(stdout), stderr.decode("utf-8", errors="replace")
    )


def _ended(channel: paramiko.Channel) -> bool:
    """Return whether nothing more will come: all output read, and the end told or the line dead."""
    waiting = channel.recv_ready() or channel.recv_stderr_ready()
    told = channel.eof_received and channel.exit_status_ready()
    return not waiting and bool(channel.closed or told)


def _wait(channel: paramiko.Channel, seconds: float) -> None:
    """Wait until something can be read or the command has ended, at most so long."""
    if channel.eof_received:
        # At the end of output `select` returns at once, but the exit status may take long.
        channel.status_event.wait(seconds)
    else:
        select.select([channel], [], [], seconds)


def _feed(channel: paramiko.Channel, sending: _Input) -> None:
    try:
        sending.send(channel)
    except OSError:
        # The command ended without reading all of its input; its status tells whether that is bad.
        sending.open = False


def _drain(channel: paramiko.Channel, stdout: bytearray, stderr: bytearray) -> None:
    while channel.recv_ready():
        stdout += channel.recv(_PIECE)
    while channel.recv_stderr_ready():
        stderr += channel.recv_stderr(_PIECE)
        del stderr[:-STDERR_LIMIT]
