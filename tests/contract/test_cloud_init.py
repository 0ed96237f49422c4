"""The user data of new machines, given to Debian's own cloud-init on a real machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network

import pytest
from pydantic import SecretStr

from blocks.errors import ConfigurationError, HostKeyMismatch
from blocks.servers.host_key import new_host_key
from blocks.servers.ssh import SshServer
from blocks.vps.cloud_init import LIMIT, user_data
from deployments.lab import machines
from deployments.lab.config import ROOT, Lab
from deployments.lab.secrets import host_key
from tests.contract.hosted_bench import asked

HERE = Lab("servers", IPv4Network("10.89.75.0/24"), ROOT / "var/lab/servers")
LONG, SHORT = timedelta(seconds=240), timedelta(seconds=30)
KEY = new_host_key()
SEED = "/var/lib/cloud/seed/nocloud"
APPLY = f"""
set -e
mkdir -p {SEED} /etc/cloud/cloud.cfg.d
cat > {SEED}/user-data
echo 'instance-id: i-1' > {SEED}/meta-data
echo 'datasource_list: [NoCloud]' > /etc/cloud/cloud.cfg.d/90_here.cfg
rm -f /root/.ssh/authorized_keys
cloud-init init
systemctl restart ssh
"""


@pytest.fixture(scope="module")
def machine(debian: SshServer) -> Iterator[SshServer]:
    """A machine with cloud-init, which nobody has used yet."""
    made = machines.start(HERE, "cloud", "base", HERE.address(51), lambda _: None)
    server = SshServer(
        address=made.address,
        private_key=SecretStr(HERE.secret("ssh-key")),
        host_key=host_key(HERE, "cloud").public,
    )
    install = "apt-get -qq update && apt-get -qq install -y --no-install-recommends cloud-init"
    server.run(("sh", "-c", f"DEBIAN_FRONTEND=noninteractive; {install}"), timeout=LONG)
    yield server
    machines.destroy(HERE, "cloud")


@pytest.mark.lab
def test_cloud_init_takes_it_and_the_machine_is_ours(machine: SshServer) -> None:
    request = asked("dr-cloud", key=KEY, authorized_key=machine.authorized_key())
    text = user_data(request).encode()
    machine.run(("sh", "-c", "cat > /root/user-data"), stdin=text, timeout=SHORT)
    said = machine.run(("cloud-init", "schema", "--config-file", "/root/user-data"), timeout=SHORT)
    assert b"Valid cloud-config" in said.stdout
    machine.run(("sh", "-c", APPLY), stdin=text, timeout=LONG)
    with pytest.raises(HostKeyMismatch):
        machine.at(machine.address, machine.host_key).wait_ready(timeout=SHORT)
    ours = machine.at(machine.address, KEY.public)
    ours.wait_ready(timeout=SHORT)
    seen = ours.run(("sh", "-c", "hostname; id -un; ls /etc/ssh/ssh_host_*_key"), timeout=SHORT)
    assert seen.stdout.split() == [b"dr-cloud", b"root", b"/etc/ssh/ssh_host_ed25519_key"]


def test_what_no_provider_would_take_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ConfigurationError, match=str(LIMIT)):
        user_data(replace(asked(), authorized_key="ssh-rsa " + "A" * LIMIT))
