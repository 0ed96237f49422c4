"""Commands over a real sshd on the loopback: secrets, ends, deadlines, lost connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from pydantic import SecretStr

from blocks.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConfigurationError,
    DeadlineExceeded,
    DiskFull,
    HostKeyMismatch,
    Unreachable,
)
from blocks.servers.ssh import SshServer
from blocks.types import RemoteCommand
from tests import process_list
from tests.fakes.loopback_sshd import LoopbackSshd, loopback_sshd, make_key

SHORT = timedelta(seconds=20)
SECRET = "pa'ss \"word$HOME`id`\n\\é"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackSshd]:
    with loopback_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def server(sshd: LoopbackSshd) -> SshServer:
    return sshd.server()


def sh(script: str, **secrets: str) -> RemoteCommand:
    return RemoteCommand(("sh", "-c", script), secrets)


def test_words_arrive_as_they_are(server: SshServer) -> None:
    words = ("", "a b", "it's", '"$HOME"', "`id`", "*", "\\", "é\n", "-n", "$(id)")
    said = server.run(("printf", "<%s>", *words), timeout=SHORT).stdout.decode()
    assert said == "".join(f"<{word}>" for word in words)


def test_secrets_come_before_the_payload(server: SshServer) -> None:
    command = sh('printf "%s|%s|" "$A" "$B"; cat', A=SECRET, B="")
    payload = b"\0first\0\0rest\n"
    assert server.run(command, timeout=SHORT, stdin=payload).stdout == (
        f"{SECRET}||".encode() + payload
    )


def test_no_process_list_shows_a_secret(server: SshServer) -> None:
    """Watches every process of this machine, which is the server too, while a command runs."""
    secret = "quite-secret-4711"
    seen: set[bytes] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.update(line for _, line in process_list.read_all())

    watcher = threading.Thread(target=watch)
    watcher.start()
    server.run(sh("sleep 1; test -n $PASSWORD", PASSWORD=secret), timeout=SHORT)
    server.pipe(sh("sleep 1", A=secret), sh("sleep 1", B=secret), timeout=SHORT)
    done.set()
    watcher.join()
    assert any(b"sleep 1; test -n" in line for line in seen), "the command was seen running"
    assert not [line for line in seen if secret.encode() in line]


def test_no_error_shows_a_secret(server: SshServer) -> None:
    with pytest.raises(CommandFailed) as caught:
        server.run(sh("exit 3", PASSWORD=SECRET), timeout=SHORT)
    assert "pa'ss" not in str(caught.value)
    assert "pa'ss" not in repr(caught.value.args)


def test_a_failure_tells_status_and_message(server: SshServer) -> None:
    with pytest.raises(CommandFailed, match="broken pump") as caught:
        server.run(sh("echo broken pump >&2; exit 7"), timeout=SHORT)
    assert caught.value.status == 7
    assert server.run(sh("exit 7"), timeout=SHORT, accept=(0, 7)).status == 7


def test_a_killed_command_is_a_failure(server: SshServer) -> None:
    with pytest.raises(CommandFailed):
        server.run(sh("kill -9 $$"), timeout=SHORT)


def test_the_deadline_ends_the_process_on_the_server(server: SshServer, tmp_path: Path) -> None:
    started = monotonic()
    alive = tmp_path / "alive"
    with pytest.raises(DeadlineExceeded) as caught:
        server.run(sh(f"while :; do date >{alive}; sleep 0.1; done"), timeout=timedelta(seconds=1))
    assert monotonic() - started < 20
    assert caught.value.transient
    last = alive.stat().st_mtime_ns
    sleep(0.5)
    assert alive.stat().st_mtime_ns == last, "nothing runs on"


def test_output_of_any_size_comes_back(server: SshServer) -> None:
    size = 20_000_000
    result = server.run(sh(f"head -c {size} /dev/zero; seq 100000 >&2"), timeout=SHORT)
    assert len(result.stdout) == size
    assert result.stderr.endswith("99999\n100000\n")
    assert len(result.stderr) == 64 * 1024
    echoed = server.run(("cat",), timeout=SHORT, stdin=b"x" * size)
    assert len(echoed.stdout) == size


def test_a_command_may_leave_its_input_unread(server: SshServer) -> None:
    assert server.run(("true",), timeout=SHORT, stdin=b"x" * 20_000_000).status == 0


def test_a_pipe_gives_each_side_its_own_secrets(server: SshServer) -> None:
    result = server.pipe(
        sh('echo "$A.$B"', A="one", B="same"), sh('cat; echo "$A.$C"', A="two", C=""), timeout=SHORT
    )
    assert result.stdout == b"one.same\ntwo.\n"
    assert result.stderr == ""


def test_a_source_that_fails_half_way_is_seen_behind_a_sink_that_is_content(
    server: SshServer,
) -> None:
    with pytest.raises(CommandFailed, match="dump broke") as caught:
        server.pipe(sh("echo half; echo dump broke >&2; exit 3"), sh("cat >&2"), timeout=SHORT)
    assert caught.value.status == 3


def test_both_ends_of_a_pipe_are_reported(server: SshServer) -> None:
    with pytest.raises(CommandFailed, match=r"status 3 and .*status 4"):
        server.pipe(sh("echo half; exit 3"), sh("cat >/dev/null; exit 4"), timeout=SHORT)


def test_a_sink_that_ends_early_is_the_one_to_blame(server: SshServer) -> None:
    with pytest.raises(CommandFailed) as caught:
        server.pipe(RemoteCommand(("yes",)), sh("head -n 1; exit 4"), timeout=SHORT)
    assert caught.value.status == 4
    assert "`yes`" not in caught.value.cause


def test_a_full_disk_is_named(server: SshServer) -> None:
    with pytest.raises(DiskFull) as caught:
        server.run(sh("cat /dev/zero >/dev/full"), timeout=SHORT)
    assert "127.0.0.1" in caught.value.subject
    assert "df -h" in caught.value.hint


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("host_key", "ssh-rsa AAAAB3NzaC1yc2E", HostKeyMismatch),
        ("host_key", "no key", ConfigurationError),
        ("private_key", "no key", ConfigurationError),
    ],
)
def test_wrong_keys(sshd: LoopbackSshd, field: str, value: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="Next: "):
        sshd.server(**{field: value}).run(("true",), timeout=SHORT)


def test_a_key_that_the_server_does_not_know(sshd: LoopbackSshd, tmp_path: Path) -> None:
    private, _ = make_key(tmp_path / "other")
    other = sshd.server(private_key=SecretStr(private))
    with pytest.raises(AuthenticationFailed, match="authorized_keys") as caught:
        other.wait_ready(timeout=timedelta(seconds=30))
    assert "PRIVATE" not in str(caught.value)


def test_what_answers_but_speaks_no_ssh_is_unreachable(sshd: LoopbackSshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = sshd.server(port=silent.getsockname()[1], connect_timeout_seconds=1)
        started = monotonic()
        with pytest.raises(Unreachable):
            server.run(("true",), timeout=SHORT)
        assert monotonic() - started < 15


def test_many_threads_share_one_connection(server: SshServer) -> None:
    """More commands than sshd allows sessions on a connection: some wait for their turn."""
    with ThreadPoolExecutor(20) as pool:
        results = list(
            pool.map(lambda n: server.run(sh(f"sleep 0.2; echo {n}"), timeout=SHORT), range(20))
        )
    assert [int(result.stdout) for result in results] == list(range(20))


def test_a_lost_connection_is_told_and_made_anew(server: SshServer) -> None:
    server.run(("true",), timeout=SHORT)
    transport = server._connection._transport
    assert transport is not None
    threading.Timer(0.5, lambda: transport.sock.shutdown(socket.SHUT_RDWR)).start()
    with pytest.raises(Unreachable, match="lost while `sleep 20`"):
        server.run(("sleep", "20"), timeout=timedelta(seconds=30))
    assert server.run(("echo", "back"), timeout=SHORT).stdout == b"back\n"


def test_a_connection_that_takes_nothing_more_is_told_as_lost(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its channel cannot be closed either, which must not hide what happened."""
    server.run(("true",), timeout=SHORT)
    transport = server._connection._transport
    assert transport is not None

    def lost(_: bytes) -> None:
        raise EOFError

    threading.Timer(
        0.5, lambda: monkeypatch.setattr(transport.packetizer, "write_all", lost)
    ).start()
    with pytest.raises(Unreachable, match="connection was lost while"):
        server.run(sh("sleep 1; cat >/dev/null"), stdin=bytes(50_000_000), timeout=SHORT)


def test_one_dead_connection_is_replaced_once(server: SshServer) -> None:
    """Whoever notices last does not close the one that the others use already."""
    for _ in range(5):
        server.run(("true",), timeout=SHORT)
        transport = server._connection._transport
        assert transport is not None
        transport.sock.shutdown(socket.SHUT_WR)
        with ThreadPoolExecutor(6) as pool:
            commands = [sh(f"sleep 0.3; echo {n}") for n in range(6)]
            results = list(pool.map(lambda each: server.run(each, timeout=SHORT), commands))
        assert [int(result.stdout) for result in results] == list(range(6))


def test_a_tunnel_carries_several_connections(sshd: LoopbackSshd, server: SshServer) -> None:
    with server.tunnel(sshd.port) as local:
        for _ in range(3):
            with socket.create_connection(local, 5) as client:
                assert client.recv(8) == b"SSH-2.0-"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(local, 5)
