"""Real PowerDNS servers, primary and secondary, reached by their API or by signed updates."""

from __future__ import annotations

import secrets
import sqlite3
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread

import httpx

from blocks.dns.base import DnsZone
from blocks.dns.powerdns import PowerDnsZone
from blocks.dns.rfc2136 import Rfc2136Zone
from tests.contract.bind import RECORDS, free_port
from tests.contract.dns_zones import ZoneUnderTest
from tests.contract.name_servers import ADDRESS, await_it, programs, running, serial

SETTINGS = """
launch=gsqlite3
gsqlite3-database={folder}/zones.db
gsqlite3-pragma-synchronous=0
module-dir={programs}/usr/lib/x86_64-linux-gnu/pdns
socket-dir={folder}
local-address={address}
local-port={port}
api=yes
api-key={key}
webserver=yes
webserver-address={address}
webserver-port={api}
primary=yes
secondary={secondary}
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
disable-axfr=no
allow-axfr-ips=127.0.0.0/8
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
security-poll-suffix=
"""
SCHEMA = "usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
REFUSED_NAMES = ("dotted", "spaced", "@ TYPE65400")
"""Records of the contract's zone that its API does not take."""


def random_key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


@dataclass
class PowerDns:
    """Two servers; `keys` are TSIG keys, of which only `continuity` may update."""

    folder: Path
    ports: Sequence[int] = field(default_factory=lambda: (free_port(), free_port()))
    api_ports: Sequence[int] = field(default_factory=lambda: (free_port(), free_port()))
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    keys: Mapping[str, str] = field(
        default_factory=lambda: {name: random_key() for name in ("continuity", "reader")}
    )
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @contextmanager
    def running(self) -> Iterator[PowerDns]:
        """Run both servers as children of this process."""
        with ExitStack() as stack:
            for number in (0, 1):
                stack.enter_context(self._started(number))
            stack.enter_context(closing(self._client))
            self.reading_port = stack.enter_context(reading_proxy(self.api_ports[0]))
            yield self

    def take_zone(self) -> str:
        """Make a zone that both servers hold, with the contract's records."""
        zone = f"atelier{next(self._numbers)}.test"
        lines = [f"$ORIGIN {zone}.", *RECORDS.strip().splitlines()]
        text = "\n".join(line for line in lines if not line.startswith(REFUSED_NAMES))
        body = {"name": f"{zone}.", "kind": "Native", "zone": f"{text}\n", "nameservers": []}
        body["master_tsig_key_ids"] = [f"{name}." for name in self.keys]
        self.call("POST", "zones", body)
        meta = {"kind": "TSIG-ALLOW-DNSUPDATE", "metadata": ["continuity"]}
        self.call("PUT", f"zones/{zone}./metadata/TSIG-ALLOW-DNSUPDATE", meta)
        copy = {"kind": "Slave", "masters": [f"{ADDRESS}:{self.ports[0]}"], "nameservers": []}
        self.call("POST", "zones", {"name": f"{zone}.", **copy}, number=1)
        self.transfer(zone)
        return zone

    def transfer(self, zone: str) -> None:
        """Let the second server have the newest records."""
        self.call("PUT", f"zones/{zone}./axfr-retrieve", number=1)
        self.await_copy(zone)

    def await_copy(self, zone: str) -> None:
        """Wait until the second server has what the first one has."""
        wanted = serial(zone, self.ports[0])
        await_it(lambda: serial(zone, self.ports[1]) == wanted, lambda: f"{zone} stays behind")

    def put(self, zone: str, name: str, kind: str, records: Sequence[Mapping[str, object]]) -> None:
        """Edit one record as somebody else would; no values remove it."""
        change = "REPLACE" if records else "DELETE"
        rrset = {"name": f"{name}.", "type": kind, "ttl": 60, "changetype": change}
        self.call("PATCH", f"zones/{zone}.", {"rrsets": [{**rrset, "records": list(records)}]})

    def call(self, method: str, path: str, body: object = None, number: int = 0) -> httpx.Response:
        """Call the API of one server."""
        url = f"http://{ADDRESS}:{self.api_ports[number]}/api/v1/servers/localhost/{path}"
        response = self._client.request(method, url, json=body, headers={"X-API-Key": self.key})
        assert response.is_success, response.text
        return response

    def __post_init__(self) -> None:
        self._client = httpx.Client(trust_env=False, timeout=10)

    @contextmanager
    def _started(self, number: int) -> Iterator[None]:
        folder, port = self.folder / str(number), self.ports[number]
        folder.mkdir(parents=True)
        with closing(sqlite3.connect(folder / "zones.db")) as database:
            database.executescript((programs() / SCHEMA).read_text())
            for name, secret in self.keys.items():
                row = (name, "hmac-sha256", secret)
                database.execute(
                    "INSERT INTO tsigkeys (name, algorithm, secret) VALUES (?,?,?)", row
                )
            database.commit()
        settings = SETTINGS.format(
            folder=folder, programs=programs(), address=ADDRESS, port=port, key=self.key,
            api=self.api_ports[number], secondary="yes" if number else "no",
        )  # fmt: skip
        (folder / "pdns.conf").write_text(settings)
        argv = [programs() / "usr/sbin/pdns_server", f"--config-dir={folder}", "--guardian=no"]
        url = f"http://{ADDRESS}:{self.api_ports[number]}/"

        def ready() -> bool:
            try:
                return bool(httpx.get(url, trust_env=False, timeout=1).status_code)
            except httpx.HTTPError:
                return False

        with running(argv, folder / "log", ready):
            yield


class PowerDnsUnderTest(ZoneUnderTest):
    """A zone reached by the API."""

    refusal = "refuses the PATCH (403"

    def __init__(self, servers: PowerDns) -> None:
        self.servers = servers
        self.primary, self.secondary = (f"{ADDRESS}#{port}" for port in servers.ports)
        self.zone = servers.take_zone()
        self.block: PowerDnsZone = self.made()

    def made(self, **fields: object) -> PowerDnsZone:
        values: dict[str, object] = {
            "zone": self.zone,
            "api_url": f"http://{ADDRESS}:{self.servers.api_ports[0]}",
            "api_key": self.servers.key,
            "nameservers": [self.primary, self.secondary],
            "timeout_seconds": 5,
        }
        return PowerDnsZone.model_validate(values | fields)

    def edit(self, label: str, values: Sequence[str]) -> None:
        records = [{"content": value, "disabled": False} for value in values]
        self.servers.put(self.zone, self.name(label), "A", records)

    def without_right(self) -> DnsZone:
        """Go through a proxy that lets readers through only: the API itself has one key for all."""
        return self.made(api_url=f"http://{ADDRESS}:{self.servers.reading_port}")

    def revision(self) -> int:
        return serial(self.zone, self.servers.ports[0])

    def catch_up(self) -> None:
        self.servers.transfer(self.zone)


class UpdatedPowerDns(PowerDnsUnderTest):
    """The same, reached by signed updates."""

    refusal = "REFUSED"

    def made(self, **fields: object) -> Rfc2136Zone:  # type: ignore[override]
        values: dict[str, object] = {
            "zone": self.zone,
            "server": ADDRESS,
            "port": self.servers.ports[0],
            "key_name": "continuity",
            "key_secret": self.servers.keys["continuity"],
            "nameservers": [self.primary, self.secondary],
        }
        return Rfc2136Zone.model_validate(values | fields)

    def without_right(self) -> DnsZone:
        return self.made(key_name="reader", key_secret=self.servers.keys["reader"])


@contextmanager
def reading_proxy(upstream: int) -> Iterator[int]:
    """Run a proxy that passes GET on and refuses all else; give its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url, head = (
                f"http://{ADDRESS}:{upstream}{self.path}",
                {"X-API-Key": self.headers["X-API-Key"]},
            )
            found = httpx.get(url, headers=head, trust_env=False, timeout=5)
            self.send_response(found.status_code)
            self.send_header("Content-Length", str(len(found.content)))
            self.end_headers()
            self.wfile.write(found.content)

        def do_PATCH(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(403)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((ADDRESS, 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
