"""One SSH connection with a pinned host key, made anew when it is dead."""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import paramiko

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    HostKeyMismatch,
    ProviderError,
    Unreachable,
)

KEEPALIVE_SECONDS = 15
UNANSWERED_MILLISECONDS = 30_000
"""After this without an acknowledgement the kernel gives the connection up: with the keepalive, a
dead server is noticed within 45 s."""
PARALLEL_SESSIONS = 8
"""sshd allows 10 on one connection (MaxSessions)."""

# What paramiko logs is raised by us as errors with a hint.
_CHANNEL_LOG = "continuity.ssh"
logging.getLogger(_CHANNEL_LOG).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to log in as, where, and which host key must be shown."""

    address: str
    port: int
    user: str
    private_key: str = field(repr=False)
    host_key: str
    timeout: float

    @property
    def subject(self) -> str:
        """Name the server for errors."""
        return f"server {self.address}" + ("" if self.port == 22 else f" port {self.port}")


class Connection:
    """Holds the transport of one block; many threads may use it at once.

    Pickles as an unconnected one, so that blocks can be sent to other processes, and is no part of
    a block's value: two blocks with the same fields are equal.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transport: paramiko.Transport | None = None
        self._sessions = threading.BoundedSemaphore(PARALLEL_SESSIONS)

    def __reduce__(self) -> tuple[type[Connection], tuple[()]]:
        return Connection, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection)

    def __hash__(self) -> int:
        return hash(Connection)

    def __deepcopy__(self, memo: object) -> Connection:
        return Connection()

    def transport(self, login: Login) -> paramiko.Transport:
        """Return a living transport, connecting when there is none."""
        with self._lock:
            if self._transport is None or not self._transport.is_active():
                self._transport = connect(login)
            return self._transport

    def _replace(self, dead: paramiko.Transport, login: Login) -> paramiko.Transport:
        """Return a fresh transport, or the one that another thread has made in the meantime."""
        dead.close()
        return self.transport(login)

    @contextmanager
    def session(self, login: Login) -> Iterator[paramiko.Channel]:
        """Open a channel for one command, waiting for a free place on the connection."""
        with self._sessions:
            transport = self.transport(login)
            try:
                channel = transport.open_session(timeout=login.timeout)
            except (paramiko.SSHException, EOFError, OSError):
                # The transport may have died since it was last used: one fresh connection decides.
                channel = _open_session(self._replace(transport, login), login)
            try:
                yield channel
            finally:
                hang_up(channel)


def hang_up(channel: paramiko.Channel) -> None:
    """Close the channel. That this fails on a lost connection hides nothing that was met before."""
    with suppress(paramiko.SSHException, EOFError, OSError):
        channel.close()


def _open_session(transport: paramiko.Transport, login: Login) -> paramiko.Channel:
    try:
        return transport.open_session(timeout=login.timeout)
    except (paramiko.SSHException, EOFError, OSError) as lost:
        raise unreachable(login, f"logged in, but no session could be opened ({lost})") from lost


def connect(login: Login) -> paramiko.Transport:
    """Connect, compare the host key with the pinned one, and log in.

    Raises:
        Unreachable: Nothing answers there as an SSH server.
        HostKeyMismatch: The server shows another host key; nothing was sent to it.
        AuthenticationFailed: The server does not accept the private key.
        ConfigurationError: A key of the block cannot be read.
    """
    key, pinned = _private_key(login), _pinned(login)
    try:
        link = socket.create_connection((login.address, login.port), timeout=login.timeout)
    except OSError as error:
        raise unreachable(login, str(error) or type(error).__name__) from error
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MILLISECONDS)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(link)
    try:
        _shake_hands(transport, login, pinned)
        _log_in(transport, login, key)
    except BaseException:
        transport.close()
        raise
    transport.set_keepalive(KEEPALIVE_SECONDS)
    return transport


def _shake_hands(transport: paramiko.Transport, login: Login, pinned: tuple[str, str]) -> None:
    kind, wanted = pinned
    transport.set_log_channel(_CHANNEL_LOG)
    transport.banner_timeout = login.timeout
    transport.auth_timeout = login.timeout
    transport.get_security_options().key_types = (
        ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
    )
    try:
        transport.start_client(timeout=login.timeout)
        shown = transport.get_remote_server_key()
    except paramiko.ssh_exception.IncompatiblePeer as error:
        if "host key" in str(error):
            raise _mismatch(login, f"has no host key of the pinned type {kind}") from error
        raise unreachable(login, str(error)) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        cause = f"no SSH handshake within {login.timeout:.0f} s ({error})"
        raise unreachable(login, cause) from error
    if shown.get_base64() != wanted:
        raise _mismatch(login, f"shows another host key ({shown.fingerprint})")


def _log_in(transport: paramiko.Transport, login: Login, key: paramiko.PKey) -> None:
    try:
        transport.auth_publickey(login.user, key)
    except paramiko.AuthenticationException as error:
        raise AuthenticationFailed(
            login.subject,
            f"the private key {key.fingerprint} is not accepted for {login.user}",
            f"add its public key to ~{login.user}/.ssh/authorized_keys on the server, or correct "
            "the private key of its block",
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise unreachable(login, f"the connection was lost during the login ({error})") from error


def public_key(login: Login) -> str:
    """Return the public half of the private key, as for authorized_keys."""
    key = _private_key(login)
    return f"{key.get_name()} {key.get_base64()}"


def _private_key(login: Login) -> paramiko.PKey:
    try:
        return paramiko.Ed25519Key.from_private_key(io.StringIO(login.private_key.strip() + "\n"))
    except (paramiko.SSHException, ValueError, IndexError) as error:
        raise ConfigurationError(
            login.subject,
            "its private key is not an OpenSSH ed25519 key without a passphrase",
            "make one with: ssh-keygen -t ed25519 -N '' -f KEY, and give the content of KEY",
        ) from error


def _pinned(login: Login) -> tuple[str, str]:
    words = login.host_key.split()
    if len(words) < 2 or not words[1].startswith("AAAA"):
        raise ConfigurationError(
            login.subject,
            "its pinned host key is not of the form `ssh-ed25519 AAAA...`",
            "give the content of /etc/ssh/ssh_host_ed25519_key.pub of the server",
        )
    return words[0], words[1]


def unreachable(login: Login, cause: str) -> ProviderError:
    """Return the error for a server that does not answer, or no longer."""
    return Unreachable(
        login.subject,
        cause,
        f"check that it runs and that its firewall lets this machine in: "
        f"ssh -p {login.port} {login.user}@{login.address}",
    )


def _mismatch(login: Login, cause: str) -> HostKeyMismatch:
    return HostKeyMismatch(
        login.subject,
        cause,
        "if the machine was reinstalled on purpose, put its new host key into its block; if not, "
        "somebody else answers at this address: stop and find out who",
    )
