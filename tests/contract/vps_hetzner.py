"""Hetzner Cloud under the suites of `VpsProvider`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from blocks.vps.hetzner import HetznerVps
from tests.contract.hosted_bench import FAST, HostedBench, Offer
from tests.fakes.hetzner_api import HetznerApi

TOKEN = "hetzner-token-of-the-tests"


class HetznerBench(HostedBench):
    offer = Offer("cx23", "cx33", "cx43")
    order, look, end = r"POST /servers$", r"GET /servers$", r"DELETE /servers/"
    lead = r"POST /floating_ips/\d+/actions/assign"
    right = "Read & Write"
    secret = TOKEN

    def __init__(self, service: HetznerApi) -> None:
        self.service: HetznerApi = service
        self.provider = HetznerVps(token=SecretStr(TOKEN), api_url=service.url, **FAST)

    def sell_out(self, *sizes: str, told: bool = True) -> None:
        self.service.sold_out, self.service.told_sold_out = set(sizes), told

    def limit(self, machines: int) -> None:
        self.service.limit = machines

    def take_right(self) -> None:
        self.service.read_only = True

    def expire(self) -> None:
        self.service.token = "another"

    def stranger(self) -> None:
        self.service.put("of-somebody-else", {"managed-by": "terraform", "purpose": "drill"})

    def user_data(self, name: str) -> str:
        return next(
            str(each["_user_data"])
            for each in self.service.servers.values()
            if each["name"] == name
        )

    def machines(self) -> int:
        return len(self.service.servers)

    def give_address(self, address: str, *, elsewhere: bool = False) -> None:
        self.service.put_floating(address, "ash" if elsewhere else "hel1")


@contextmanager
def hetzner() -> Iterator[HetznerBench]:
    with HetznerApi(TOKEN).running() as service:
        yield HetznerBench(service)
