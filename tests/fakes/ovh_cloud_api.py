"""OVH Public Cloud's API as far as machines go.

Shapes were read in the vendor's TypeScript types (see `blocks/vps/ovh_shapes.py`), values in
answers that are recorded in the tests of the vendor's command line tool; the words of a refused
order are OpenStack's, and none was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.fakes.http_service import Answer, Asked, Json, route
from tests.fakes.ovh_auth import BASE, OvhService, refusal

PROJECT = "0123456789abcdef0123456789abcdef"
REGIONS = ("GRA11", "SBG5")
ROOT = f"{BASE}/cloud/project/{PROJECT}"
ONE = f"{ROOT}/instance/([0-9a-f-]+)"
FLAVORS: dict[str, tuple[int, int, int, int]] = {
    "d2-4": (2, 4000, 50, 1_980_000),
    "c3-8": (4, 8000, 100, 9_130_000),
    "b3-16": (4, 16000, 100, 10_230_000),
    "r3-32": (4, 32000, 100, 13_000_000),
    "win-b3-16": (4, 16000, 100, 19_000_000),
    "bm-s1": (8, 32000, 960, 27_000_000),
}
"""Cores, MiB of memory, GB of disk, and an hour's price in hundred-millionths of a euro."""


@dataclass
class OvhCloudApi(OvhService):
    """One project; instances take `looks_until_running` looks until they run."""

    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    sold_out: set[str] = field(default_factory=set)
    told_sold_out: bool = True
    limit: int = 100
    looks_until_running: int = 1
    looks_until_address: int = 0
    memory_in_gib: bool = False
    images: list[tuple[str, str, str | None]] = field(
        default_factory=lambda: [
            ("Debian 11", "2024-01-01", None),
            ("Debian 12", "2025-01-01", None),
            ("Debian 12", "2026-01-01", None),
            ("Debian 12", "2026-06-01", "ovh.baremetal"),
            ("Debian 12 - Docker", "2026-09-01", None),
        ]
    )
    addresses: dict[str, dict[str, Any]] = field(default_factory=dict)
    _made: int = 0
    public: ClassVar[tuple[str, ...]] = ("/order/catalog/public/cloud",)

    __hash__ = object.__hash__

    # --- what a test does to it ---

    def put(self, name: str, status: str = "ACTIVE") -> str:
        """Make an instance as somebody else would."""
        with self.lock:
            return self._add(name, "d2-4", "GRA11", "", status)

    def there(self) -> list[dict[str, Any]]:
        """Return what is not being deleted."""
        with self.lock:
            return [each for each in self.instances.values() if each["status"] != "DELETING"]

    # --- routes ---

    @route("GET", f"{BASE}/order/catalog/public/cloud")
    def catalog(self, asked: Asked) -> Json:
        month = {"intervalUnit": "month", "capacities": ["renew"], "price": 4_666_000_000}
        return {
            "catalogId": 1,
            "locale": {"currencyCode": "EUR", "subsidiary": asked.first("ovhSubsidiary")},
            "plans": [],
            "addons": [
                {
                    "planCode": f"{name}.consumption",
                    "pricings": [
                        month,
                        {
                            "interval": 1, "intervalUnit": "hour", "capacities": ["consumption"],
                            "price": price, "tax": price // 5,
                        },
                    ],
                }
                for name, (*_, price) in FLAVORS.items()
            ],
        }  # fmt: skip

    @route("GET", ROOT)
    def project(self, asked: Asked) -> Json:
        return {
            "project_id": PROJECT, "description": "continuité", "status": "ok",
            "projectName": "continuité", "planCode": "project.2018", "access": "full",
        }  # fmt: skip

    def put_address(self, address: str, continent: str) -> None:
        """Order an additional IP address that is routed nowhere."""
        self.addresses[f"foip-{len(self.addresses) + 1}"] = {
            "ip": address, "block": f"{address}/32", "continentCode": continent, "geoloc": "fr",
            "routedTo": None, "status": "ok", "progress": 0, "subType": "cloud",
        }  # fmt: skip

    @route("GET", f"{ROOT}/ip/failover")
    def list_addresses(self, asked: Asked) -> Json:
        """Show each address; what was asked for takes effect after this look."""
        there = {each["id"] for each in self.there()}
        found = []
        for number, each in self.addresses.items():
            routed = each["routedTo"] if each["routedTo"] in there else None
            seen = {name: value for name, value in each.items() if name[0] != "_"}
            found.append(seen | {"id": number, "routedTo": routed})
            each["routedTo"] = each.pop("_coming", each["routedTo"])
        return found

    @route("POST", f"{ROOT}/ip/failover/([a-z0-9-]+)/attach")
    def attach(self, asked: Asked, number: str) -> Answer | Json:
        address, wanted = self.addresses.get(number), asked.body["instanceId"]
        if address is None or wanted not in {each["id"] for each in self.there()}:
            return _gone()
        address["_coming"] = wanted
        return {"id": number, "ip": address["ip"], "status": "operationPending"}

    @route("GET", f"{ROOT}/region/([A-Z0-9]+)")
    def region(self, asked: Asked, name: str) -> Answer | Json:
        if name not in REGIONS:
            return _gone()
        return {"name": name, "continentCode": "EU", "datacenterLocation": name[:3]}

    @route("GET", f"{ROOT}/quota")
    def quota(self, asked: Asked) -> Json:
        used = len(self.there())
        instance = {
            "maxInstances": self.limit, "usedInstances": used, "maxCores": 40,
            "usedCores": used * 4, "maxRam": 400_000, "usedRAM": used * 16_000,
        }  # fmt: skip
        return [{"region": each, "instance": instance, "volume": None} for each in REGIONS]

    @route("GET", f"{ROOT}/flavor")
    def flavors(self, asked: Asked) -> Json:
        return [self._flavor(name, asked.first("region")) for name in FLAVORS]

    @route("GET", f"{ROOT}/image")
    def list_images(self, asked: Asked) -> Json:
        return [
            {
                "id": f"image-{number}", "name": name, "region": asked.first("region"),
                "creationDate": f"{made}T00:00:00Z", "flavorType": kind, "status": "active",
                "visibility": "public", "type": "linux", "user": "debian", "minDisk": 0,
                "minRam": 0, "size": 2.0, "planCode": None,
            }
            for number, (name, made, kind) in enumerate(self.images)
        ]  # fmt: skip

    @route("GET", f"{ROOT}/instance")
    def list_instances(self, asked: Asked) -> Json:
        self.instances = {
            key: each for key, each in self.instances.items() if each["status"] != "DELETING"
        }
        return [self._seen(each) for each in self.instances.values()]

    @route("POST", f"{ROOT}/instance")
    def create(self, asked: Asked) -> Answer | Json:
        body = asked.body
        name = body["flavorId"].removeprefix(f"{body['region']}-")
        if name not in FLAVORS or body["imageId"] != "image-2" or body["monthlyBilling"]:
            return refusal(400, "BAD_REQUEST", "Invalid flavorId or imageId")
        if len(self.there()) >= self.limit:
            used = f"but already used {self.limit} of {self.limit} instances"
            text = f"Quota exceeded for instances: Requested 1, {used}"
            return refusal(403, "FORBIDDEN", text)
        status = "DOOMED" if name in self.sold_out else "BUILD"
        made = self._add(body["name"], name, body["region"], body["userData"], status)
        return self._seen(self.instances[made])

    @route("GET", ONE)
    def instance(self, asked: Asked, made: str) -> Answer | Json:
        found = self.instances.get(made)
        return self._seen(found) if found else _gone()

    @route("DELETE", ONE)
    def delete(self, asked: Asked, made: str) -> Answer | Json:
        found = self.instances.get(made)
        if found is None:
            return _gone()
        found["status"] = "DELETING"
        return Answer(200, "null")

    @route("POST", f"{ONE}/(start|stop)")
    def power(self, asked: Asked, made: str, act: str) -> Answer | Json:
        found = self.instances.get(made)
        if found is None:
            return _gone()
        if found["status"] != ("SHUTOFF" if act == "start" else "ACTIVE"):
            text = f"Cannot '{act}' instance {made} while it is in vm_state {found['status']}"
            return refusal(409, "CONFLICT", text)
        found["status"] = "ACTIVE" if act == "start" else "SHUTOFF"
        return Answer(200, "null")

    def _add(self, name: str, flavor: str, region: str, text: str, status: str) -> str:
        self._made += 1
        made = f"8ae82d65-0000-4000-8000-{self._made:012x}"
        self.instances[made] = {
            "id": made, "name": name, "status": status, "region": region,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "flavorId": f"{region}-{flavor}", "imageId": "image-2", "sshKeyId": None,
            "planCode": f"{flavor}.consumption", "monthlyBilling": None, "operationIds": [],
            "ipAddresses": [], "currentMonthOutgoingTraffic": None, "availabilityZone": None,
            "_looks": self.looks_until_running, "_unreachable": self.looks_until_address,
            "_user_data": text,
        }  # fmt: skip
        return made

    def _seen(self, instance: dict[str, Any]) -> Json:
        """Return an instance as it is now; being looked at is what time passes by."""
        building = instance["status"] in ("BUILD", "DOOMED")
        shown = {key: each for key, each in instance.items() if not key.startswith("_")}
        if building and instance["_looks"] > 0:
            instance["_looks"] -= 1
            return shown | {"status": "BUILD"}
        if building:
            instance["status"] = "ACTIVE" if instance["status"] == "BUILD" else "ERROR"
        runs = instance["status"] in ("ACTIVE", "SHUTOFF")
        instance["_unreachable"] -= runs
        if runs and instance["_unreachable"] < 0 and not instance["ipAddresses"]:
            instance["ipAddresses"] = _addresses(int(instance["id"][-4:], 16) % 250)
        return shown | {each: instance[each] for each in ("status", "ipAddresses")}

    def _flavor(self, name: str, region: str) -> Json:
        cores, memory, disk, _ = FLAVORS[name]
        return {
            "id": f"{region}-{name}", "name": name, "region": region, "vcpus": cores,
            "ram": memory // 1000 if self.memory_in_gib else memory, "disk": disk,
            "type": "ovh.baremetal" if name.startswith("bm-") else "ovh.ssd.eg",
            "osType": "windows" if name.startswith("win-") else "linux",
            "available": not (self.told_sold_out and name in self.sold_out),
            "quota": self.limit - len(self.there()),
            "planCodes": {"hourly": f"{name}.consumption", "monthly": None, "license": None},
            "inboundBandwidth": 250, "outboundBandwidth": 250, "capabilities": [],
        }  # fmt: skip


def _addresses(number: int) -> Json:
    return [
        {"ip": f"2001:db8::{number:x}", "type": "public", "version": 6, "networkId": "ext"},
        {"ip": f"10.0.0.{number}", "type": "private", "version": 4, "networkId": "vrack"},
        {"ip": f"198.51.100.{number}", "type": "public", "version": 4, "networkId": "ext"},
    ]


def _gone() -> Answer:
    return refusal(404, "NOT_FOUND", "Instance not found")
