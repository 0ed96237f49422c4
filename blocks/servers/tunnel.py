"""Forward a local port to a port on the server's own loopback through SSH."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import paramiko

from blocks.errors import Unreachable
from blocks.servers.transport import Connection, Login, hang_up

_LOOPBACK = "127.0.0.1"
_PIECE = 64 * 1024
_LOOK_SECONDS = 0.2


@contextmanager
def forward(connection: Connection, login: Login, port: int) -> Iterator[tuple[str, int]]:
    """Accept connections on a free local port and carry each to `port` on the server.

    Raises:
        Unreachable: Nothing listens on the server's port when the tunnel is opened.
    """
    transport = connection.transport(login)
    first = _open(transport, login, port)
    done = threading.Event()
    with closing(socket.create_server((_LOOPBACK, 0))) as listener:
        worker = threading.Thread(
            target=_serve, args=(listener, transport, login, port, first, done), daemon=True
        )
        worker.start()
        try:
            yield listener.getsockname()[:2]
        finally:
            done.set()
            worker.join(timeout=5)
            hang_up(first)


def _open(transport: paramiko.Transport, login: Login, port: int) -> paramiko.Channel:
    try:
        return transport.open_channel(
            "direct-tcpip", (_LOOPBACK, port), (_LOOPBACK, 0), timeout=login.timeout
        )
    except (paramiko.SSHException, EOFError, OSError) as refused:
        raise Unreachable(
            login.subject,
            f"nothing answers on its port {port} ({refused})",
            f"on the server: ss -ltnp 'sport = :{port}'; start the service that listens there",
        ) from refused


def _serve(
    listener: socket.socket,
    transport: paramiko.Transport,
    login: Login,
    port: int,
    first: paramiko.Channel,
    done: threading.Event,
) -> None:
    """Accept until done. The first client gets the channel that is open already."""
    listener.settimeout(_LOOK_SECONDS)
    waiting: paramiko.Channel | None = first
    while not done.is_set():
        try:
            client, _ = listener.accept()
        except TimeoutError:
            continue
        try:
            channel = waiting or _open(transport, login, port)
        except Unreachable:
            client.close()  # the client sees its connection end, as without a tunnel
            continue
        waiting = None
        threading.Thread(target=_carry, args=(client, channel, done), daemon=True).start()


def _carry(client: socket.socket, channel: paramiko.Channel, done: threading.Event) -> None:
    """Copy both ways until one side ends."""
    with closing(client), suppress(OSError, EOFError, paramiko.SSHException):
        channel.settimeout(60)
        client.settimeout(60)
        while not done.is_set():
            both: list[socket.socket | paramiko.Channel] = [client, channel]
            readable, _, _ = select.select(both, [], [], _LOOK_SECONDS)
            if client in readable and not _copy(client, channel):
                break
            if channel in readable and not _copy(channel, client):
                break
    hang_up(channel)


def _copy(source: socket.socket | paramiko.Channel, sink: socket.socket | paramiko.Channel) -> bool:
    piece = source.recv(_PIECE)
    if piece:
        sink.sendall(piece)
    return bool(piece)
