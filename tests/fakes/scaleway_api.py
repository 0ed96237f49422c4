"""Scaleway's APIs as far as machines go, by its documentation and what the SDK 2.12 reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route

TYPES = {
    "DEV1-S": (2, 2, 0.0088),
    "DEV1-L": (4, 8, 0.0428),
    "GP1-XS": (4, 16, 0.0928),
    "POP2-2C-8G-WIN": (2, 8, 0.1823),
}
"""Cores, GiB and price of an hour."""
ZONE = r"/instance/v1/zones/([a-z0-9-]+)"
VOLUMES = r"/block/v1/zones/([a-z0-9-]+)/volumes"
PER_PAGE = 2


class ScalewayApi(HttpService):
    """One project; an instance that is started is *starting* at the next look."""

    def __init__(self, key: str, secret: str) -> None:
        super().__init__()
        self.key, self.secret = key, secret
        self.may_write = True
        self.servers: dict[str, dict[str, Any]] = {}
        self.ips: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.sold_out: set[str] = set()
        self.told_sold_out = True
        self.limit = 100

    def refused(self, asked: Asked) -> Answer | None:
        if asked.path.startswith("/product-catalog/"):
            return None
        if asked.headers.get("X-Auth-Token") != self.secret:
            body = {"type": "denied_authentication", "method": "api_key", "reason": "expired"}
            return Answer(401, body)
        if not self.may_write and asked.method != "GET":
            details = [{"resource": "instance", "action": "write"}]
            body = {"type": "permissions_denied", "message": "insufficient permissions"}
            return Answer(403, body | {"details": details})
        return None

    def unknown(self, asked: Asked) -> Answer:
        return _gone(asked.path)

    # --- what can be ordered, and who we are ---

    @route("GET", f"{ZONE}/products/servers")
    def types(self, asked: Asked, zone: str) -> Answer:
        found = {
            name: {
                "hourly_price": price,
                "monthly_price": price * 730,
                "ncpus": cores,
                "ram": gib * 1024**3,
                "arch": "x86_64",
                "alt_names": [],
                "gpu": 0,
                "end_of_service": False,
                "scratch_storage_max_volumes_count": 0,
            }
            for name, (cores, gib, price) in TYPES.items()
        }
        return _page_of_types(asked, found)

    @route("GET", f"{ZONE}/products/servers/availability")
    def availability(self, asked: Asked, zone: str) -> Answer:
        gone = self.sold_out if self.told_sold_out else set()
        found = {
            name: {"availability": "shortage" if name in gone else "available"} for name in TYPES
        }
        return _page_of_types(asked, found)

    @route("GET", "/product-catalog/v2alpha1/public-catalog/products")
    def catalog(self, asked: Asked) -> Json:
        zone = asked.first("zone")
        product = {
            "sku": f"/storage/block/volume_5k/{zone}",
            "service_category": "Storage",
            "product_category": "Block Storage",
            "product": "Volume",
            "variant": "5K",
            "description": "Block Storage volume, 5,000 IOPS",
            "status": "general_availability",
            "badges": [],
            "locality": {"zone": zone},
            "price": {"retail_price": {"currency_code": "EUR", "units": 0, "nanos": 118000}},
            "properties": {"block_storage": {"volume": {"min_size": 5, "max_size": 10000}}},
            "unit_of_measure": {"unit": "gigabyte", "size": 1},
        }
        return {"products": _page(asked, [product]), "total_count": 1}

    @route("GET", r"/iam/v1alpha1/api-keys/(\w+)")
    def api_key(self, asked: Asked, key: str) -> Json | Answer:
        if key != self.key:
            return _gone(key)
        return {
            "access_key": key,
            "description": "continuity",
            "default_project_id": "p",
            "editable": True,
            "deletable": True,
            "managed": False,
            "creation_ip": "192.0.2.1",
            "application_id": "11111111-2222-4333-8444-555555555555",
        }

    # --- instances ---

    @route("GET", f"{ZONE}/servers")
    def list_servers(self, asked: Asked, zone: str) -> Answer:
        tags = set(asked.first("tags").split(",")) - {""}
        found = [s for s in self.servers.values() if s["zone"] == zone and tags <= set(s["tags"])]
        # The vendor's client asks for pages until one is empty: all of them are one look.
        for each in found if asked.first("page", "1") == "1" else ():
            self._step(each)
        body = {"servers": [self._shape(each) for each in _page(asked, found)]}
        return Answer(200, body, {"X-Total-Count": str(len(found))})

    @route("POST", f"{ZONE}/servers")
    def create(self, asked: Asked, zone: str) -> Answer:
        body = asked.body
        if body["commercial_type"] in self.sold_out:
            return Answer(412, {"type": "out_of_stock", "resource": body["commercial_type"]})
        if len(self.servers) >= self.limit:
            details = [{"resource": "InstanceServers", "quota": self.limit, "current": self.limit}]
            message = {"type": "quotas_exceeded", "message": "quota exceeded"}
            return Answer(403, message | {"details": details})
        if body["image"] not in ("debian_bookworm", "debian_trixie"):
            return Answer(400, {"type": "invalid_arguments", "message": "unknown image"})
        made = self.put(body["name"], body["tags"], zone, body["commercial_type"])
        for slot, template in body["volumes"].items():
            volume = {"id": str(uuid4()), "name": template["name"], "zone": zone}
            self.volumes[volume["id"]] = volume | {"size": template["size"], "server": made["id"]}
            made["volumes"][slot] = volume["id"]
        return Answer(201, {"server": self._shape(made)})

    def put(
        self, name: str, tags: list[str], zone: str = "fr-par-2", kind: str = "DEV1-S"
    ) -> dict[str, Any]:
        """Make a stopped instance without anything around it."""
        made: dict[str, Any] = {
            "id": str(uuid4()), "name": name, "tags": tags, "zone": zone, "kind": kind,
            "state": "stopped", "volumes": {}, "user_data": {}, "at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        self.servers[made["id"]] = made
        return made

    @route("GET", f"{ZONE}/servers/([0-9a-f-]+)")
    def get(self, asked: Asked, zone: str, number: str) -> Json | Answer:
        server = self.servers.get(number)
        if server is None:
            return _gone(number)
        self._step(server)
        return {"server": self._shape(server)}

    @route("PATCH", f"{ZONE}/servers/([0-9a-f-]+)")
    def update(self, asked: Asked, zone: str, number: str) -> Json | Answer:
        if number not in self.servers:
            return _gone(number)
        self.servers[number]["tags"] = asked.body["tags"]
        return {"server": self._shape(self.servers[number])}

    @route("POST", f"{ZONE}/servers/([0-9a-f-]+)/action")
    def act(self, asked: Asked, zone: str, number: str) -> Answer:
        server, action = self.servers.get(number), asked.body["action"]
        if server is None:
            return _gone(number)
        if server["state"] in ("starting", "stopping"):
            return Answer(400, {"type": "transient_state", "current_state": server["state"]})
        before, after = {"poweron": ("stopped", "starting"), "poweroff": ("running", "stopping")}[
            action
        ]
        if server["state"] != before:
            return Answer(400, {"type": "invalid_request_error", "message": f"not {before}"})
        server["state"] = after
        return Answer(202, {"task": None})

    @route("DELETE", f"{ZONE}/servers/([0-9a-f-]+)")
    def delete(self, asked: Asked, zone: str, number: str) -> Answer:
        server = self.servers.get(number)
        if server is None:
            return _gone(number)
        if server["state"] != "stopped":
            message = "instance should be powered off"
            return Answer(400, {"type": "precondition_failed", "message": message})
        del self.servers[number]
        for ip in self.ips.values():
            ip["server"] = "" if ip["server"] == number else ip["server"]
        return Answer(204)

    @route("GET", f"{ZONE}/servers/([0-9a-f-]+)/user_data")
    def keys(self, asked: Asked, zone: str, number: str) -> Json | Answer:
        server = self.servers.get(number)
        return {"user_data": sorted(server["user_data"])} if server else _gone(number)

    @route("PATCH", f"{ZONE}/servers/([0-9a-f-]+)/user_data/([a-z-]+)")
    def set_user_data(self, asked: Asked, zone: str, number: str, key: str) -> Answer:
        if number not in self.servers:
            return _gone(number)
        self.servers[number]["user_data"][key] = asked.body
        return Answer(204)

    # --- what is around them ---

    @route("POST", f"{ZONE}/ips")
    def create_ip(self, asked: Asked, zone: str) -> Answer:
        number = str(uuid4())
        address = f"203.0.113.{len(self.ips) % 250 + 1}"
        self.put_ip(number, address, zone, asked.body["server"], asked.body["tags"])
        return Answer(201, {"ip": self._ip_shape(self.ips[number])})

    @route("GET", f"{ZONE}/ips")
    def list_ips(self, asked: Asked, zone: str) -> Json:
        """Show each with its instance; what was asked for takes effect after this look."""
        found = [self._ip_shape(each) for each in self.ips.values() if each["zone"] == zone]
        for each in self.ips.values():
            each["server"] = each.pop("_coming", each["server"])
        return {"ips": _page(asked, found), "total_count": len(found)}

    @route("PATCH", f"{ZONE}/ips/([0-9a-f-]+)")
    def update_ip(self, asked: Asked, zone: str, number: str) -> Json | Answer:
        ip, server = self.ips.get(number), self.servers.get(asked.body["server"])
        if ip is None or server is None or ip["zone"] != zone or server["zone"] != zone:
            return _gone(number)
        ip["_coming"] = server["id"]
        return {"ip": self._ip_shape(ip)}

    def put_ip(self, number: str, address: str, zone: str, server: str, tags: list[str]) -> None:
        """Reserve a flexible IP; `server` is the instance that it is attached to, or ""."""
        fields = {"id": number, "address": address, "zone": zone, "server": server, "tags": tags}
        self.ips[number] = fields

    def _ip_shape(self, ip: dict[str, Any]) -> Json:
        server = self.servers.get(ip["server"])
        named = {"id": server["id"], "name": server["name"]} if server else None
        kept = {name: ip[name] for name in ("id", "address", "zone", "tags")}
        return kept | {"server": named, "type": "routed_ipv4", "state": "attached"}

    @route("DELETE", f"{ZONE}/ips/([0-9a-f-]+)")
    def delete_ip(self, asked: Asked, zone: str, number: str) -> Answer:
        return Answer(204) if self.ips.pop(number, None) else _gone(number)

    @route("POST", f"{ZONE}/servers/([0-9a-f-]+)/detach-volume")
    def detach(self, asked: Asked, zone: str, number: str) -> Json | Answer:
        server, volume = self.servers.get(number), asked.body["volume_id"]
        if server is None or volume not in server["volumes"].values():
            return _gone(volume)
        server["volumes"] = {k: v for k, v in server["volumes"].items() if v != volume}
        self.volumes[volume]["server"] = ""
        return {"server": self._shape(server)}

    @route("GET", VOLUMES)
    def list_volumes(self, asked: Asked, zone: str) -> Json:
        name = asked.first("name")
        found = [v for v in self.volumes.values() if name in v["name"] and v["zone"] == zone]
        shapes = [
            {
                "id": each["id"], "name": each["name"], "type": "sbs_5k", "size": each["size"],
                "project_id": "p", "references": [], "status": "available", "tags": [],
                "zone": zone,
            }
            for each in found
        ]  # fmt: skip
        return {"volumes": _page(asked, shapes), "total_count": len(shapes)}

    @route("DELETE", f"{VOLUMES}/([0-9a-f-]+)")
    def delete_volume(self, asked: Asked, zone: str, number: str) -> Answer:
        volume = self.volumes.get(number)
        if volume is None:
            return _gone(number)
        if volume["server"]:
            return Answer(412, {"type": "precondition_failed", "message": "volume in use"})
        del self.volumes[number]
        return Answer(204)

    def _step(self, server: dict[str, Any]) -> None:
        after = {"starting": "running", "stopping": "stopped"}
        if server.pop("seen", False) and server["state"] in after:
            server["state"] = after[server["state"]]
        elif server["state"] in after:
            server["seen"] = True

    def _shape(self, server: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": server["id"], "name": server["name"], "tags": server["tags"],
            "organization": "o", "project": "p", "commercial_type": server["kind"],
            "creation_date": server["at"], "state": server["state"], "zone": server["zone"],
            "public_ips": [
                {
                    "id": ip["id"],
                    "address": ip["address"],
                    "family": "inet",
                    "dynamic": False,
                    "tags": ip["tags"],
                }
                for ip in self.ips.values()
                if ip["server"] == server["id"]
            ],
            "volumes": {
                slot: {"id": number, "volume_type": "sbs_volume", "zone": server["zone"]}
                for slot, number in server["volumes"].items()
            },
        }  # fmt: skip


def _page(asked: Asked, found: list[Json]) -> list[Json]:
    page, size = int(asked.first("page", "1")), int(asked.first("page_size", str(PER_PAGE)))
    return found[(page - 1) * size : page * size]


def _page_of_types(asked: Asked, types: dict[str, Json]) -> Answer:
    """Return two of them a page, whatever was asked for: a page may be smaller than wished."""
    first = (int(asked.first("page", "1")) - 1) * PER_PAGE
    chosen = list(types.items())[first : first + PER_PAGE]
    return Answer(200, {"servers": dict(chosen)}, {"X-Total-Count": str(len(types))})


def _gone(what: str) -> Answer:
    return Answer(404, {"type": "not_found", "resource": "instance", "resource_id": what})
