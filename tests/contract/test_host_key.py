"""A machine makes its own host key: the one that it was made with is then worth nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.errors import HostKeyMismatch, NotFound
from blocks.servers.base import Server
from blocks.servers.host_key import new_host_key
from blocks.servers.ssh import SshServer
from tests.fakes.loopback_sshd import loopback_sshd, make_key
from tests.fakes.memory_server import MemoryServer

SHORT = timedelta(seconds=20)
KEY = "/etc/ssh/ssh_host_ed25519_key"
INSTANCE = "/var/lib/cloud/instances/i-contract"
LAB = pytest.param("debian", marks=pytest.mark.lab)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    with loopback_sshd(tmp_path) as running:
        yield running.server()


@pytest.fixture(params=["memory", "sshd", LAB])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A machine that shows the key that it was made with, again afterwards if others need it."""
    if request.param == "memory":
        yield MemoryServer(address="10.0.0.10")
        return
    made: SshServer = request.getfixturevalue(request.param)
    if request.param == "sshd":
        yield made
        return
    before = made.get(KEY)
    yield made
    made.put(f"{KEY}.staged", before)
    made.install_host_key(made.host_key)


def under(server: Server, key: str) -> Server:
    """Return the way in to the same machine with another host key pinned."""
    if isinstance(server, SshServer):
        return server.model_copy(update={"host_key": key}, deep=True)
    return server.at(server.address, key)


def refused(server: Server, key: str) -> bool:
    try:
        under(server, key).wait_ready(timeout=SHORT)
    except HostKeyMismatch:
        return True
    return False


def shown_before(server: Server) -> str:
    return server.ssh_address().host_key


def test_a_staged_key_is_one_and_shown_to_nobody(server: Server) -> None:
    staged = server.stage_host_key()
    assert staged.startswith("ssh-ed25519 AAAA")
    assert len(staged.split()) == 2
    assert staged != shown_before(server)
    assert server.stage_host_key() == staged
    assert refused(server, staged)
    assert not refused(server, shown_before(server))


def test_an_installed_key_is_the_only_one(server: Server) -> None:
    staged = server.stage_host_key()
    server.install_host_key(staged)
    assert refused(server, shown_before(server))
    renewed = under(server, staged)
    renewed.wait_ready(timeout=SHORT)
    renewed.install_host_key(staged)
    assert not refused(server, staged)
    assert renewed.stage_host_key() != staged, "the next renewal makes another"


def test_a_key_that_was_never_staged_changes_nothing(server: Server) -> None:
    staged, other = server.stage_host_key(), new_host_key().public
    with pytest.raises(NotFound, match="neither staged nor in"):
        server.install_host_key(other)
    assert not refused(server, shown_before(server))
    assert server.stage_host_key() == staged


def test_the_connection_lives_on(sshd: SshServer) -> None:
    sshd.run(("true",), timeout=SHORT)
    transport = sshd._connection._transport
    sshd.install_host_key(sshd.stage_host_key())
    assert sshd.run(("echo", "still here"), timeout=SHORT).stdout == b"still here\n"
    assert sshd._connection._transport is transport


@pytest.mark.parametrize("done", ["moved", "published"])
def test_an_installation_that_broke_off_is_finished(
    sshd: SshServer, tmp_path: Path, done: str
) -> None:
    """The key is in its place, but sshd has not been told."""
    staged = sshd.stage_host_key()
    (tmp_path / "host_key.staged").rename(tmp_path / "host_key")
    if done == "published":
        (tmp_path / "host_key.pub").write_text(f"{staged}\n")
    sshd.install_host_key(staged)
    assert (tmp_path / "host_key.pub").read_text() == f"{staged}\n"
    assert refused(sshd, sshd.host_key)
    assert not refused(sshd, staged)


def test_a_key_half_made_is_made_anew(sshd: SshServer, tmp_path: Path) -> None:
    (tmp_path / "host_key.new").write_text("half")
    staged = sshd.stage_host_key()
    sshd.install_host_key(staged)
    left = sorted(each.name for each in tmp_path.glob("host_key*"))
    assert left == ["host_key", "host_key.pub"]
    assert (tmp_path / "host_key").stat().st_mode & 0o777 == 0o600


def test_keys_of_other_types_go(tmp_path: Path) -> None:
    """What the machine was made with beside the ed25519 key may be known, too."""
    make_key(tmp_path / "ecdsa", "ecdsa")
    line = f"HostKey {tmp_path}/ecdsa\n"
    with loopback_sshd(tmp_path, more=line) as running:
        server = running.server()
        ecdsa = (tmp_path / "ecdsa.pub").read_text().strip()
        assert not refused(server, ecdsa)
        server.install_host_key(server.stage_host_key())
        assert refused(server, ecdsa)
        assert not (tmp_path / "ecdsa").exists()


@pytest.mark.parametrize("server", ["memory", LAB], indirect=True)
def test_what_cloud_init_kept_of_the_key_goes(server: Server) -> None:
    gone = [
        f"{INSTANCE}/{name}" for name in ("user-data.txt", "user-data.txt.i", "cloud-config.txt")
    ]
    for path in (*gone, "/run/cloud-init/result.json", f"{INSTANCE}/datasource"):
        server.put(path, b"ssh_keys")
    staged = server.stage_host_key()
    server.install_host_key(staged)
    renewed = under(server, staged)
    for path in gone:
        with pytest.raises(NotFound):
            renewed.get(path)
    assert renewed.get(f"{INSTANCE}/datasource") == b"ssh_keys"


@pytest.mark.lab
def test_cloud_init_reads_its_copies_until_its_last_stage(debian: SshServer) -> None:
    path, ended = f"{INSTANCE}/user-data.txt", "/run/cloud-init/result.json"
    debian.put(path, b"ssh_keys")
    debian.run(("rm", "-f", ended), timeout=SHORT)
    before = debian.get(KEY)
    debian.install_host_key(debian.stage_host_key())
    assert debian.get(path) == b"ssh_keys"
    debian.put(ended, b"{}")
    wait = ("bash", "-c", f"while [ -e {path} ]; do sleep 0.1; done")
    debian.run(wait, timeout=SHORT)
    debian.put(f"{KEY}.staged", before)
    debian.install_host_key(debian.host_key)


@pytest.mark.lab
def test_an_sshd_that_its_socket_starts_needs_no_telling(debian: SshServer) -> None:
    def started_by(unit: str, other: str) -> None:
        words = ("sh", "-ec", f"systemctl stop {other}; systemctl start {unit}")
        debian.run(words, timeout=SHORT)

    before = debian.get(KEY)
    started_by("ssh.socket", "ssh.service")
    try:
        fresh = under(debian, debian.host_key)
        staged = fresh.stage_host_key()
        fresh.install_host_key(staged)
        assert refused(debian, debian.host_key)
        assert not refused(debian, staged)
    finally:
        debian.put(f"{KEY}.staged", before)
        debian.install_host_key(debian.host_key)
        started_by("ssh.service", "ssh.socket")
    assert not refused(debian, debian.host_key)
