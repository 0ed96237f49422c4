"""What OVH's answers say, as values of ours. Pure.

Shapes were read in the vendor's TypeScript types `cloud.flavor.Flavor`, `cloud.image.Image`,
`cloud.instance.Instance`, `cloud.instance.InstanceStatusEnum`, `cloud.quota.Quotas`,
`auth.ApiCredential` and `order.catalog.public.Catalog`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from blocks.types import Machine, MachineSize, PowerState, Stock
from blocks.vps.labels import NAME, expiry_in, host_key_in, tags_in
from blocks.vps.ovh_names import labels_in

Json = Any
BUILDING = ("BUILD", "BUILDING")
RUNNING = "ACTIVE"
FAILED = "ERROR"
"""What an instance is for which no host was found, among others."""
GOING = ("DELETED", "DELETING", "SOFT_DELETED")
_OFF = (
    *BUILDING, "PAUSED", "SHELVED", "SHELVED_OFFLOADED", "SHUTOFF", "STOPPED", "SUSPENDED",
)  # fmt: skip
"""Any other one may serve, or will in a moment: it is not called off."""
CALLS = (
    ("GET", "/cloud/project/{project}"),
    ("GET", "/cloud/project/{project}/flavor"),
    ("GET", "/cloud/project/{project}/image"),
    ("GET", "/cloud/project/{project}/instance"),
    ("GET", "/cloud/project/{project}/instance/*"),
    ("GET", "/cloud/project/{project}/quota"),
    ("POST", "/cloud/project/{project}/instance"),
    ("POST", "/cloud/project/{project}/instance/*/start"),
    ("POST", "/cloud/project/{project}/instance/*/stop"),
    ("DELETE", "/cloud/project/{project}/instance/*"),
)
"""All rules that a consumer key needs, beside `GET /auth/currentCredential`."""
_GIB, _MIB, _GB = 1024**3, 1024**2, 10**9
_MICRO_CENTS = Decimal(10) ** 8
_MOST_GIB_A_CORE = 256


@dataclass(frozen=True)
class Prices:
    """Prices of an hour by plan code, in this currency."""

    hours: Mapping[str, Decimal] = field(default_factory=dict)
    currency: str = ""


def prices_in(catalog: Json) -> Prices:
    """Return what the public catalogue says of an hour; it counts in hundred-millionths."""
    hours = {
        plan["planCode"]: Decimal(pricing["price"]) / _MICRO_CENTS
        for plan in catalog["addons"]
        for pricing in plan["pricings"]
        if pricing["intervalUnit"] == "hour" and "consumption" in pricing["capacities"]
    }
    return Prices(hours, str(catalog["locale"]["currencyCode"]))


def size_of(flavor: Json, prices: Prices) -> MachineSize | None:
    """Return a flavor as a size; None for Windows and for what is no virtual machine."""
    if flavor["osType"] != "linux" or flavor["name"].startswith(("bm-", "baremetal")):
        return None
    price = prices.hours.get((flavor.get("planCodes") or {}).get("hourly") or "")
    return MachineSize(
        name=str(flavor["name"]),
        cores=int(flavor["vcpus"]),
        memory=_memory(flavor),
        disk=int(flavor["disk"]) * _GB,
        price=price,
        currency="" if price is None else prices.currency,
        stock=Stock.AVAILABLE if flavor["available"] else Stock.SOLD_OUT,
    )


def _memory(flavor: Json) -> int:
    """Return bytes: the type says GiB, and recorded lists hold MiB (7000 for b2-7)."""
    unit = _GIB if flavor["ram"] <= flavor["vcpus"] * _MOST_GIB_A_CORE else _MIB
    return int(flavor["ram"]) * unit


def image_in(images: Iterable[Json], name: str, flavor_type: str) -> str:
    """Return the id of the newest public image of this name that the flavor takes; "" if none."""
    found = [
        each
        for each in images
        if each["name"] == name
        and each["status"] == "active"
        and each["visibility"] == "public"
        and each.get("flavorType") in (None, "", flavor_type)
    ]
    return str(max(found, key=lambda each: str(each["creationDate"]))["id"]) if found else ""


def machine_of(instance: Json, provider: str) -> Machine | None:
    """Return an instance of ours; None for another's and for one that is being deleted.

    Raises `ValueError` for one whose name begins like ours and cannot be read.
    """
    labels = labels_in(str(instance["name"]))
    if labels is None or instance["status"] in GOING:
        return None
    address = _address(instance.get("ipAddresses") or ())
    # One that has failed may still serve, unless it was never built.
    off = instance["status"] in _OFF or (instance["status"] == FAILED and not address)
    return Machine(
        id=str(instance["id"]),
        name=labels[NAME],
        provider=provider,
        address=address,
        power=PowerState.OFF if off else PowerState.ON,
        tags=tags_in(labels),
        host_key=host_key_in(labels),
        created_at=datetime.fromisoformat(instance["created"]),
        expires_at=expiry_in(labels),
        # Such as b3-16.consumption; the list has the flavor's id only.
        size=str(instance.get("planCode") or "").partition(".")[0],
        region=str(instance["region"]),
    )


def _address(addresses: Iterable[Json]) -> str:
    found = (each["ip"] for each in addresses if (each["type"], each["version"]) == ("public", 4))
    return str(next(found, ""))


def missing(credential: Json, project: str) -> tuple[str, ...]:
    """Return the rules that a consumer key needs and does not hold."""
    held = [(each["method"], each["path"]) for each in credential["rules"]]
    needed = [(method, path.format(project=project)) for method, path in CALLS]
    return tuple(
        f"{method} {path}"
        for method, path in needed
        if not any(method == each and fnmatchcase(path, rule) for each, rule in held)
    )


def quota_in(quotas: Iterable[Json], region: str) -> str:
    """Return in French what a project may still have in a region; "" if it is not told."""
    here = next((each["instance"] for each in quotas if each["region"] == region), None)
    if not here:
        return ""
    return (
        f"quota à {region} : {here['usedInstances']} instances sur {here['maxInstances']}, "
        f"{here['usedCores']} cœurs sur {here['maxCores']}"
    )
