"""Every provider with an API that the suites run over; a new one adds its line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.contract.hosted_bench import HostedBench
from tests.contract.vps_digitalocean import digitalocean
from tests.contract.vps_ec2 import ec2
from tests.contract.vps_hetzner import hetzner
from tests.contract.vps_ovh import ovh
from tests.contract.vps_scaleway import scaleway

HOSTED: dict[str, Callable[[], AbstractContextManager[HostedBench]]] = {
    "digitalocean": digitalocean,
    "ec2": ec2,
    "hetzner": hetzner,
    "ovh": ovh,
    "scaleway": scaleway,
}

MOVING = ("digitalocean", "ec2", "hetzner", "ovh", "scaleway")
"""Those of them that can lead an address to another machine."""
