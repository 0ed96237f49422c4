"""What every server promises: over the memory twin, a real sshd, and a real machine."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from blocks.errors import (
    ConfigurationError,
    DeadlineExceeded,
    HostKeyMismatch,
    NotFound,
    Unreachable,
)
from blocks.servers.base import Server
from blocks.servers.ssh import SshServer
from tests.fakes.loopback_sshd import free_port, loopback_sshd
from tests.fakes.memory_server import MemoryServer

SHORT = timedelta(seconds=10)
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBlD2u7oZz9E1jnOmPYRFzMsVDoZ4UaD0D9gFLRPmOqG"
LAB = pytest.param("debian", marks=pytest.mark.lab)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with loopback_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running.server()


@pytest.fixture(params=["memory", "sshd", LAB])
def server(request: pytest.FixtureRequest) -> Server:
    return MemoryServer(address="10.0.0.10") if request.param == "memory" else _real(request)


@pytest.fixture(params=["memory", LAB])
def machine(request: pytest.FixtureRequest) -> Server:
    """A server whose own directories may be written to."""
    return MemoryServer(address="10.0.0.10") if request.param == "memory" else _real(request)


def _real(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@contextmanager
def gone(server: Server) -> Iterator[Server]:
    """Give the server as it is when its machine is gone."""
    if isinstance(server, SshServer):
        yield server.model_copy(update={"address": "127.0.0.1", "port": free_port()}, deep=True)
        return
    assert isinstance(server, MemoryServer)
    server.machine.up = False
    yield server
    server.machine.up = True


def test_what_is_put_is_what_is_got(server: Server, tmp_path: Path) -> None:
    path, content = f"{tmp_path}/new folder/it's", bytes(range(256)) * 1000
    server.put(path, b"before")
    server.put(path, content, mode=0o640)
    assert server.get(path) == content
    server.put(path, b"")
    assert server.get(path) == b""


def test_a_local_file_is_copied(server: Server, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"\0x" * 2_000_000)
    server.put_file(local, f"{tmp_path}/copy")
    assert server.get(f"{tmp_path}/copy") == local.read_bytes()


def test_a_missing_file_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=f"{tmp_path}/missing") as caught:
        server.get(f"{tmp_path}/missing")
    assert "ls -l" in caught.value.hint


def test_digests_are_of_regular_files_only(server: Server, tmp_path: Path) -> None:
    odd = [f"{tmp_path}/{name}" for name in ("plain", "with 'quotes\" $(id)", "new\nline", "-n")]
    for path in odd:
        server.put(path, path.encode())
    found = server.digests([*odd, f"{tmp_path}/gone", str(tmp_path)])
    assert {path: each.sha256 for path, each in found.items()} == {
        path: hashlib.sha256(path.encode()).hexdigest() for path in odd
    }
    assert all(
        abs(each.changed - datetime.now(UTC)) < timedelta(minutes=5) for each in found.values()
    )
    assert server.digests([]) == {}


def test_a_server_that_is_up_is_ready(server: Server) -> None:
    server.wait_ready(timeout=SHORT)
    assert server.run(("true",), timeout=SHORT).status == 0
    assert server.authorized_key().startswith("ssh-ed25519 AAAA")


def test_another_host_key_is_refused_at_once(server: Server) -> None:
    impostor = server.model_copy(update={"host_key": OTHER_KEY}, deep=True)
    if isinstance(impostor, MemoryServer):
        impostor._world = server.world  # type: ignore[attr-defined]
    started = monotonic()
    for call in (
        lambda: impostor.wait_ready(timeout=timedelta(seconds=60)),
        lambda: impostor.run(("true",), timeout=SHORT),
    ):
        with pytest.raises(HostKeyMismatch) as caught:
            call()
        assert server.address in caught.value.subject
    assert monotonic() - started < 10


def test_a_server_that_is_gone_is_unreachable(server: Server) -> None:
    with gone(server) as lost:
        with pytest.raises(Unreachable) as caught:
            lost.run(("true",), timeout=SHORT)
        assert caught.value.transient
        assert not lost.answers(
            22 if isinstance(lost, MemoryServer) else free_port(), timeout=SHORT
        )
        with pytest.raises(DeadlineExceeded):
            lost.wait_ready(timeout=timedelta(seconds=1))


def test_a_tunnel_to_nothing_says_so(server: Server) -> None:
    with pytest.raises(Unreachable, match="port"), server.tunnel(free_port()):
        pytest.fail("there is nothing to connect to")


def test_the_same_way_in_leads_to_another_machine(server: Server) -> None:
    other = server.at("192.0.2.7", OTHER_KEY)
    assert (other.address, type(other)) == ("192.0.2.7", type(server))
    assert other.authorized_key() == server.authorized_key()


def test_a_block_can_be_sent_to_another_process(server: Server) -> None:
    server.run(("true",), timeout=SHORT)
    copied = pickle.loads(pickle.dumps(server))  # noqa: S301
    assert copied == server
    assert copied.run(("true",), timeout=SHORT).status == 0


def test_a_marker_is_found_again(machine: Server) -> None:
    assert machine.read_marker("files-blog") == ""
    machine.write_marker("files-blog", "snapshot-1")
    machine.write_marker("files-blog", "snapshot-2")
    assert machine.read_marker("files-blog") == "snapshot-2"


def test_the_release_is_the_one_that_the_facts_tell(machine: Server) -> None:
    assert machine.release() == machine.facts().release == "12"


def test_an_address_can_be_taken_and_dropped_again_and_again(machine: Server) -> None:
    for _ in range(2):
        machine.take_address("192.0.2.200")
    for _ in range(2):
        machine.drop_address("192.0.2.200")
    for act in (machine.take_address, machine.drop_address):
        with pytest.raises(ConfigurationError, match="no-address"):
            act("no-address")


def test_only_running_jobs_are_stopped(machine: Server) -> None:
    assert machine.stop_jobs("nothing-runs") == ()
