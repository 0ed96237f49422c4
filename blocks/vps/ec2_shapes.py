"""How EC2 writes sizes, orders and instances. Pure.

Shapes: `DescribeInstanceTypes`, `DescribeImages`, `RunInstances` and `DescribeInstances` as boto3
1.43 describes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from blocks.types import Machine, MachineRequest, MachineSize, PowerState
from blocks.vps.ec2_prices import Prices
from blocks.vps.labels import NAME, expiry_in, host_key_in, labels_of, tags_in

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        ImageTypeDef,
        InstanceTypeDef,
        InstanceTypeInfoTypeDef,
        SecurityGroupTypeDef,
    )

DEBIAN = "136693071363"
"""Debian's own AWS account (Debian wiki, Cloud/AmazonEC2Image)."""
FAMILIES = ("t3a", "t3", "c6a", "c6i", "c7a", "m6a", "m6i", "m7a")
"""Current x86 machines that serve websites; EC2 has some 800 types."""
CORES = ("2", "4", "8", "16")
"""What a site may need; the largest types have 192."""
THERE = ("pending", "running", "stopping", "stopped")
"""States of an instance that has not ended; one that was terminated is listed for an hour."""
_OFF = ("pending", "stopped")
_GIB = 1024**3
_MIB = 1024**2
_LEAST_DISK = 8 * _GIB
"""The size of Debian's image."""
_TITLE, _ORDERED = "Name", "ordered"
"""Tags of ours that are no labels: what the console shows, and when it was ordered (seconds)."""


def serving(kinds: Iterable[InstanceTypeInfoTypeDef]) -> tuple[MachineSize, ...]:
    """Return these types, without prices."""
    return tuple(
        MachineSize(
            name=str(kind["InstanceType"]),
            cores=kind["VCpuInfo"]["DefaultVCpus"],
            memory=kind["MemoryInfo"]["SizeInMiB"] * _MIB,
            disk=_LEAST_DISK,
            grows=True,
        )
        for kind in kinds
    )


def priced(size: MachineSize, prices: Prices) -> MachineSize:
    """Return the size with what an hour of it and of its disk costs, if that is known."""
    return MachineSize(
        name=size.name,
        cores=size.cores,
        memory=size.memory,
        disk=size.disk,
        price=prices.hours.get(size.name),
        currency="USD" if size.name in prices.hours else "",
        grows=True,
        disk_price=prices.disk,
    )


def newest(images: Iterable[ImageTypeDef]) -> ImageTypeDef | None:
    """Return the image that was made last; None if there is none."""
    return max(images, key=lambda each: each["CreationDate"], default=None)


def carried(request: MachineRequest) -> dict[str, str]:
    """Return the tags of a machine and of its disk, but for the time of the order."""
    return labels_of(request) | {_TITLE: request.name}


def token(request: MachineRequest, size: MachineSize, region: str) -> str:
    """Return the same for the same order and run: the host key is made for each run.

    The name alone would not do: a machine that ended keeps its token for hours.
    """
    parts = (request.name, request.host_key.public, size.name, region)
    return sha256("\n".join(parts).encode()).hexdigest()


def order(
    image: ImageTypeDef,
    group: SecurityGroupTypeDef,
    size: MachineSize,
    tags: Mapping[str, str],
    text: str,
    client_token: str,
) -> dict[str, Any]:
    """Return the arguments of `RunInstances` for one machine that exists only with its tags."""
    now = f"{datetime.now(UTC).timestamp():.3f}"
    pairs = [{"Key": key, "Value": value} for key, value in {**tags, _ORDERED: now}.items()]
    return {
        "ImageId": image["ImageId"],
        "InstanceType": size.name,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": client_token,
        "UserData": text,
        "SecurityGroupIds": [group["GroupId"]],
        "BlockDeviceMappings": [_root(image, size)],
        # A hacked site must not read the host key with one plain GET.
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
        },
        "TagSpecifications": [
            {"ResourceType": each, "Tags": pairs} for each in ("instance", "volume")
        ],
    }


def _root(image: ImageTypeDef, size: MachineSize) -> dict[str, Any]:
    """Return the one disk: as large as was asked for, at least as large as the image."""
    name = image["RootDeviceName"]
    mappings = [each for each in image["BlockDeviceMappings"] if each["DeviceName"] == name]
    least = max((each["Ebs"]["VolumeSize"] for each in mappings), default=0)
    volume = {"VolumeSize": max(-(-size.disk // _GIB), least), "VolumeType": "gp3"}
    return {"DeviceName": name, "Ebs": {**volume, "DeleteOnTermination": True}}


def machine(instance: InstanceTypeDef, region: str, provider: str) -> Machine:
    """Return an instance as a machine; one that is stopping is on, but has lost its address."""
    state = instance["State"]["Name"]
    tags = {each["Key"]: each["Value"] for each in instance["Tags"]}
    labels = {name: value for name, value in tags.items() if name not in (_TITLE, _ORDERED)}
    return Machine(
        id=instance["InstanceId"],
        name=labels.get(NAME, ""),
        provider=provider,
        address=instance.get("PublicIpAddress", "") if state == "running" else "",
        power=PowerState.OFF if state in _OFF else PowerState.ON,
        tags=tags_in(labels),
        host_key=host_key_in(labels),
        # LaunchTime is that of the last start.
        created_at=_moment(tags.get(_ORDERED, "")) or instance["LaunchTime"],
        expires_at=expiry_in(labels),
        size=str(instance["InstanceType"]),
        region=region,
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        return None
