"""A zone at the fake Cloudflare, with two name servers that answer what it has published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from blocks.dns.base import DnsZone
from blocks.dns.cloudflare import CloudflareZone
from tests.contract.dns_zones import OLD, SPF_TEXT, ZoneUnderTest
from tests.fakes.cloudflare_api import CloudflareApi, Token, Zone
from tests.fakes.zone_responder import ZoneResponder

TOKEN, READER = "token-that-edits", "token-that-reads"


class CloudflareUnderTest(ZoneUnderTest):
    least_ttl = 60
    refusal = "Zone / DNS / Edit"

    def __init__(self, api: CloudflareApi, zone: Zone, servers: Sequence[ZoneResponder]) -> None:
        self.api, self.zone, self.servers = api, zone, servers
        self.primary, self.secondary = (each.address for each in servers)
        self.block: CloudflareZone = self.made()

    def made(self, **fields: object) -> CloudflareZone:
        values: dict[str, object] = {
            "zone": self.zone.name,
            "token": TOKEN,
            "api_url": self.api.api_url,
            "nameservers": [self.primary, self.secondary],
            "timeout_seconds": 5,
        }
        return CloudflareZone.model_validate(values | fields)

    def entries(self, label: str, record_type: str = "A") -> list[dict[str, object]]:
        """Return the records as the API shows them."""
        wanted = self.name(label), record_type
        records = self.zone.records.values()
        return [dict(each) for each in records if (each["name"], each["type"]) == wanted]

    def edit(self, label: str, values: Sequence[str]) -> None:
        self.api.remove(self.zone, self.name(label), "A")
        for value in values:
            self.api.put(self.zone, self.name(label), "A", value)

    def without_right(self) -> DnsZone:
        return self.made(token=READER)

    def revision(self) -> int:
        return self.api.batches

    def catch_up(self) -> None:
        self.servers[1].catch_up()


@contextmanager
def cloudflare_zone() -> Iterator[CloudflareUnderTest]:
    """Serve a zone with the contract's records."""
    api = CloudflareApi()
    api.tokens = {TOKEN: Token(), READER: Token(frozenset({"zone:read", "dns:read"}))}
    api.add(Zone("elsewhere.test"))
    zone = api.add(Zone("atelier.test"))
    for label, kind, content, ttl in (
        ("", "A", OLD, 120),
        ("boutique", "A", OLD, 60),
        ("boutique", "AAAA", "2001:db8::10", 60),
        ("*.preview", "A", OLD, 60),
        ("www", "A", OLD, 60),
        ("www", "A", "192.0.2.11", 60),
        ("mail", "A", "198.51.100.25", 3600),
        ("shop", "CNAME", "boutique.atelier.test", 300),
        ("", "TXT", SPF_TEXT, 300),
        ("_dmarc.mail", "SRV", "0 5 5060 mail.atelier.test", 300),
    ):
        api.put(zone, f"{label}.atelier.test".strip("."), kind, content, ttl=ttl)
    api.put(zone, "atelier.test", "MX", "mail.atelier.test", ttl=300, priority=10)
    with ExitStack() as stack:
        stack.enter_context(api.running())
        servers = [
            stack.enter_context(ZoneResponder("atelier.test", lambda: api.served(zone)).running())
            for _ in range(2)
        ]
        servers[1].lag()
        yield CloudflareUnderTest(api, zone, servers)
