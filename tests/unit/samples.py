"""Values that decision tests start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from blocks.types import (
    AddressRecord,
    Canary,
    DatabaseFacts,
    DatabaseSchema,
    Frequency,
    Part,
    Position,
    ReadBack,
    RecoverySet,
    ServerFacts,
    SmokeCheck,
    SnapshotRef,
    TableFacts,
    Tier,
)
from flows.decisions.recovery_plan import Observation, SiteSpec, TargetChoice, ZoneView
from flows.decisions.set_choice import SetChoice

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
OLD = "10.89.0.10"


def ref(part: Part, subject: str, taken_in: str, number: int = 1) -> SnapshotRef:
    return SnapshotRef(
        id=f"{part}-{subject}-{taken_in}-{number}",
        part=part,
        subject=subject,
        tree=f"tree-{part}-{subject}",
        size=1000,
        added=10,
        files=1,
        time=NOON,
        taken_in=taken_in,
    )


def recovery_set(
    at: datetime = NOON, sites: tuple[str, ...] = ("boutique", "vitrine"), server: str = "web1"
) -> RecoverySet:
    name = f"{server}-{at:%Y%m%dT%H%M%SZ}"
    snapshots = (
        ref(Part.PHYSICAL, server, name),
        ref(Part.DATABASE, "boutique", name),
        ref(Part.GRANTS, server, name),
        ref(Part.CONFIGURATION, server, name),
        *(ref(Part.SITE, site, name) for site in sites),
    )
    return RecoverySet(
        id=name,
        server=server,
        frequency=Frequency.DAILY,
        started_at=at,
        consistent_at=at + timedelta(seconds=5),
        finished_at=at + timedelta(seconds=20),
        sites=sites,
        snapshots=snapshots,
        server_facts=ServerFacts(
            server, "debian", "12", 2, 2**32, 2**35, 2**34, ("nginx",), (), ("nginx", "cron"), at
        ),
        database_facts=DatabaseFacts(
            "10.11.9-MariaDB",
            "10.11",
            1000,
            (DatabaseSchema("boutique", 1000, (TableFacts("orders", "InnoDB", 3),)),),
        ),
        position=Position("binlog.000001", 4, "0-1-7", at + timedelta(seconds=5)),
        canary=Canary(server, "nonce", at),
        read_back=ReadBack(3, 3000),
    )


def site(name: str, priority: int = 50, domains: tuple[str, ...] = ()) -> SiteSpec:
    hosts = domains or (f"{name}.atelier.test",)
    return SiteSpec(
        name=name,
        title=name.title(),
        domains=hosts,
        databases=(name,) if name == "boutique" else (),
        tier=Tier.HOURS_48,
        priority=priority,
        smoke=(SmokeCheck(f"https://{hosts[0]}/"),),
    )


def observation(**changes: object) -> Observation:
    values: dict[str, object] = {
        "taken_at": NOON + timedelta(hours=1),
        "server": "web1",
        "address": OLD,
        "answering": (),
        "choice": SetChoice(recovery_set(), ()),
        "sites": (site("vitrine", 60), site("boutique", 10)),
        "zones": (
            ZoneView(
                "memory-zone/atelier",
                "atelier.test",
                (
                    AddressRecord("boutique.atelier.test", "A", 10, (OLD,)),
                    AddressRecord("boutique.atelier.test", "AAAA", 10, ("fd00::10",)),
                    AddressRecord("mail.atelier.test", "A", 10, (OLD,)),
                    AddressRecord("vitrine.atelier.test", "A", 10, ("192.0.2.1",)),
                ),
            ),
        ),
        "targets": (TargetChoice("memory-vps/a", "", ""),),
    }
    return Observation(**(values | changes))  # type: ignore[arg-type]
