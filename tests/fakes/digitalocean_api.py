"""DigitalOcean's API as far as Droplets go, by its OpenAPI document and what pydo 0.44 reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route

SIZES = {
    "s-2vcpu-4gb": (2, 4096, 80, 0.03571),
    "s-4vcpu-8gb": (4, 8192, 160, 0.07143),
    "s-4vcpu-8gb-amd": (4, 8192, 160, 0.08333),
    "g-4vcpu-16gb": (4, 16384, 50, 0.1875),
}
"""Cores, MiB, GB and USD an hour, by slug."""
SCOPES = frozenset(
    {
        *("account:read", "droplet:read", "droplet:create", "droplet:update", "droplet:delete"),
        *(
            "reserved_ip:read",
            "reserved_ip:update",
            "sizes:read",
            "ssh_key:read",
            "tag:read",
            "tag:create",
            "tag:delete",
        ),
    }
)
_REGIONS = ["fra1", "ams3"]
_PER_PAGE = 2
_TAG = re.compile(r"[A-Za-z0-9:_-]{1,255}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")


class DigitalOceanApi(HttpService):
    """One team; a Droplet takes `looks_until_active` looks until its action is over."""

    def __init__(self, token: str, key: str, certificate: tuple[Path, Path]) -> None:
        super().__init__(certificate)
        self.token = token
        self.keys = [key]
        self.scopes = set(SCOPES)
        self.droplets: dict[int, dict[str, Any]] = {}
        self.tags: set[str] = set()
        self.reserved: dict[str, dict[str, Any]] = {}
        self.status = "active"
        self.sold_out: set[str] = set()
        self.told_sold_out = True
        self.limit = 100
        self.looks_until_active = 1
        self._last = 3164000

    def refused(self, asked: Asked) -> Answer | None:
        if asked.headers.get("Authorization") != f"Bearer {self.token}":
            return _error(401, "Unauthorized", "Unable to authenticate you")
        return None

    def unknown(self, asked: Asked) -> Answer:
        return _error(404, "not_found", "The resource you requested could not be found.")

    @route("GET", "/v2/account")
    def account(self, asked: Asked) -> Json:
        account = {
            "droplet_limit": self.limit,
            "floating_ip_limit": 3,
            "email": "ops@example.org",
            "uuid": "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
            "email_verified": True,
            "status": self.status,
            "status_message": "" if self.status == "active" else "Please contact support.",
        }
        return self._allowed("account:read") or {"account": account}

    @route("GET", "/v2/account/keys")
    def list_keys(self, asked: Asked) -> Json:
        keys = [{"id": n, "fingerprint": each} for n, each in enumerate(self.keys, 512189)]
        return self._allowed("ssh_key:read") or _page(asked, "ssh_keys", keys)

    @route("GET", "/v2/sizes")
    def list_sizes(self, asked: Asked) -> Json:
        sizes = [self._size(slug) for slug in SIZES]
        graphics = self._size("s-4vcpu-8gb") | {"slug": "gpu-1", "gpu_info": {"count": 1}}
        return self._allowed("sizes:read") or _page(asked, "sizes", [graphics, *sizes])

    @route("GET", "/v2/droplets")
    def list_droplets(self, asked: Asked) -> Json:
        wanted = asked.first("tag_name")
        found = [each for each in self.droplets.values() if not wanted or wanted in each["tags"]]
        for each in found:
            self._grow(each)
        return self._allowed("droplet:read", "tag:read") or _page(asked, "droplets", found)

    @route("GET", r"/v2/droplets/(\d+)")
    def read_droplet(self, asked: Asked, number: str) -> Json:
        found = self.droplets.get(int(number))
        return {"droplet": found} if found else self.unknown(asked)

    @route("POST", "/v2/droplets")
    def create(self, asked: Asked) -> Answer:
        body = asked.body
        refused = self._allowed("droplet:create", "tag:create") or self._mistake(body)
        if refused:
            return refused
        if len(self.droplets) >= self.limit:
            return _unprocessable("creating this/these droplet(s) will exceed your droplet limit")
        if body["size"] in self.sold_out:
            return _unprocessable("Size is not available in this region.")
        made = self.put(body["name"], body["tags"], body["size"], body["region"])
        made["_user_data"] = body["user_data"]
        return Answer(202, {"droplet": made, "links": {"actions": [_link(made["id"])]}})

    @route("POST", r"/v2/droplets/(\d+)/actions")
    def act(self, asked: Asked, number: str) -> Answer:
        droplet = self.droplets.get(int(number))
        if refused := self._allowed("droplet:update"):
            return refused
        if droplet is None:
            return self.unknown(asked)
        if droplet["locked"]:
            return _unprocessable("Droplet already has a pending event.")
        becomes = {"power_on": "active", "power_off": "off"}[asked.body["type"]]
        droplet |= {"locked": True, "_looks": self.looks_until_active, "_becomes": becomes}
        action = {"id": 36804636, "status": "in-progress", "type": asked.body["type"]}
        return Answer(201, {"action": action})

    @route("DELETE", r"/v2/droplets/(\d+)")
    def delete(self, asked: Asked, number: str) -> Answer:
        if refused := self._allowed("droplet:delete"):
            return refused
        return Answer(204) if self.droplets.pop(int(number), None) else self.unknown(asked)

    @route("GET", "/v2/reserved_ips")
    def list_reserved(self, asked: Asked) -> Json:
        """Show each with its Droplet; what was asked for takes effect after this look."""
        shown = []
        for each in self.reserved.values():
            held = self.droplets.get(each["droplet"] or 0)
            droplet = {"id": held["id"], "name": held["name"]} if held else None
            shown.append({k: v for k, v in each.items() if k[0] != "_"} | {"droplet": droplet})
            each |= {"droplet": each.pop("_coming", each["droplet"]), "locked": False}
        return self._allowed("reserved_ip:read") or _page(asked, "reserved_ips", shown)

    @route("POST", r"/v2/reserved_ips/([\d.]+)/actions")
    def assign(self, asked: Asked, address: str) -> Answer:
        if refused := self._allowed("reserved_ip:update"):
            return refused
        reserved, droplet = self.reserved.get(address), self.droplets.get(asked.body["droplet_id"])
        if reserved is None or droplet is None or asked.body["type"] != "assign":
            return self.unknown(asked)
        if reserved["locked"]:
            return _unprocessable("The reserved IP already has a pending event.")
        if droplet["region"]["slug"] != reserved["region"]["slug"]:
            return _unprocessable("The reserved IP and the Droplet must be in the same region.")
        reserved |= {"locked": True, "_coming": droplet["id"]}
        action = {"id": 72531856, "status": "in-progress", "type": "assign_ip"}
        return Answer(201, {"action": action})

    @route("GET", "/v2/tags/(.+)")
    def read_tag(self, asked: Asked, name: str) -> Json:
        name = unquote(name)
        if name not in self.tags:
            return self._allowed("tag:read") or self.unknown(asked)
        count = sum(name in each["tags"] for each in self.droplets.values())
        resources = {"count": count, "droplets": {"count": count}}
        return self._allowed("tag:read") or {"tag": {"name": name, "resources": resources}}

    @route("DELETE", "/v2/tags/(.+)")
    def delete_tag(self, asked: Asked, name: str) -> Answer:
        if refused := self._allowed("tag:delete"):
            return refused
        name = unquote(name)
        if name not in self.tags:
            return self.unknown(asked)
        self.tags.discard(name)
        for each in self.droplets.values():
            each["tags"] = [tag for tag in each["tags"] if tag != name]
        return Answer(204)

    def put(self, name: str, tags: list[str], size: str, region: str) -> dict[str, Any]:
        """Make a Droplet, as anybody may."""
        self._last += 1
        self.tags |= set(tags)
        cores, memory, disk, _ = SIZES[size]
        made = self.droplets[self._last] = {
            "id": self._last,
            "name": name,
            "memory": memory,
            "vcpus": cores,
            "disk": disk,
            "locked": True,
            "status": "new",
            "_looks": self.looks_until_active,
            "_becomes": "active",
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "size_slug": size,
            "tags": list(tags),
            "region": {"slug": region, "name": "Frankfurt 1", "available": True},
            "networks": {"v4": [], "v6": []},
        }
        return made

    def _mistake(self, body: dict[str, Any]) -> Answer | None:
        if not all(_TAG.fullmatch(each) for each in body["tags"]):
            return _unprocessable("Tags may contain letters, numbers, colons, dashes, underscores")
        if not _NAME.fullmatch(body["name"]):
            return _unprocessable("Only valid hostname characters are allowed.")
        if body["size"] not in SIZES or body["image"] not in ("debian-12-x64", "debian-13-x64"):
            return _unprocessable("You specified an invalid image or size for Droplet creation.")
        unknown = [each for each in body["ssh_keys"] if each not in self.keys]
        if unknown:
            return _unprocessable(f"{unknown} are invalid key identifiers for Droplet creation.")
        return None

    def _allowed(self, *scopes: str) -> Answer | None:
        """Return the refusal for the first scope that the token lacks."""
        for each in scopes:
            if each not in self.scopes:
                message = f"You are missing the required permission {each}."
                return _error(403, "Forbidden", message)
        return None

    def _grow(self, droplet: dict[str, Any]) -> None:
        droplet["_looks"] -= 1
        if droplet["_looks"] >= 0:
            return
        droplet |= {"locked": False, "status": droplet["_becomes"]}
        number = droplet["id"] % 250
        droplet["networks"]["v4"] = [
            {"ip_address": f"10.114.0.{number}", "type": "private"},
            {"ip_address": f"203.0.113.{number}", "type": "public"},
            *(
                {"ip_address": address, "type": "public"}
                for address, each in self.reserved.items()
                if each["droplet"] == droplet["id"]
            ),
        ]

    def _size(self, slug: str) -> dict[str, Any]:
        cores, memory, disk, hour = SIZES[slug]
        gone = self.told_sold_out and slug in self.sold_out
        return {
            "slug": slug,
            "memory": memory,
            "vcpus": cores,
            "disk": disk,
            "transfer": 5.0,
            "price_monthly": round(hour * 672, 2),
            "price_hourly": hour,
            "regions": _REGIONS[1:] if gone else _REGIONS,
            "available": True,
            "description": "Basic",
        }


def _error(status: int, name: str, message: str) -> Answer:
    return Answer(status, {"id": name, "message": message, "request_id": "4d9d8375"})


def _unprocessable(message: str) -> Answer:
    return _error(422, "unprocessable_entity", message)


def _link(number: int) -> Json:
    return {"id": number, "rel": "create", "href": f"https://api/v2/actions/{number}"}


def _page(asked: Asked, name: str, found: list[Json]) -> Json:
    """Return a page, smaller than was asked for: whoever reads must follow the links."""
    page = int(asked.first("page", "1"))
    more = page * _PER_PAGE < len(found)
    pages = {"next": f"https://api/v2/{name}?page={page + 1}"} if more else {}
    shown = found[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    return {name: shown, "links": {"pages": pages}, "meta": {"total": len(found)}}
