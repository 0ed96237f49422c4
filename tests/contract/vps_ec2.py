"""AWS EC2 under the suites of `VpsProvider`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from blocks.vps.ec2 import Ec2Vps
from tests.contract.hosted_bench import FAST, HostedBench, Offer
from tests.fakes.loopback_ec2 import ELSEWHERE, REGION, LoopbackEc2, admin

READS = (
    "sts:GetCallerIdentity",
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeImages",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeAddresses",
    "ec2:DescribeNetworkInterfaces",
)


class Ec2Bench(HostedBench):
    offer = Offer("t3a.medium", "t3a.xlarge", "c6a.xlarge")
    order, look, end = r"RunInstances$", r"DescribeInstances$", r"TerminateInstances$"
    right = "ec2:RunInstances"
    currency = "USD"
    keeps_address = False
    lead, lead_right = r"AssociateAddress$", "ec2:AssignPrivateIpAddresses"
    keeps_own_address = False
    """moto shows an address that leads to a second private one as the instance's own."""

    def __init__(self, service: LoopbackEc2) -> None:
        self.service: LoopbackEc2 = service
        self.secret = str(service.key["SecretAccessKey"])
        self.provider = Ec2Vps(
            access_key=service.key["AccessKeyId"],
            secret_key=SecretStr(self.secret),
            api_url=service.url,
            **FAST | {"timeout_seconds": 1},
        )

    def sell_out(self, *sizes: str, told: bool = True) -> None:
        self.service.sold_out = set(sizes)

    def limit(self, machines: int) -> None:
        self.service.limit = machines

    def take_right(self) -> None:
        self.service.allow(*READS)
        self.service.enforced(True)

    def expire(self) -> None:
        self.service.revoke_key()
        self.service.enforced(True)

    def stranger(self) -> None:
        self.service.put({"managed-by": "terraform", "purpose": "drill"})

    def user_data(self, name: str) -> str:
        for each in self.service.instances():
            if {"Key": "Name", "Value": name} in each["Tags"]:
                return self.service.user_data(each["InstanceId"])
        raise LookupError(name)

    def machines(self) -> int:
        self.service.enforced(False)
        return len(self.service.instances())

    def give_address(self, address: str, *, elsewhere: bool = False) -> None:
        region = ELSEWHERE if elsewhere else REGION
        admin(self.service.upstream, "ec2", region).allocate_address(Domain="vpc", Address=address)
        if elsewhere:
            self.provider = self.provider.model_copy(update={"other_regions": (ELSEWHERE,)})

    def leftovers(self) -> tuple[str, ...]:
        volumes = [each["VolumeId"] for each in self.service.ec2.describe_volumes()["Volumes"]]
        addresses = self.service.ec2.describe_addresses()["Addresses"]
        return (*volumes, *(each["PublicIp"] for each in addresses))


@contextmanager
def ec2() -> Iterator[Ec2Bench]:
    with LoopbackEc2().running() as service:
        yield Ec2Bench(service)
