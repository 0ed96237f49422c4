"""DigitalOcean under the suites of `VpsProvider`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from pydantic import SecretStr

from blocks.vps.digitalocean import DigitalOceanVps
from blocks.vps.digitalocean_shapes import fingerprint
from tests.contract.authority import Authority
from tests.contract.hosted_bench import FAST, LOGIN, HostedBench, Offer
from tests.fakes.digitalocean_api import DigitalOceanApi

TOKEN = "dop_v1_of_the_tests"


class DigitalOceanBench(HostedBench):
    offer = Offer("s-2vcpu-4gb", "s-4vcpu-8gb", "s-4vcpu-8gb-amd")
    order, look, end = r"POST /v2/droplets$", r"GET /v2/droplets$", r"DELETE /v2/droplets/"
    lead, lead_right = r"POST /v2/reserved_ips/.*/actions", "reserved_ip:update"
    right = "droplet:create"
    secret = TOKEN
    currency = "USD"

    def __init__(self, service: DigitalOceanApi) -> None:
        self.service: DigitalOceanApi = service
        self.provider = DigitalOceanVps(token=SecretStr(TOKEN), api_url=service.url, **FAST)

    def sell_out(self, *sizes: str, told: bool = True) -> None:
        self.service.sold_out, self.service.told_sold_out = set(sizes), told

    def limit(self, machines: int) -> None:
        self.service.limit = machines

    def take_right(self) -> None:
        self.service.scopes -= {"droplet:create", "reserved_ip:update"}

    def expire(self) -> None:
        self.service.token = "another"

    def stranger(self) -> None:
        self.service.put(
            "drill-i0", ["managed-by:terraform", "purpose:drill"], "s-2vcpu-4gb", "fra1"
        )

    def user_data(self, name: str) -> str:
        return next(
            str(each["_user_data"])
            for each in self.service.droplets.values()
            if each["name"] == name
        )

    def machines(self) -> int:
        return len(self.service.droplets)

    def give_address(self, address: str, *, elsewhere: bool = False) -> None:
        self.service.reserved[address] = {
            "ip": address,
            "region": {"slug": "ams3" if elsewhere else "fra1"},
            "droplet": None,
            "locked": False,
        }

    def leftovers(self) -> tuple[str, ...]:
        shared = ("managed-by:", "purpose:", "server:")
        return tuple(each for each in self.service.tags if not each.startswith(shared))


@cache
def authority() -> tuple[str, tuple[Path, Path]]:
    """Make the authority of the fake once; return its file, and the fake's certificate."""
    made = Authority(Path(mkdtemp(prefix="digitalocean-ca-")))
    return str(made.ca_file), made.issue("127.0.0.1")


@contextmanager
def digitalocean() -> Iterator[DigitalOceanBench]:
    ca_file, certificate = authority()
    with ExitStack() as stack:
        # pydo sends no token without TLS, and its transport takes authorities from here.
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setitem(os.environ, "REQUESTS_CA_BUNDLE", ca_file)
        api = DigitalOceanApi(TOKEN, fingerprint(LOGIN), certificate)
        yield DigitalOceanBench(stack.enter_context(api.running()))
