"""Real Knot servers, primary and secondary, reached by signed updates."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes

import dns.flags
import dns.message
import dns.opcode
import dns.query

from blocks.dns.base import DnsZone
from blocks.dns.rfc2136 import Rfc2136Zone
from tests.contract.bind import RECORDS, ZONES, free_port
from tests.contract.dns_zones import ZoneUnderTest
from tests.contract.name_servers import ADDRESS, await_it, programs, running, serial, update

HEAD = """
server:
  rundir: {folder}
  listen: {address}@{port}
database:
  storage: {folder}
log:
  - target: stderr
    any: info
key:
"""
KEY = """
  - id: {name}
    algorithm: hmac-sha256
    secret: {secret}
"""
PRIMARY = """
acl:
  - id: read
    key: [continuity, reader]
    action: transfer
  - id: change
    key: continuity
    action: update
    update-type: [A, AAAA]
  - id: stranger
    key: stranger
    action: [transfer, update]
template:
  - id: default
    storage: {folder}
    semantic-checks: off
    zonefile-sync: -1
    journal-content: all
    acl: [read, change, stranger]
zone:
"""
SECONDARY = """
remote:
  - id: primary
    address: {address}@{other}
    key: continuity
acl:
  - id: told
    address: {address}
    action: notify
template:
  - id: default
    storage: {folder}
    semantic-checks: off
    zonefile-load: none
    zonefile-sync: -1
    journal-content: all
    master: primary
    acl: told
zone:
"""


@dataclass
class Knot:
    """Both servers; of `keys` `continuity` may change addresses, `stranger` everything."""

    folder: Path
    ports: Sequence[int] = field(default_factory=lambda: (free_port(), free_port()))
    keys: Mapping[str, str] = field(
        default_factory=lambda: {
            name: b64encode(token_bytes(32)).decode()
            for name in ("continuity", "reader", "stranger")
        }
    )
    _unused: list[str] = field(default_factory=lambda: list(ZONES))

    def take_zone(self) -> str:
        """Return a zone that no other test has touched."""
        return self._unused.pop()

    def transfer(self, zone: str) -> None:
        """Notify the secondary, which else would not look for a day, and wait for it."""
        notify = dns.message.make_query(zone, "SOA", flags=dns.flags.AA)
        notify.set_opcode(dns.opcode.NOTIFY)

        def is_new() -> bool:
            if serial(zone, self.ports[1]) == serial(zone, self.ports[0]):
                return True
            dns.query.udp(notify, ADDRESS, port=self.ports[1], timeout=5)
            return False

        await_it(is_new, lambda: f"{zone} stays behind")

    @contextmanager
    def running(self) -> Iterator[Knot]:
        """Run both servers as children of this process."""
        with ExitStack() as stack:
            for number in (0, 1):
                stack.enter_context(self._started(number))
            yield self

    @contextmanager
    def _started(self, number: int) -> Iterator[None]:
        folder = self.folder / str(number)
        folder.mkdir(parents=True)
        if number == 0:
            for zone in ZONES:
                (folder / f"{zone}.zone").write_text(RECORDS.lstrip())
        words = {"folder": folder, "address": ADDRESS, "port": self.ports[number]}
        keys = "".join(KEY.format(name=name, secret=each) for name, each in self.keys.items())
        rest = (SECONDARY if number else PRIMARY).format(other=self.ports[0], **words)
        zones = "".join(f"  - domain: {zone}\n" for zone in ZONES)
        (folder / "knot.conf").write_text(HEAD.format(**words) + keys + rest + zones)
        argv = [programs() / "usr/sbin/knotd", "-c", folder / "knot.conf"]
        port = self.ports[number]

        def ready() -> bool:
            return all(serial(zone, port) for zone in ZONES)

        with running(argv, folder / "log", ready):
            yield


class KnotUnderTest(ZoneUnderTest):
    refusal = "BADKEY"

    def __init__(self, knot: Knot) -> None:
        self.knot, self.zone = knot, knot.take_zone()
        self.primary, self.secondary = (f"{ADDRESS}#{port}" for port in knot.ports)
        self.block: Rfc2136Zone = self.made()

    def made(self, **fields: object) -> Rfc2136Zone:
        values: dict[str, object] = {
            "zone": self.zone,
            "server": ADDRESS,
            "port": self.knot.ports[0],
            "key_name": "continuity",
            "key_secret": self.knot.keys["continuity"],
            "nameservers": [self.primary, self.secondary],
        }
        return Rfc2136Zone.model_validate(values | fields)

    def edit(self, label: str, values: Sequence[str]) -> None:
        secret = self.knot.keys["stranger"]
        port = self.knot.ports[0]
        update(self.zone, self.name(label), values, port=port, key="stranger", secret=secret)

    def without_right(self) -> DnsZone:
        return self.made(key_name="reader", key_secret=self.knot.keys["reader"])

    def revision(self) -> int:
        return serial(self.zone, self.knot.ports[0])

    def catch_up(self) -> None:
        self.knot.transfer(self.zone)
