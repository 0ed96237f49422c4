"""Scaleway under the suites of `VpsProvider`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from pydantic import SecretStr

from blocks.vps.scaleway import ScalewayVps
from tests.contract.hosted_bench import FAST, HostedBench, Offer
from tests.fakes.scaleway_api import ScalewayApi

KEY, SECRET = "SCW0123456789ABCDEFG", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PROJECT = "99999999-8888-4777-8666-555555555555"


class ScalewayBench(HostedBench):
    offer = Offer("DEV1-S", "DEV1-L", "GP1-XS")
    order, look, end = r"POST .*/servers$", r"GET .*/servers$", r"DELETE .*/servers/"
    lead = r"PATCH .*/ips/"
    right = "instance write"
    secret = SECRET

    def __init__(self, service: ScalewayApi) -> None:
        self.service: ScalewayApi = service
        self.provider = ScalewayVps(
            access_key=KEY,
            secret_key=SecretStr(SECRET),
            project=PROJECT,
            zones=["fr-par-2"],
            api_url=service.url,
            **FAST,
        )

    def sell_out(self, *sizes: str, told: bool = True) -> None:
        self.service.sold_out, self.service.told_sold_out = set(sizes), told

    def limit(self, machines: int) -> None:
        self.service.limit = machines

    def take_right(self) -> None:
        self.service.may_write = False

    def expire(self) -> None:
        self.service.secret = "another"

    def stranger(self) -> None:
        self.service.put("of-somebody-else", ["managed-by=terraform", "purpose=drill"])

    def user_data(self, name: str) -> str:
        found = next(each for each in self.service.servers.values() if each["name"] == name)
        return str(found["user_data"]["cloud-init"])

    def machines(self) -> int:
        return len(self.service.servers)

    def give_address(self, address: str, *, elsewhere: bool = False) -> None:
        zone = "nl-ams-1" if elsewhere else "fr-par-2"
        self.service.put_ip(str(uuid4()), address, zone, "", ["of-the-agency"])
        if elsewhere:
            zones = ["fr-par-2", zone]
            self.provider = self.provider.model_copy(update={"zones": zones})

    def leftovers(self) -> tuple[str, ...]:
        return (*self.service.ips, *self.service.volumes)


@contextmanager
def scaleway() -> Iterator[ScalewayBench]:
    with ScalewayApi(KEY, SECRET).running() as service:
        yield ScalewayBench(service)
