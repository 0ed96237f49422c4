"""A zone at the fake OVH, with two name servers that answer what was published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from blocks.dns.base import DnsZone
from blocks.dns.ovh import OvhZone
from tests.contract.dns_zones import OLD, SPF_TEXT, ZoneUnderTest
from tests.fakes.ovh_auth import Credential
from tests.fakes.ovh_dns_api import OvhApi
from tests.fakes.zone_responder import ZoneResponder

ZONE = "atelier.test"
CONSUMER, READER = "consumer-that-edits", "consumer-that-reads"


class OvhUnderTest(ZoneUnderTest):
    least_ttl = 60
    refusal = f"PUT /domain/zone/{ZONE}/*"

    def __init__(self, api: OvhApi, servers: Sequence[ZoneResponder]) -> None:
        self.api, self.servers = api, servers
        self.primary, self.secondary = (each.address for each in servers)
        self.block: OvhZone = self.made()

    def made(self, **fields: object) -> OvhZone:
        values: dict[str, object] = {
            "zone": ZONE,
            "endpoint": self.api.endpoint,
            "application_key": self.api.application_key,
            "application_secret": self.api.application_secret,
            "consumer_key": CONSUMER,
            "nameservers": [self.primary, self.secondary],
            "timeout_seconds": 5,
        }
        return OvhZone.model_validate(values | fields)

    def targets(self, label: str, record_type: str = "A") -> list[str]:
        """Return what the editor holds."""
        return sorted(each["target"] for each in self.api.edited(ZONE, label, record_type))

    def edit(self, label: str, values: Sequence[str]) -> None:
        self.draft(label, values)
        self.api.publish(ZONE)

    def draft(self, label: str, values: Sequence[str], record_type: str = "A") -> None:
        """Edit a record and do not publish it."""
        self.api.remove(ZONE, label, record_type)
        for value in values:
            self.api.put(ZONE, label, record_type, value)

    def without_right(self) -> DnsZone:
        return self.made(consumer_key=READER)

    def revision(self) -> int:
        return self.api.publications

    def catch_up(self) -> None:
        self.servers[1].catch_up()


@contextmanager
def ovh_zone() -> Iterator[OvhUnderTest]:
    """Serve a zone with the contract's records."""
    full = Credential.full(f"/domain/zone/{ZONE}*")
    api = OvhApi(credentials={CONSUMER: full, READER: Credential.reading()})
    api.zones[ZONE] = {}
    for label, kind, target, ttl in (
        ("", "A", OLD, 120),
        ("boutique", "A", OLD, 60),
        ("boutique", "AAAA", "2001:db8::10", 60),
        ("*.preview", "A", OLD, 60),
        ("www", "A", OLD, 60),
        ("www", "A", "192.0.2.11", 60),
        ("mail", "A", "198.51.100.25", 3600),
        ("shop", "CNAME", "boutique", 0),
        ("", "MX", f"10 mail.{ZONE}.", 0),
        ("", "SPF", SPF_TEXT, 600),
        ("_sip._tcp", "SRV", f"0 5 5060 mail.{ZONE}.", 0),
    ):
        api.put(ZONE, label, kind, target, ttl)
    api.publish(ZONE)
    with ExitStack() as stack:
        stack.enter_context(api.running())
        servers = [
            stack.enter_context(ZoneResponder(ZONE, lambda: api.served(ZONE)).running())
            for _ in range(2)
        ]
        servers[1].lag()
        yield OvhUnderTest(api, servers)
