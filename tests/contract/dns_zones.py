"""Zones that the DNS suites run over: the memory twin and real BIND."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from blocks.dns.base import DnsZone
from blocks.dns.rfc2136 import Rfc2136Zone
from blocks.errors import UpdateRefused
from blocks.types import AddressChange, AddressRecord
from tests.contract.bind import ADDRESS, Bind
from tests.fakes.memory_zone import MemoryZone

SPF = 'v=spf1 ip4:192.0.2.10 -allsecond; part "quoted"'
"""The zone's text: one that is written in two pieces."""
SPF_TEXT = r'"v=spf1 ip4:192.0.2.10 -all" "second; part \"quoted\""'
"""The same as a zone file has it."""
OLD, NEW, OTHER = "192.0.2.10", "203.0.113.20", "203.0.113.99"


class ZoneUnderTest(ABC):
    """A zone with the records of `bind.RECORDS` and a second server that lags until told."""

    block: DnsZone
    primary: str
    secondary: str
    least_ttl = 1
    """What the provider makes of a shorter one."""
    refusal = "REFUSED"
    """How the error says that the right to change is missing."""

    def name(self, label: str) -> str:
        return f"{label}.{self.block.zone}" if label else self.block.zone

    def swap(self, label: str, ttl: int = 60) -> AddressChange:
        return AddressChange(self.name(label), "A", (OLD,), (NEW,), ttl)

    def record(self, label: str, record_type: str = "A") -> AddressRecord | None:
        wanted = (self.name(label), record_type)
        return next((r for r in self.block.read() if (r.name, r.type) == wanted), None)

    @abstractmethod
    def edit(self, label: str, values: Sequence[str]) -> None:
        """Edit an A record as somebody else."""

    @abstractmethod
    def without_right(self) -> DnsZone:
        """Return the same zone, reached by somebody who may read and not change it."""

    @abstractmethod
    def revision(self) -> int:
        """Return a number that rises with every change."""

    @abstractmethod
    def catch_up(self) -> None:
        """Let the second server have the newest records."""


class BindZone(ZoneUnderTest):
    def __init__(self, bind: Bind) -> None:
        self.bind = bind
        self.block: Rfc2136Zone = zone_block(bind, bind.take_zone())
        self.primary, self.secondary = self.block.nameservers

    def edit(self, label: str, values: Sequence[str]) -> None:
        self.bind.update(self.block.zone, self.name(label), "A", values, 60)

    def without_right(self) -> DnsZone:
        fields = {"key_name": "reader", "key_secret": self.bind.keys["reader"]}
        return zone_block(self.bind, self.block.zone, **fields)

    def revision(self) -> int:
        return self.bind.serial(self.block.zone, self.bind.port)

    def catch_up(self) -> None:
        self.bind.transfer_to_secondary(self.block.zone)


class InMemory(ZoneUnderTest):
    def __init__(self) -> None:
        self.primary, self.secondary = "192.0.2.1", "192.0.2.2"
        self.block: MemoryZone = MemoryZone(
            zone="atelier.test", nameservers=[self.primary, self.secondary]
        )
        self.block.put(self.name(""), "A", [OLD], 120)
        for label in ("boutique", "*.preview"):
            self.edit(label, [OLD])
        self.block.put(self.name("boutique"), "AAAA", ["2001:db8::10"])
        self.edit("www", [OLD, "192.0.2.11"])
        self.block.put(self.name("mail"), "A", ["198.51.100.25"], 3600)
        self.block.say(self.name("shop"), "CNAME", self.name("boutique"))
        self.block.say(self.name(""), "MX", self.name("mail"))
        self.block.say(self.name(""), "TXT", SPF)
        self.block.lag(self.secondary)

    def edit(self, label: str, values: Sequence[str]) -> None:
        self.block.put(self.name(label), "A", values)

    def without_right(self) -> DnsZone:
        self.block.forbid(UpdateRefused(f"zone {self.block.zone}", "REFUSED", "grant it"))
        return self.block

    def revision(self) -> int:
        return len(self.block.applied)

    def catch_up(self) -> None:
        self.block.catch_up()


def zone_block(bind: Bind, zone: object, **fields: object) -> Rfc2136Zone:
    values: dict[str, object] = {
        "zone": zone,
        "server": ADDRESS,
        "port": bind.port,
        "key_name": "continuity",
        "key_secret": bind.keys["continuity"],
        "nameservers": [ADDRESS, f"{ADDRESS}#{bind.second_port}"],
    }
    return Rfc2136Zone.model_validate(values | fields)
