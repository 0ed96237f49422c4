"""OVH Public Cloud under the suites of `VpsProvider`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from blocks.vps.ovh import OvhVps
from blocks.vps.ovh_addresses import CALLS as ADDRESS_CALLS
from blocks.vps.ovh_shapes import CALLS
from tests.contract.hosted_bench import FAST, HostedBench, Offer
from tests.fakes.ovh_auth import Credential
from tests.fakes.ovh_cloud_api import PROJECT, OvhCloudApi

CONSUMER = "consumer-key-of-the-tests"


class OvhBench(HostedBench):
    offer = Offer("d2-4", "c3-8", "b3-16")
    order, look, end = r"POST .*/instance$", r"GET .*/instance$", r"DELETE .*/instance/"
    right = f"POST /cloud/project/{PROJECT}/instance:"
    lead = r"POST .*/ip/failover/.*/attach$"
    lead_right = f"POST /cloud/project/{PROJECT}/ip/failover/"
    secret = CONSUMER

    def __init__(self, service: OvhCloudApi) -> None:
        self.service: OvhCloudApi = service
        self.grant(*CALLS, *ADDRESS_CALLS)
        self.provider: OvhVps = OvhVps(
            application_key=SecretStr(service.application_key),
            application_secret=SecretStr(service.application_secret),
            consumer_key=SecretStr(CONSUMER),
            project=PROJECT,
            endpoint=service.endpoint,
            **FAST,
        )

    def grant(self, *calls: tuple[str, str]) -> None:
        """Let the consumer key hold these rules alone."""
        rules = [(method, path.format(project=PROJECT)) for method, path in calls]
        self.service.credentials[CONSUMER] = Credential(rules)

    def sell_out(self, *sizes: str, told: bool = True) -> None:
        self.service.sold_out, self.service.told_sold_out = set(sizes), told

    def limit(self, machines: int) -> None:
        self.service.limit = machines

    def take_right(self) -> None:
        self.grant(*(each for each in (*CALLS, *ADDRESS_CALLS) if each[0] == "GET"))

    def expire(self) -> None:
        self.service.credentials[CONSUMER].status = "expired"

    def stranger(self) -> None:
        self.service.put("continuity-of-somebody-else")

    def user_data(self, name: str) -> str:
        found = (each for each in self.service.there() if f"~{name}~" in each["name"])
        return str(next(found)["_user_data"])

    def machines(self) -> int:
        return len(self.service.there())

    def give_address(self, address: str, *, elsewhere: bool = False) -> None:
        self.service.put_address(address, "NA" if elsewhere else "EU")


@contextmanager
def ovh() -> Iterator[OvhBench]:
    with OvhCloudApi().running() as service:
        yield OvhBench(service)
