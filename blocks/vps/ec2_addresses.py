"""Elastic IP addresses: which of our instances each leads to, and how it is led to another.

An address that is associated with an instance's primary private address would take the place of its
public one: the machine would be reached by nothing else. So each instance that gets one is given a
second private address for it, which the machine must then have (`Server.take_address`). Shapes:
boto3's `DescribeAddresses`, `DescribeNetworkInterfaces`, `AssociateAddress`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blocks.errors import ProviderError
from blocks.types import FloatingAddress, Machine
from blocks.vps.ec2_shapes import THERE
from blocks.vps.labels import OURS

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_ec2.type_defs import NetworkInterfaceTypeDef

    from blocks.vps.ec2 import Ec2Vps


def addresses(provider: Ec2Vps, region: str) -> tuple[FloatingAddress, ...]:
    """Return the account's Elastic IP addresses of a region; who is not ours holds none."""
    with provider.asking("ec2", region, f"list Elastic IP addresses in {region}") as ec2:
        found = ec2.describe_addresses()["Addresses"]
        owners = _owners(ec2) if found else {}
    return tuple(
        FloatingAddress(
            id=str(each["AllocationId"]),
            address=str(each["PublicIp"]),
            region=region,
            holder=owners.get(str(each.get("NetworkInterfaceId", "")), ""),
        )
        for each in found
        if each.get("AllocationId")
    )


def assign(provider: Ec2Vps, address: FloatingAddress, machine: Machine) -> None:
    """Associate the address with the machine's second private address, which is made if missing."""
    doing = f"associate {address.address} with {machine.name}"
    with provider.asking("ec2", machine.region, doing) as ec2:
        card = _card(ec2, machine)
        if not _second(card):
            ec2.assign_private_ip_addresses(
                NetworkInterfaceId=card["NetworkInterfaceId"], SecondaryPrivateIpAddressCount=1
            )
            card = _card(ec2, machine)
        ec2.associate_address(
            AllocationId=address.id,
            NetworkInterfaceId=card["NetworkInterfaceId"],
            PrivateIpAddress=_second(card),
            AllowReassociation=True,
        )


def inside(provider: Ec2Vps, machine: Machine) -> str:
    """Return the private address by which an Elastic IP address arrives, "" for the primary one."""
    with provider.asking("ec2", machine.region, f"look at the network of {machine.name}") as ec2:
        return _second(_card(ec2, machine))


def _owners(ec2: EC2Client) -> dict[str, str]:
    """Return our instances by the network interfaces that they have."""
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[
            {"Name": f"tag:{OURS[0]}", "Values": [OURS[1]]},
            {"Name": "instance-state-name", "Values": list(THERE)},
        ],
        PaginationConfig={"PageSize": 100},
    )
    ours = [one for page in pages for each in page["Reservations"] for one in each["Instances"]]
    return {
        str(card["NetworkInterfaceId"]): str(each["InstanceId"])
        for each in ours
        for card in each["NetworkInterfaces"]
    }


def _card(ec2: EC2Client, machine: Machine) -> NetworkInterfaceTypeDef:
    found: list[NetworkInterfaceTypeDef] = ec2.describe_network_interfaces(
        Filters=[{"Name": "attachment.instance-id", "Values": [machine.id]}]
    )["NetworkInterfaces"]
    if not found:
        raise ProviderError(
            f"machine {machine.name}", "has no network interface", "look at it in the AWS console"
        )
    return min(found, key=lambda each: each.get("Attachment", {}).get("DeviceIndex", 0))


def _second(card: NetworkInterfaceTypeDef) -> str:
    every = card.get("PrivateIpAddresses", [])
    return next((str(each["PrivateIpAddress"]) for each in every if not each.get("Primary")), "")
