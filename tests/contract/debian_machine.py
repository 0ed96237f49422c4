"""A real Debian machine that several contract suites share."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest
from pydantic import SecretStr

from blocks.servers.ssh import SshServer
from deployments.lab import lab, machines
from deployments.lab.config import ROOT, Lab
from deployments.lab.secrets import host_key


@pytest.fixture(scope="session")
def debian() -> Iterator[SshServer]:
    """A machine of its own, as a provider makes it, for tests marked `lab`."""
    here = Lab("servers", IPv4Network("10.89.75.0/24"), ROOT / "var/lab/servers")
    lab.down(here)
    lab.foundation(here)
    machine = machines.start(here, "debian", "base", here.address(50), lambda _: None)
    yield SshServer(
        address=machine.address,
        private_key=SecretStr(here.secret("ssh-key")),
        host_key=host_key(here, "debian").public,
    )
    lab.down(here)
