"""Rights written down as each provider wants them. Pure.

Where each form was read: IAM policies, AWS service authorization reference "Actions, resources, and
condition keys for Amazon S3"; Wasabi takes the same (docs.wasabi.com, "IAM and STS Support");
OVH, "Object Storage - Identity and access management" of 2025-09-25; Scaleway, "Bucket policies
overview" of 2025-07-30 and "Amazon S3 and IAM permissions equivalence"; Backblaze, "S3-Compatible
App Keys"; Ceph, measured on RGW 16.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from blocks.repositories.policies import Action, Right

Document = dict[str, object]
"""A policy, to be written as JSON."""

_VERSION = "2012-10-17"
_SCALEWAY_VERSION = "2023-04-17"
"""In the one before, rules that deny counted, and what is not named was allowed."""
_OWNED = ("PutObjectAcl", "PutObjectLegalHold", "BypassGovernanceRetention")
"""What who wrote an object may do to it where access lists count, if nobody forbids it."""
_OWNED_CEPH = ("DeleteObjectVersion", "PutObjectVersionAcl", *_OWNED)

_OVH = {Action.GET_VERSION: Action.GET}
"""OVH's list has no right of its own for versions: the one for the object counts."""
_SCALEWAY_SETS = {
    Action.LIST: "ObjectStorageObjectsRead",
    Action.LIST_VERSIONS: "ObjectStorageObjectsRead",
    Action.VERSIONING: "ObjectStorageBucketsRead",
    Action.LIFECYCLE: "ObjectStorageBucketsRead",
    Action.GET: "ObjectStorageObjectsRead",
    Action.GET_VERSION: "ObjectStorageObjectsRead",
    Action.PUT: "ObjectStorageObjectsWrite",
    Action.HIDE: "ObjectStorageObjectsDelete",
    Action.SEE_LOCK: "ObjectStorageObjectsRead",
    Action.LENGTHEN: "ObjectStorageObjectsWrite",
}
_BACKBLAZE = {
    Action.LIST: ("listBuckets", "listFiles"),
    Action.LIST_VERSIONS: ("listFiles",),
    Action.VERSIONING: ("readBuckets",),
    Action.LIFECYCLE: ("readBuckets",),
    Action.GET: ("readFiles",),
    Action.GET_VERSION: ("readFiles",),
    Action.PUT: ("writeFiles",),
    Action.HIDE: ("writeFiles",),
    Action.SEE_LOCK: ("readFileRetentions",),
    Action.LENGTHEN: ("writeFileRetentions",),
}


def iam_policy(rights: Iterable[Right]) -> Document:
    """Return one user's policy at AWS or Wasabi."""
    return {"Version": _VERSION, "Statement": [_allow(each) for each in rights]}


def ovh_policy(rights: Sequence[Right]) -> Document:
    """Return one user's S3 policy at OVH; each user has one.

    What is not allowed is then decided by access lists, by which who wrote an object may do
    anything to it: so that is forbidden.
    """
    known = [_replaced(each, _OVH) for each in rights]
    deny = [
        {
            "Effect": "Deny",
            "Action": _actions((*_OWNED, *_withheld(bucket, known, (Action.GET,)))),
            "Resource": [f"arn:aws:s3:::{bucket}/*"],
        }
        for bucket in dict.fromkeys(each.bucket for each in known)
    ]
    return {"Statement": [*(_allow(each) for each in known), *deny]}


def ceph_policy(bucket: str, keys: Mapping[str, Sequence[Right]]) -> Document:
    """Return a bucket's policy for Ceph, from the rights of each user.

    In Ceph an object belongs to who wrote it, so what its owner might do is forbidden to all of
    them. The bucket must belong to none of them: its owner may do what nobody forbids.
    """
    statements: list[Document] = []
    denied: dict[tuple[str, ...], list[str]] = {}
    for user, granted in keys.items():
        statements += [_users((user,)) | _allow(each) for each in granted if each.bucket == bucket]
        reading = (Action.GET, Action.GET_VERSION)
        denied.setdefault(_withheld(bucket, granted, reading), []).append(user)
    for withheld, users in denied.items():
        statements.append(
            _users(users)
            | {
                "Effect": "Deny",
                "Action": _actions((*_OWNED_CEPH, *withheld)),
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            }
        )
    return {"Version": _VERSION, "Statement": statements}


def scaleway_policy(bucket: str, keys: Mapping[str, Sequence[Right]]) -> Document:
    """Return a bucket's policy for Scaleway, from the rights of each application by its id."""
    statements = [
        {
            "Sid": f"{name} {number}",
            "Principal": {"SCW": f"application_id:{name}"},
            **_allow(each, arn=""),
        }
        for name, granted in keys.items()
        for number, each in enumerate((r for r in granted if r.bucket == bucket), 1)
    ]
    return {"Version": _SCALEWAY_VERSION, "Id": f"continuity-{bucket}", "Statement": statements}


def scaleway_sets(rights: Iterable[Right]) -> tuple[str, ...]:
    """Return the permission sets that an application needs besides the bucket's policy."""
    return tuple(sorted({_SCALEWAY_SETS[action] for each in rights for action in each.actions}))


def backblaze_keys(rights: Sequence[Right]) -> tuple[Document, ...]:
    """Return what application keys at Backblaze must be made with: one for each bucket.

    A key knows one prefix and no other folders; `writeFiles` also hides and overwrites.
    """
    made: list[Document] = []
    for bucket in dict.fromkeys(each.bucket for each in rights):
        here = [each for each in rights if each.bucket == bucket]
        found = {name for r in here for action in r.actions for name in _BACKBLAZE[action]}
        # Without it clients cannot use a key that is bound to one bucket.
        capabilities = sorted(found | {"listAllBucketNames"})
        prefix = _common_folder([pattern for each in here for pattern in each.objects])
        made.append({"bucketName": bucket, "namePrefix": prefix, "capabilities": capabilities})
    return tuple(made)


def _common_folder(patterns: Iterable[str]) -> str:
    """Return the folder that all patterns are in, with a slash at its end; "" for none."""
    common: list[str] = []
    for parts in zip(*(pattern.split("/")[:-1] for pattern in patterns), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "".join(f"{part}/" for part in common)


def _allow(right: Right, arn: str = "arn:aws:s3:::") -> Document:
    resources = [f"{arn}{right.bucket}/{pattern}" for pattern in right.objects]
    return {
        "Effect": "Allow",
        "Action": _actions(right.actions),
        "Resource": resources or [f"{arn}{right.bucket}"],
    }


def _actions(actions: Iterable[str]) -> list[str]:
    return [f"s3:{action}" for action in actions]


def _users(users: Iterable[str]) -> Document:
    return {"Principal": {"AWS": [f"arn:aws:iam:::user/{user}" for user in users]}}


def _replaced(right: Right, by: Mapping[Action, Action]) -> Right:
    known = dict.fromkeys(by.get(action, action) for action in right.actions)
    return Right(right.bucket, tuple(known), right.objects)


def _withheld(
    bucket: str, granted: Iterable[Right], reading: Sequence[Action]
) -> tuple[Action, ...]:
    """Return what is granted nowhere in a bucket, and its writer may do if nobody forbids it."""
    known = {action for each in granted if each.bucket == bucket for action in each.actions}
    return (
        *(() if Action.GET in known else reading),
        *(() if Action.LENGTHEN in known else (Action.LENGTHEN,)),
    )
