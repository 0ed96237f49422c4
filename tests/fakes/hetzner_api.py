"""Hetzner Cloud's API as far as machines go, by its reference and what hcloud 2.27 reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.fakes.http_service import Answer, Asked, HttpService, Json, route

PRICES = {"cx23": "0.0048", "cx33": "0.0123", "cx43": "0.0226", "cax21": "0.0100"}
"""Net prices of an hour, by server type; the last is an ARM machine."""
LOCATIONS = ("fsn1", "hel1")
ZONES = {"fsn1": "eu-central", "hel1": "eu-central", "ash": "us-east"}
"""Network zone of each location; floating IPs never leave theirs."""
PER_PAGE = 2


class HetznerApi(HttpService):
    """One project; servers take `looks_until_running` looks until they run."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.read_only = False
        self.servers: dict[int, dict[str, Any]] = {}
        self.sold_out: set[str] = set()
        self.told_sold_out = True
        self.limit = 100
        self.looks_until_running = 1
        self.floating: dict[int, dict[str, Any]] = {}
        self._last = 4000

    def refused(self, asked: Asked) -> Answer | None:
        if asked.headers.get("Authorization") != f"Bearer {self.token}":
            return _error(401, "unauthorized", "unable to authenticate")
        if self.read_only and asked.method != "GET":
            return _error(403, "token_readonly", "token is only valid for read operations")
        return None

    def unknown(self, asked: Asked) -> Answer:
        return _error(404, "not_found", f"{asked.path} not found")

    @route("GET", "/server_types")
    def server_types(self, asked: Asked) -> Json:
        kinds = [self._kind(number, name) for number, name in enumerate(PRICES, 1)]
        return _page(asked, "server_types", kinds, per_page=50)

    @route("GET", "/servers")
    def list_servers(self, asked: Asked) -> Json:
        wanted = dict(part.split("=") for part in asked.first("label_selector").split(",") if part)
        found = [each for each in self.servers.values() if wanted.items() <= each["labels"].items()]
        for each in found:
            self._grow(each)
        return _page(asked, "servers", found, per_page=PER_PAGE)

    @route("POST", "/servers")
    def create(self, asked: Asked) -> Answer:
        body = asked.body
        if any(each["name"] == body["name"] for each in self.servers.values()):
            return _error(409, "uniqueness_error", "server name is already used")
        if len(self.servers) >= self.limit:
            return _error(403, "resource_limit_exceeded", "server limit exceeded")
        if body["server_type"] in self.sold_out:
            return _error(412, "resource_unavailable", "error during placement")
        if body["server_type"] not in PRICES or body["image"] not in ("debian-12", "debian-13"):
            return _error(422, "invalid_input", "invalid input in field 'server_type', 'image'")
        self._last += 1
        self.servers[self._last] = self._server(body, self._last)
        made = self.servers[self._last]
        answer = {"server": made, "action": _action(), "next_actions": [], "root_password": None}
        return Answer(201, answer)

    @route("POST", r"/servers/(\d+)/actions/(poweron|poweroff)")
    def power(self, asked: Asked, number: str, act: str) -> Answer:
        server = self.servers.get(int(number))
        if server is None:
            return _error(404, "not_found", "server not found")
        server["status"] = {"poweron": "starting", "poweroff": "stopping"}[act]
        server["_looks"] = self.looks_until_running
        return Answer(201, {"action": _action()})

    @route("DELETE", r"/servers/(\d+)")
    def delete(self, asked: Asked, number: str) -> Answer:
        if self.servers.pop(int(number), None) is None:
            return _error(404, "not_found", "server not found")
        for each in self.floating.values():
            each["server"] = None if each["server"] == int(number) else each["server"]
        return Answer(200, {"action": _action()})

    @route("GET", "/locations")
    def locations(self, asked: Asked) -> Json:
        found = [_location(name) for name in ZONES if asked.first("name", name) == name]
        return _page(asked, "locations", found, per_page=50)

    @route("GET", "/floating_ips")
    def list_floating(self, asked: Asked) -> Json:
        shown = [{k: v for k, v in each.items() if k[0] != "_"} for each in self.floating.values()]
        for each in self.floating.values():
            each["server"] = each.pop("_coming", each["server"])
        return _page(asked, "floating_ips", shown, per_page=PER_PAGE)

    @route("POST", r"/floating_ips/(\d+)/actions/assign")
    def assign(self, asked: Asked, number: str) -> Answer:
        """Take effect only after the next look, as actions do."""
        floating, server = self.floating.get(int(number)), self.servers.get(asked.body["server"])
        if floating is None or server is None:
            return _error(404, "not_found", "floating IP or server not found")
        if ZONES[server["location"]["name"]] != floating["home_location"]["network_zone"]:
            return _error(422, "invalid_input", "server and floating IP are in different zones")
        floating["_coming"] = server["id"]
        return Answer(201, {"action": _action()})

    def put_floating(self, address: str, location: str) -> None:
        """Order a floating IP that leads nowhere yet."""
        number = 7000 + len(self.floating)
        self.floating[number] = {
            "id": number,
            "name": address,
            "description": "",
            "ip": address,
            "type": "ipv4",
            "server": None,
            "dns_ptr": [],
            "home_location": _location(location),
            "blocked": False,
            "protection": {"delete": False},
            "labels": {},
            "created": datetime.now(UTC).isoformat(),
        }

    def put(self, name: str, labels: dict[str, str]) -> None:
        """Make a server as somebody else would."""
        self._last += 1
        body = {"name": name, "server_type": "cx23", "labels": labels, "location": "fsn1"}
        self.servers[self._last] = self._server(body, self._last)

    def _server(self, body: dict[str, Any], number: int) -> dict[str, Any]:
        return {
            "id": number,
            "name": body["name"],
            "status": "initializing",
            "_looks": self.looks_until_running,
            "_user_data": body.get("user_data", ""),
            "labels": body.get("labels", {}),
            "created": datetime.now(UTC).isoformat(),
            "server_type": self._kind(2, body["server_type"]),
            "location": _location(body["location"]),
            "public_net": {
                "ipv4": {
                    "id": number,
                    "ip": f"203.0.113.{number % 250}",
                    "blocked": False,
                    "dns_ptr": "",
                },
                "ipv6": None,
                "floating_ips": [],
                "firewalls": [],
            },
        }

    def _grow(self, server: dict[str, Any]) -> None:
        ends = {"initializing": "running", "starting": "running", "stopping": "off"}
        if server["status"] in ends:
            server["_looks"] -= 1
            server["status"] = ends[server["status"]] if server["_looks"] < 0 else server["status"]

    def _kind(self, number: int, name: str) -> dict[str, Any]:
        cores = {"cx23": 2, "cx33": 4, "cx43": 8, "cax21": 4}[name]
        gone = self.told_sold_out and name in self.sold_out
        price = {"net": PRICES[name], "gross": PRICES[name]}
        return {
            "id": number,
            "name": name,
            "description": name.upper(),
            "cores": cores,
            "memory": float(cores * 2),
            "disk": cores * 40 if name != "cx33" else 160,
            "architecture": "arm" if name == "cax21" else "x86",
            "locations": [
                {
                    "id": n,
                    "name": place,
                    "available": not gone,
                    "deprecation": None,
                    "recommended": True,
                }
                for n, place in enumerate(LOCATIONS, 1)
            ],
            "prices": [
                {"location": place, "price_hourly": price, "price_monthly": price}
                for place in LOCATIONS
            ],
        }


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, "details": None}})


def _location(name: str) -> Json:
    return {"id": 1 + list(ZONES).index(name), "name": name, "network_zone": ZONES[name]}


def _action() -> Json:
    return {"id": 1, "command": "any", "status": "running", "progress": 0, "resources": []}


def _page(asked: Asked, name: str, found: list[Json], per_page: int) -> Json:
    page = int(asked.first("page", "1"))
    shown = found[(page - 1) * per_page : page * per_page]
    more = page * per_page < len(found)
    pagination = {
        "page": page,
        "per_page": per_page,
        "previous_page": None,
        "next_page": page + 1 if more else None,
        "last_page": -(-len(found) // per_page) or 1,
        "total_entries": len(found),
    }
    return {name: shown, "meta": {"pagination": pagination}}
