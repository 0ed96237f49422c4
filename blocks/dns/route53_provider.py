"""octoDNS' Route 53 provider, held to plain address records, one exact batch and our errors.

Shapes were read in octodns_route53 1.3, in botocore's model of Route 53, and on AWS's pages
`ChangeResourceRecordSets` (a DELETE must give all values as they are; a batch is transactional) and
"Quotas" (1000 ResourceRecord elements and 32,000 characters of values in a batch).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Record, Update
from octodns.record.txt import TxtValue
from octodns.zone import Zone
from octodns_route53 import Route53Provider
from octodns_route53.provider import _octal_replace

from blocks.dns.changes import canonical
from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
    UpdateRefused,
)
from blocks.types import AddressRecord

if TYPE_CHECKING:
    from blocks.dns.route53 import Route53Zone

IMPOSSIBLE_TTL = 2_147_483_646
MOST_RECORDS, MOST_CHARACTERS = 1000, 32_000
"""What one batch holds: values, and their characters."""
ROUTED = ("SetIdentifier", "TrafficPolicyInstanceId")
BAD_KEY = {"InvalidClientTokenId", "SignatureDoesNotMatch", "IncompleteSignature", "ExpiredToken"}
WRITE = "route53:ChangeResourceRecordSets"
RIGHTS = {
    "ListResourceRecordSets": "route53:ListResourceRecordSets",
    "GetHostedZone": "route53:GetHostedZone",
    "ChangeResourceRecordSets": WRITE,
}
Rrset = Mapping[str, Any]
Key = tuple[str, str]


class Route53AddressProvider(Route53Provider):  # type: ignore[misc]  # octoDNS has no types
    """Read A and AAAA; apply a plan in one batch that deletes exactly what was read."""

    SUPPORTS: ClassVar[frozenset[str]] = frozenset({"A", "AAAA"})

    def __init__(self, block: Route53Zone) -> None:
        self.block = block
        self.subject = f"zone {block.zone} at Route 53 ({block.hosted_zone_id})"
        super().__init__("route53", block.access_key, block.secret_key.get_secret_value())
        self._rrsets: dict[Key, list[Rrset]] = {}

    def client(self, service_name: str, *_: object, **__: object) -> Any:  # noqa: ANN401 - boto3's
        """Return a client with our timeouts for reading; the library's has those of its own."""
        return self._client(service_name, attempts=3)

    def _client(self, service_name: str, attempts: int) -> Any:  # noqa: ANN401 - boto3's
        timeout = self.block.timeout_seconds
        return boto3.client(
            service_name,  # type: ignore[call-overload]
            region_name=self.block.region,
            endpoint_url=self.block.endpoint or None,
            aws_access_key_id=self.block.access_key,
            aws_secret_access_key=self.block.secret_key.get_secret_value(),
            config=Config(
                connect_timeout=timeout,
                read_timeout=timeout,
                retries={"total_max_attempts": attempts},
            ),
        )

    # --- reading ---

    def populate(self, zone: Zone, target: bool = False, lenient: bool = False) -> bool:
        """Add the zone's records; of one that is routed, all addresses that it may answer."""
        self._rrsets = self._listed()
        for (name, kind), rrsets in self._rrsets.items():
            held = [each for each in rrsets if each.get("ResourceRecords")]
            if not held:
                continue
            values = [each for rrset in held for each in rrset["ResourceRecords"]]
            merged = {**held[0], "ResourceRecords": values}
            data = getattr(self, f"_data_for_{kind}")(merged)
            label = zone.hostname_from_fqdn(f"{name}.")
            record = Record.new(zone, label, data, source=self, lenient=lenient)
            zone.add_record(record, lenient=lenient)
        return True

    def _listed(self) -> dict[Key, list[Rrset]]:
        pages = self._conn.get_paginator("list_resource_record_sets")
        found: dict[Key, list[Rrset]] = defaultdict(list)
        own = False
        with self._translated():
            for page in pages.paginate(HostedZoneId=self.block.hosted_zone_id):
                for rrset in page["ResourceRecordSets"]:
                    name = _octal_replace(rrset["Name"]).rstrip(".").lower()
                    own |= (name, rrset["Type"]) == (self.block.zone, "SOA")
                    if rrset["Type"] in self.SUPPORTS:
                        found[name, rrset["Type"]].append(rrset)
        if not own:
            cause = "this hosted zone is of another name"
            hint = "compare zone and hosted_zone_id in the estate file"
            raise NotFound(self.subject, cause, hint)
        return found

    def name_servers(self) -> tuple[str, ...]:
        """Return the names of the servers that were assigned to the zone."""
        with self._translated():
            found = self._conn.get_hosted_zone(Id=self.block.hosted_zone_id)
        return tuple(found.get("DelegationSet", {}).get("NameServers", ()))

    # --- changing ---

    def _apply(self, plan: Plan) -> bool:
        steps = [step for change in plan.changes for step in self._steps(change)]
        # Deletes first: a record of the same name must be gone before its successor is made.
        self._send(sorted(steps, key=lambda each: each["Action"] != "DELETE"))
        return True

    def _steps(self, change: Create | Update | Delete) -> Iterator[dict[str, Any]]:
        record = change.record
        name, kind = record.fqdn.rstrip(".").lower(), record._type
        held = self._rrsets.get((name, kind), [])
        self._require_plain(f"{kind} record of {name}", held)
        for rrset in held:
            yield {"Action": "DELETE", "ResourceRecordSet": rrset}
        if change.new is not None:
            fresh = {
                **(held[0] if held else {"Name": record.fqdn, "Type": kind}),
                "TTL": record.ttl,
                "ResourceRecords": [{"Value": each} for each in canonical(change.new.values)],
            }
            yield {"Action": "CREATE", "ResourceRecordSet": fresh}

    def _require_plain(self, subject: str, held: Sequence[Rrset]) -> None:
        for rrset in held:
            if target := rrset.get("AliasTarget"):
                cause = f"is an alias of {target['DNSName'].rstrip('.')}; nothing was changed"
                hint = "change what it leads to, or replace the alias by a plain record"
                raise UpdateRefused(subject, cause, hint)
            if any(each in rrset for each in ROUTED):
                cause = "has a routing policy; nothing was changed"
                hint = "change it by hand, or replace it by one record without a policy"
                raise UpdateRefused(subject, cause, hint)

    def _send(self, steps: Sequence[Mapping[str, Any]]) -> None:
        values = [
            each["Value"] for step in steps for each in step["ResourceRecordSet"]["ResourceRecords"]
        ]
        if len(values) > MOST_RECORDS or sum(map(len, values)) > MOST_CHARACTERS:
            cause = f"{len(values)} values do not fit into one batch; nothing was changed"
            raise UpdateRefused(self.subject, cause, "change fewer records at once")
        with self._translated():
            self._change(steps)

    # --- rehearsing ---

    def rehearse(self, records: Sequence[AddressRecord]) -> str:
        """Send a real change of these records that cannot be carried out: it deletes what is not.

        No record has this TTL, and a batch is carried out as a whole or not at all. AWS looks at
        the right first, for these names, types and actions, and then refuses the batch as wrong.
        """
        self._rrsets = self._listed()
        steps = []
        for each in records:
            held = self._rrsets.get((each.name, each.type), [])
            self._require_plain(f"{each.type} record of {each.name}", held)
            for rrset in held:
                wrong = {**rrset, "TTL": IMPOSSIBLE_TTL}
                steps.append({"Action": "DELETE", "ResourceRecordSet": wrong})
                steps.append({"Action": "CREATE", "ResourceRecordSet": rrset})
        if steps:
            self._require_refusal(steps)
        return f"clé {self.block.access_key} chez AWS"

    def _require_refusal(self, steps: Sequence[Mapping[str, Any]]) -> None:
        try:
            self._change(steps)
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidChangeBatch":
                raise self._failed(error) from error
        except BotoCoreError as error:
            raise self._failed(error) from error

    def _change(self, steps: Sequence[Mapping[str, Any]]) -> None:
        # Once only: a batch whose answer was lost is done, and would be refused the second time.
        self._client("route53", attempts=1).change_resource_record_sets(
            HostedZoneId=self.block.hosted_zone_id, ChangeBatch={"Changes": list(steps)}
        )

    # --- errors ---

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise self._failed(error) from error

    def _failed(self, error: ClientError | BotoCoreError) -> ContinuityError:
        if isinstance(error, ClientError):
            return self._refused(error)
        if isinstance(error, (HTTPClientError, EndpointConnectionError, ConnectTimeoutError)):
            cause = f"the API does not answer ({type(error).__name__})"
            hint = "run it again: what is done already is left alone"
            return Unreachable(self.subject, cause, hint)
        cause = f"its answer cannot be understood ({type(error).__name__})"
        return ProviderError(self.subject, cause, "check endpoint and region in the estate file")

    def _refused(self, error: ClientError) -> ContinuityError:
        code, call = str(error.response["Error"]["Code"]), error.operation_name
        if code in BAD_KEY:
            cause = f"the key {self.block.access_key} was refused ({code})"
            hint = "compare access_key and secret_key with the IAM user's active keys"
            return AuthenticationFailed(self.subject, cause, hint)
        if code in {"AccessDenied", "AccessDeniedException"}:
            return self._without_right(RIGHTS.get(call, call))
        if code == "NoSuchHostedZone":
            cause = f"there is no such hosted zone ({code})"
            return NotFound(self.subject, cause, "correct hosted_zone_id in the estate file")
        if code in {"Throttling", "ThrottlingException", "PriorRequestNotComplete"}:
            return RateLimited(self.subject, f"asks for fewer calls ({code})", "try again later")
        return self._not_done(error, code, call)

    def _not_done(self, error: ClientError, code: str, call: str) -> ContinuityError:
        status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        if code == "InvalidChangeBatch":
            cause = f"somebody changed a record in between; nothing was changed ({_said(error)})"
            hint = "run the procedure again: it plans from what is there now"
            return UpdateRefused(self.subject, cause, hint)
        if status >= 500:
            return Unavailable(self.subject, f"it answered {status} {code}", "try again later")
        cause = f"refuses {call} ({code}: {_said(error)})"
        return UpdateRefused(self.subject, cause, "look the code up in the Route 53 reference")

    def _without_right(self, right: str) -> ContinuityError:
        cause = f"the key {self.block.access_key} lacks the right {right}"
        where = f"arn:aws:route53:::hostedzone/{self.block.hosted_zone_id}"
        hint = f"allow {right} on {where} in the IAM user's policy"
        kind = UpdateRefused if right == WRITE else PermissionDenied
        return kind(self.subject, cause, hint)


class Route53NameReader(Route53AddressProvider):
    """Read what leads to other names, or says addresses in a text."""

    SUPPORTS = frozenset({"CNAME", "MX", "TXT"})

    def _data_for_TXT(self, rrset: Rrset) -> dict[str, object]:  # noqa: N802
        # The API gives texts as zone files write them, octoDNS takes them for plain.
        values = [TxtValue.from_rdata_text(each["Value"]) for each in rrset["ResourceRecords"]]
        return {"type": "TXT", "ttl": int(rrset["TTL"]), "values": values}


def _said(error: ClientError) -> str:
    return " ".join(str(error.response["Error"].get("Message", "")).split())[:300]
