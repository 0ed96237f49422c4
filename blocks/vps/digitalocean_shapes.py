"""How DigitalOcean writes sizes, tags and Droplets. Pure.

Shapes: pydo 0.44, `SizesOperations.list`, `DropletsOperations` and `TagsOperations`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import md5
from typing import Any

from blocks.types import FloatingAddress, Machine, MachineRequest, MachineSize, PowerState, Stock
from blocks.vps.labels import NAME, OURS, expiry_in, host_key_in, labels_of, tags_in

OUR_TAG = ":".join(OURS)
_MIB = 1024**2
_GB = 10**9
_OWN = ("host-key:", "expires:", "incident:")
"""Tags that no other machine needs once these are gone."""
# A tag has letters, figures, ":", "-" and "_" alone.
_ESCAPES = (("_", "_5f"), (".", "_2e"))


def size(told: Mapping[str, Any], region: str) -> MachineSize | None:
    """Return a size as it can be had in a region; None for a machine with graphics cards."""
    if told.get("gpu_info"):
        return None
    here = bool(told["available"]) and region in told["regions"]
    return MachineSize(
        name=str(told["slug"]),
        cores=int(told["vcpus"]),
        memory=int(told["memory"]) * _MIB,
        disk=int(told["disk"]) * _GB,
        price=Decimal(str(told["price_hourly"])),
        currency="USD",
        stock=Stock.AVAILABLE if here else Stock.SOLD_OUT,
    )


def order(
    request: MachineRequest, wanted: MachineSize, region: str, image: str, text: str
) -> dict[str, Any]:
    """Return the body of an order for one Droplet with its tags."""
    labels = {name: value for name, value in labels_of(request).items() if name != NAME}
    return {
        "name": request.name,
        "region": region,
        "size": wanted.name,
        "image": image,
        # Without a key root gets a password by mail, and must change it before anything else.
        "ssh_keys": [fingerprint(request.authorized_key)],
        "user_data": text,
        "tags": [tag(name, value) for name, value in labels.items()],
        "monitoring": False,
        "with_droplet_agent": False,
    }


def reserved(told: Mapping[str, Any]) -> FloatingAddress:
    """Return a reserved IP (`reserved_ips[]`: `ip`, `region.slug`, `droplet.id` or null)."""
    address, droplet = str(told["ip"]), told.get("droplet") or {}
    return FloatingAddress(
        address, address, str(told["region"]["slug"]), str(droplet.get("id", ""))
    )


def machine(told: Mapping[str, Any], provider: str) -> Machine:
    """Return a Droplet as a machine; one that is new is off.

    Its own public address is listed first; a reserved IP that leads to it comes after.
    """
    labels = labels_in(told["tags"])
    public = [each for each in told["networks"]["v4"] if each["type"] == "public"]
    return Machine(
        id=str(told["id"]),
        name=str(told["name"]),
        provider=provider,
        address=str(public[0]["ip_address"]) if public else "",
        power=PowerState.ON if told["status"] == "active" else PowerState.OFF,
        tags=tags_in(labels),
        host_key=host_key_in(labels),
        created_at=datetime.fromisoformat(told["created_at"]),
        expires_at=expiry_in(labels),
        size=str(told["size_slug"]),
        region=str(told["region"]["slug"]),
    )


def tag(name: str, value: str) -> str:
    """Return a label as one flat tag."""
    for plain, escaped in _ESCAPES:
        value = value.replace(plain, escaped)
    return f"{name}:{value}"


def labels_in(tags: Iterable[str]) -> dict[str, str]:
    """Return the labels that these tags stand for; tags of others are no labels."""
    labels = dict(each.split(":", 1) for each in tags if ":" in each)
    for plain, escaped in reversed(_ESCAPES):
        labels = {name: value.replace(escaped, plain) for name, value in labels.items()}
    return labels


def own(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags that were made for one machine or one incident."""
    return tuple(each for each in tags if each.startswith(_OWN))


def fingerprint(public_key: str) -> str:
    """Return what DigitalOcean calls an SSH key: the MD5 of its bytes, in pairs."""
    digest = md5(b64decode(public_key.split()[1]), usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
