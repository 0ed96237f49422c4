"""Zones at moto's Route 53, with real IAM users, and two name servers that answer what it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import boto3

from blocks.dns.base import DnsZone
from blocks.dns.route53 import Route53Zone
from tests.contract.dns_zones import OLD, SPF_TEXT, ZoneUnderTest
from tests.fakes.loopback_s3 import moto_server
from tests.fakes.zone_responder import Served, ZoneResponder

RIGHTS = {
    "admin": ["route53:*"],
    "continuity": [
        "route53:GetHostedZone",
        "route53:ListResourceRecordSets",
        "route53:ChangeResourceRecordSets",
    ],
    "reader": ["route53:GetHostedZone", "route53:ListResourceRecordSets"],
    "nobody": ["route53:GetHostedZoneCount"],
}


@dataclass
class Route53:
    """The service, and the keys of its users: id and secret by user."""

    endpoint: str
    keys: Mapping[str, tuple[str, str]]
    log: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[Route53]:
        """Run moto as a child of this process."""
        with moto_server(folder, module="tests.fakes.moto_route53") as service:
            iam: Any = service.client("iam")
            keys = {user: _user(iam, user, rights) for user, rights in RIGHTS.items()}
            yield cls(service.endpoint, keys, folder / f"moto-{service.port}.log")

    @property
    def admin(self) -> Any:
        key, secret = self.keys["admin"]
        return boto3.client(
            "route53",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def take_zone(self) -> tuple[str, str]:
        """Make a zone with the contract's records; return its name and id."""
        zone = f"atelier{next(self._numbers)}.test"
        made = self.admin.create_hosted_zone(Name=zone, CallerReference=zone)["HostedZone"]
        identifier = made["Id"].split("/")[-1]
        self.change(
            identifier,
            *(
                plain(f"{label}.{zone}" if label else zone, kind, values, ttl)
                for label, kind, values, ttl in (
                    ("", "A", [OLD], 120),
                    ("boutique", "A", [OLD], 60),
                    ("boutique", "AAAA", ["2001:db8::10"], 60),
                    ("\\052.preview", "A", [OLD], 60),
                    ("www", "A", [OLD, "192.0.2.11"], 60),
                    ("mail", "A", ["198.51.100.25"], 3600),
                    ("shop", "CNAME", [f"boutique.{zone}."], 300),
                    ("", "MX", [f"10 mail.{zone}."], 300),
                    ("", "TXT", [SPF_TEXT], 300),
                )
            ),
        )
        return zone, identifier

    def change(self, identifier: str, *rrsets: Mapping[str, Any], action: str = "UPSERT") -> None:
        """Change records as somebody else would."""
        steps = [{"Action": action, "ResourceRecordSet": each} for each in rrsets]
        batch = {"Changes": steps}
        self.admin.change_resource_record_sets(HostedZoneId=identifier, ChangeBatch=batch)

    def rrsets(self, identifier: str) -> list[Mapping[str, Any]]:
        """Return all that a zone holds, as the API gives it."""
        pages = self.admin.get_paginator("list_resource_record_sets")
        found = pages.paginate(HostedZoneId=identifier)
        return [rrset for page in found for rrset in page["ResourceRecordSets"]]


class Route53UnderTest(ZoneUnderTest):
    refusal = "route53:ChangeResourceRecordSets"

    def __init__(self, service: Route53, stack: ExitStack) -> None:
        self.service = service
        self.zone, self.id = service.take_zone()
        servers = [ZoneResponder(self.zone, self.served) for _ in range(2)]
        for each in servers:
            stack.enter_context(each.running())
        self.lagging = servers[1]
        self.lagging.lag()
        self.primary, self.secondary = (each.address for each in servers)
        self.block: Route53Zone = self.made()

    def made(self, user: str = "continuity", **fields: object) -> Route53Zone:
        key, secret = self.service.keys[user]
        values: dict[str, object] = {
            "zone": self.zone,
            "hosted_zone_id": self.id,
            "access_key": key,
            "secret_key": secret,
            "endpoint": self.service.endpoint,
            "nameservers": [self.primary, self.secondary],
            "timeout_seconds": 5,
        }
        return Route53Zone.model_validate(values | fields)

    def served(self) -> list[Served]:
        return [
            Served(_name(rrset), rrset["Type"], rrset["TTL"], each["Value"])
            for rrset in self.service.rrsets(self.id)
            for each in rrset.get("ResourceRecords", ())
        ]

    def edit(self, label: str, values: Sequence[str]) -> None:
        name = self.name(label)
        held = [r for r in self.service.rrsets(self.id) if (_name(r), r["Type"]) == (name, "A")]
        if held:
            self.service.change(self.id, *held, action="DELETE")
        if values:
            self.service.change(self.id, plain(name, "A", values, 60))

    def without_right(self) -> DnsZone:
        return self.made("reader")

    def revision(self) -> int:
        # Route 53's serial never rises: count the batches that it took.
        return self.service.log.read_text().count(f'/{self.id}/rrset/ HTTP/1.1" 200')

    def catch_up(self) -> None:
        self.lagging.catch_up()


@contextmanager
def route53_zone(service: Route53) -> Iterator[Route53UnderTest]:
    """Serve a zone with the contract's records."""
    with ExitStack() as stack:
        yield Route53UnderTest(service, stack)


def plain(name: str, kind: str, values: Sequence[str], ttl: int) -> dict[str, Any]:
    """Return a record set without a policy, as the API takes it."""
    records = [{"Value": value} for value in values]
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": records}


def _name(rrset: Mapping[str, Any]) -> str:
    return str(rrset["Name"]).rstrip(".").replace("\\052", "*").lower()


def _user(iam: Any, name: str, actions: Sequence[str]) -> tuple[str, str]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    pair = iam.create_access_key(UserName=name)["AccessKey"]
    return pair["AccessKeyId"], pair["SecretAccessKey"]
