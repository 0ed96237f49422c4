"""Instances of AWS EC2."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr, SecretStr

from blocks.errors import ConfigurationError, ContinuityError
from blocks.types import Access, FloatingAddress, Machine, MachineRequest, MachineSize, PowerState
from blocks.vps import ec2_access, ec2_addresses, ec2_prices
from blocks.vps import ec2_shapes as shapes
from blocks.vps.answers import UNREADABLE
from blocks.vps.ec2_client import client, translated
from blocks.vps.floating import FloatingVps
from blocks.vps.labels import OURS

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import ImageTypeDef, SecurityGroupTypeDef

_KEPT_SECONDS = 600
_PRICE_REGION = "us-east-1"
"""Where the Price List API is."""


@dataclass(frozen=True)
class _Read:
    at: float
    sizes: tuple[MachineSize, ...]


class Ec2Vps(FloatingVps):
    """Make instances of Debian in the default VPC of each region that is named.

    An order has a client token and its tags, those of its disk included, from the beginning: so
    nothing exists without them. EC2 gives a machine another address each time it is started.

    Example:
        ```python
        from blocks.vps.ec2 import Ec2Vps

        provider = Ec2Vps.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "AWS EC2"
    _block_type_slug = "ec2-vps"
    _description = "Instances of AWS EC2, in the default VPC of each region that is named."
    _read: dict[str, _Read] = PrivateAttr(default_factory=dict)

    access_key: str = Field(title="Access key", description="Id of the IAM user's access key.")
    secret_key: SecretStr = Field(
        title="Secret key", description="Secret half of the IAM user's access key."
    )
    region: str = Field(
        default="eu-west-3",
        title="Region",
        description="Where machines are made unless a target says, such as eu-west-3 (Paris).",
    )
    other_regions: tuple[str, ...] = Field(
        default=(),
        title="Other regions",
        description="All other regions that targets name: machines are looked for in these only.",
    )
    security_group: str = Field(
        default="continuity",
        title="Security group",
        description="Name of the group, in each region, that lets in ports 22, 80 and 443.",
    )
    api_url: str = Field(
        default="", title="API URL", description="Where the APIs are, if not at AWS."
    )

    @property
    def places(self) -> tuple[str, ...]:
        """Return every region in which our machines may be."""
        return tuple(dict.fromkeys((self.region, *self.other_regions)))

    def access(self) -> Access:
        """Ask who we are, and rehearse the calls of a recovery (`DryRun`: nothing is made)."""
        return ec2_access.seen(self)

    def _offers(self, region: str) -> tuple[MachineSize, ...]:
        """Return the types with their prices; EC2 tells no stock, so they are asked for rarely."""
        kept = self._read.get(region)
        if kept is None or time.monotonic() - kept.at > _KEPT_SECONDS:
            sizes = self._types(region)
            prices = self._prices(region, [each.cores for each in sizes])
            priced = tuple(shapes.priced(each, prices) for each in sizes)
            kept = self._read[region] = _Read(time.monotonic(), priced)
        return kept.sizes

    def _types(self, region: str) -> tuple[MachineSize, ...]:
        with self.asking("ec2", region, f"list instance types in {region}") as ec2:
            pages = ec2.get_paginator("describe_instance_types").paginate(
                Filters=[
                    {"Name": "instance-type", "Values": [f"{each}.*" for each in shapes.FAMILIES]},
                    {"Name": "processor-info.supported-architecture", "Values": ["x86_64"]},
                    {"Name": "bare-metal", "Values": ["false"]},
                    {"Name": "vcpu-info.default-vcpus", "Values": list(shapes.CORES)},
                ]
            )
            return shapes.serving(kind for page in pages for kind in page["InstanceTypes"])

    def _prices(self, region: str, cores: list[int]) -> ec2_prices.Prices:
        """Return what machines cost; nothing if it cannot be read: a recovery does not wait."""
        try:
            with self.asking("pricing", _PRICE_REGION, "read the price list") as pricing:
                return ec2_prices.read(pricing, region, cores)
        except ContinuityError:
            return ec2_prices.Prices()

    def _machines(self) -> tuple[Machine, ...]:
        return tuple(each for region in self.places for each in self._machines_in(region))

    def _machines_in(self, region: str) -> tuple[Machine, ...]:
        with self.asking("ec2", region, f"list instances in {region}") as ec2:
            pages = ec2.get_paginator("describe_instances").paginate(
                Filters=[
                    {"Name": f"tag:{OURS[0]}", "Values": [OURS[1]]},
                    {"Name": "instance-state-name", "Values": list(shapes.THERE)},
                ],
                PaginationConfig={"PageSize": 100},
            )
            found = [
                one for page in pages for each in page["Reservations"] for one in each["Instances"]
            ]
            return tuple(shapes.machine(each, region, self.reference) for each in found)

    def _order(self, request: MachineRequest, size: MachineSize, region: str, text: str) -> None:
        if region not in self.places:
            raise ConfigurationError(
                self._subject(f"region {region}"),
                "is not named by the provider, so a machine there would never be found again",
                "add it to `other_regions` in the estate file",
            )
        image = self._patient(lambda: self.image(region))
        group = self._patient(lambda: self.group(region))
        tags, token = shapes.carried(request), shapes.token(request, size, region)
        with self.asking("ec2", region, f"run instance {request.name} ({size.name})") as ec2:
            ec2.run_instances(**shapes.order(image, group, size, tags, text, token))

    def image(self, region: str) -> ImageTypeDef:
        """Return the newest image of Debian."""
        with self.asking("ec2", region, f"look for Debian {self.debian} in {region}") as ec2:
            found: list[ImageTypeDef] = ec2.describe_images(
                Owners=[shapes.DEBIAN],
                Filters=[
                    {"Name": "name", "Values": [f"debian-{self.debian}-amd64-*"]},
                    {"Name": "state", "Values": ["available"]},
                ],
            )["Images"]
        image = shapes.newest(found)
        if image is None:
            raise ConfigurationError(
                self._subject(f"image of Debian {self.debian}"),
                f"is not offered in {region} by Debian's account {shapes.DEBIAN}",
                "does the region exist? else set `debian` in the estate file",
            )
        return image

    def group(self, region: str) -> SecurityGroupTypeDef:
        """Return the security group of this name."""
        name = self.security_group
        with self.asking("ec2", region, f"look for security group {name} in {region}") as ec2:
            found: list[SecurityGroupTypeDef] = ec2.describe_security_groups(
                Filters=[{"Name": "group-name", "Values": [name]}]
            )["SecurityGroups"]
        if len(found) != 1:
            raise ConfigurationError(
                self._subject(f"security group {name}"),
                f"is there {len(found)} times in {region}",
                "make one in the default VPC that lets in 22, 80 and 443, or correct "
                "`security_group` in the estate file",
            )
        return found[0]

    def _switch(self, machine: Machine, power: PowerState) -> None:
        with self.asking("ec2", machine.region, f"power {machine.name} {power}") as ec2:
            if power is PowerState.ON:
                ec2.start_instances(InstanceIds=[machine.id])
            else:
                # Power is cut to fence a machine: it may not serve on while it shuts down.
                ec2.stop_instances(InstanceIds=[machine.id], Force=True, SkipOsShutdown=True)

    def _floating(self) -> tuple[FloatingAddress, ...]:
        return tuple(
            each for region in self.places for each in ec2_addresses.addresses(self, region)
        )

    def _assign(self, address: FloatingAddress, machine: Machine) -> None:
        ec2_addresses.assign(self, address, machine)

    def address_inside(self, address: str, machine: str) -> str:
        """Return the second private address, to which EC2 translates a floating one."""
        known = self._known(machine)
        return self._patient(lambda: ec2_addresses.inside(self, known))

    def _delete(self, machine: Machine) -> None:
        with self.asking("ec2", machine.region, f"terminate {machine.name}") as ec2:
            ec2.terminate_instances(InstanceIds=[machine.id])

    @contextmanager
    def asking(self, service: str, region: str, doing: str) -> Iterator[Any]:
        """Give the client of a service, and raise errors of our tree."""
        with translated(self._subject(f"the API of {service}"), doing):
            made = client(
                service,
                region,
                self.access_key,
                self.secret_key,
                self.api_url,
                self.timeout_seconds,
            )
            try:
                yield made
            except UNREADABLE as error:
                raise self._unreadable(doing, error) from error
