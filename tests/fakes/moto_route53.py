"""Moto's Route 53, made to refuse a change batch as AWS does.

Moto takes a DELETE of anything that was ever there, and a CREATE of what is there with other
values. AWS's page "ChangeResourceRecordSets" says: a batch is carried out as a whole or not at all,
a DELETE must give name, type, TTL and values as they are, a CREATE must meet nothing.

Moto's own check of keys cannot be used: it finds the signature of a right GET wrong, and refuses in
a form that is not Route 53's. Here the users' real policies are asked through moto's IAM, before
the batch is looked at; signatures are not checked. Run as:
`python -m tests.fakes.moto_route53 -H ADDRESS -p PORT`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from moto.iam.access_control import (
    CreateAccessKeyFailure,
    IAMPolicy,
    PermissionResult,
    create_access_key,
)
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import FakeZone, Route53Backend
from moto.route53.responses import Route53
from moto.server import main

Key = tuple[str, str, str | None]
Held = dict[Key, tuple[int | None, tuple[str, ...], object]]
GUARDED = {
    "change_resource_record_sets": "ChangeResourceRecordSets",
    "list_resource_record_sets": "ListResourceRecordSets",
    "get_hosted_zone": "GetHostedZone",
}
carried_out = Route53Backend.change_resource_record_sets


def check_and_change(backend: Route53Backend, zoneid: str, change_list: list[Any]) -> None:
    """Refuse the whole batch, or carry it out."""
    zone = backend.get_hosted_zone(zoneid)
    _check(_held(zone), change_list)
    zone.rr_changes.clear()
    for change in change_list:
        if change["Action"] == "DELETE":  # moto looks for them in what it was told before
            made = deepcopy(change) | {"Action": "CREATE"}
            if "ResourceRecords" in (rrset := made["ResourceRecordSet"]):
                rrset["ResourceRecords"] = [dict(each) for each in rrset["ResourceRecords"]]
            zone.rr_changes.append(made)
    carried_out(backend, zoneid, change_list)


def guarded(call: Callable[..., Any], action: str) -> Callable[..., Any]:
    """Let through who has the right, by the policies of the user whose key signed."""

    def checked(response: Route53, *args: object) -> object:
        signed = re.search(r"Credential=([^/]+)/", response.headers.get("Authorization", ""))
        try:
            user = create_access_key(
                response.current_account, response.partition, signed[1] if signed else "", {}
            )
        except CreateAccessKeyFailure:
            raise Route53ClientError(
                "InvalidClientTokenId", "The security token included in the request is invalid"
            ) from None
        results = [
            IAMPolicy(policy).is_action_permitted(f"route53:{action}")
            for policy in user.collect_policies()
        ]
        if PermissionResult.PERMITTED not in results:
            said = f"User: {user.arn} is not authorized to perform: route53:{action}"
            raise Route53ClientError("AccessDenied", said)
        return call(response, *args)

    return checked


def _held(zone: FakeZone) -> Held:
    return {
        _key(each.name, each.type, each.set_identifier): (
            None if each.ttl is None else int(each.ttl),
            tuple(sorted(each.records or ())),
            _target(each.alias_target),
        )
        for each in zone.rrsets
    }


def _check(held: Held, changes: Iterable[Mapping[str, Any]]) -> None:
    for change in changes:
        rrset = change["ResourceRecordSet"]
        key = _key(rrset["Name"], rrset["Type"], rrset.get("SetIdentifier"))
        ttl = rrset.get("TTL")
        values = tuple(sorted(each["Value"] for each in rrset.get("ResourceRecords") or ()))
        value = (None if ttl is None else int(ttl), values, _target(rrset.get("AliasTarget")))
        said = f"resource record set [name='{key[0]}', type='{key[1]}']"
        if change["Action"] == "DELETE":
            if key not in held:
                raise _invalid(f"Tried to delete {said} but it was not found")
            if held[key] != value:
                other = "the values provided do not match the current values"
                raise _invalid(f"Tried to delete {said} but {other}")
            del held[key]
        elif change["Action"] == "CREATE" and key in held:
            raise _invalid(f"Tried to create {said} but it already exists")
        else:
            held[key] = value


def _key(name: str, kind: str | None, identifier: str | None) -> Key:
    return name.rstrip(".").lower() + ".", str(kind), identifier


def _target(alias: object) -> object:
    return str(alias["DNSName"]).rstrip(".") if isinstance(alias, Mapping) else None


def _invalid(message: str) -> Route53ClientError:
    return Route53ClientError("InvalidChangeBatch", f"[{message}]")


if __name__ == "__main__":
    Route53Backend.change_resource_record_sets = check_and_change  # type: ignore[method-assign]
    for name, right in GUARDED.items():
        setattr(Route53, name, guarded(getattr(Route53, name), right))
    main(sys.argv[1:])
