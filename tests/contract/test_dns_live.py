"""The same promises at real accounts: CONTINUITY_LIVE=cloudflare,ovh and each block as JSON.

`CONTINUITY_LIVE_ZONE_OVH='{"zone": "...", "consumer_key": "...", ...}'` says which. Names that
nobody has are made, moved and removed again; nothing else of the zone is touched. Without the
variables there is no test here: one that is skipped would be a failure in CI.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import monotonic, sleep
from uuid import uuid4

import pytest

from blocks.dns.base import DnsZone
from blocks.registry import block_types
from blocks.types import AddressChange, AddressRecord
from tests.contract.dns_zones import NEW, OLD

FIELDS = "CONTINUITY_LIVE_ZONE_"
LIVE = [
    name
    for name in os.environ.get("CONTINUITY_LIVE", "").split(",")
    if f"{FIELDS}{name.upper()}" in os.environ
]
SPREAD_SECONDS = 120


def live_zone(name: str) -> DnsZone:
    fields = os.environ[f"{FIELDS}{name.upper()}"]
    (kind,) = (each for each in block_types() if each.get_block_type_slug() == f"{name}-zone")
    made = kind.model_validate_json(fields)
    assert isinstance(made, DnsZone)
    return made


def until_answered(zone: DnsZone, name: str, addresses: tuple[str, ...]) -> None:
    deadline = monotonic() + SPREAD_SECONDS
    while set(zone.answers(name, "A").values()) != {addresses}:
        assert monotonic() < deadline, zone.answers(name, "A")
        sleep(2)


if LIVE:

    @pytest.fixture(params=LIVE)
    def zone(request: pytest.FixtureRequest) -> DnsZone:
        return live_zone(request.param)

    @pytest.fixture
    def names(zone: DnsZone) -> Iterator[list[str]]:
        label = f"continuity-{uuid4().hex[:8]}"
        made = [f"{label}-{number}.{zone.zone}" for number in range(3)]
        try:
            yield made
        finally:
            left = [each for each in zone.read() if each.name in made]
            zone.replace([AddressChange(e.name, e.type, e.values, (), e.ttl) for e in left])

    @pytest.mark.live
    @pytest.mark.timeout(600)
    def test_makes_moves_and_removes_names(zone: DnsZone, names: list[str]) -> None:
        assert zone.rehearse([])
        before = zone.read()
        make = [AddressChange(name, "A", (), (OLD,), 60) for name in names]
        move = [AddressChange(name, "A", (OLD,), (NEW,), 60) for name in names]
        for changes, address in ((make, OLD), (move, NEW)):
            for _ in range(2):
                zone.replace(changes)
            for name in names:
                until_answered(zone, name, (address,))
            held = {record for record in zone.read() if record.name in names}
            assert held == {AddressRecord(name, "A", 60, (address,)) for name in names}
        zone.replace([AddressChange(name, "A", (NEW,), (), 60) for name in names])
        for name in names:
            until_answered(zone, name, ())
        assert zone.read() == before
