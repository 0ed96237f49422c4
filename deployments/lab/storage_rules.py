"""Who may do what in the lab's bucket, and how long it keeps what was deleted. No I/O.

| key | who has it | may |
|---|---|---|
| worker | the worker and the break-glass CLI | read, write, hide: manifests, journal, leases |
| server | every protected server | read, add; hide restic's own locks; no manifest, no lease |
| prune | the retention flow alone | what the server may; hide; make a lock last longer |
| agent | the archive's agent on every server | add below `archive/`, nothing else |

To delete is to hide: the versions stay, and no key may destroy one, shorten its lock or open it to
others. They go by themselves `KEPT_DAYS` later.

A second bucket, plain and the worker's alone, holds what is written under a condition: journal and
leases. In a versioned bucket Ceph 16 lets every `If-None-Match: *` pass and none of the `If-Match`
(measured). In a plain one both are atomic, if the ETag is sent without its quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import LifecycleRuleTypeDef, ObjectLockConfigurationTypeDef

BUCKET = "continuity"
STATE_BUCKET = "continuity-state"
USERS = ("worker", "server", "prune", "agent")
READERS = ("worker", "server", "prune")
KEPT_DAYS = 30
LOCKED_DAYS = 1


def lock() -> ObjectLockConfigurationTypeDef:
    """Return the object lock: for a day a version stays even against a change of the policy."""
    retention: ObjectLockConfigurationTypeDef = {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": LOCKED_DAYS}},
    }
    return retention


def expiry() -> LifecycleRuleTypeDef:
    """Return the rule that gives the room of hidden versions and broken uploads back."""
    return {
        "ID": "what-is-hidden-goes",
        # As Ceph gives it back: so it can be seen whether the bucket has the rule already.
        "Prefix": "",
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }


def policy() -> dict[str, object]:
    """Return the bucket's policy.

    The worker owns the bucket and yet needs grants: in Ceph an object belongs to who wrote it.
    """
    everything = [f"{BUCKET}/*"]
    kept_from_servers = [*_below("leases"), *_below("incidents"), *_below("sets")]
    kept_from_servers.append(f"{BUCKET}/archive/*")
    use = ("GetObject", "GetObjectVersion", "PutObject", "AbortMultipartUpload")
    look = ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads", "GetBucketLocation")
    checks = ("GetBucketVersioning", "GetBucketObjectLockConfiguration")
    destroy = ("DeleteObjectVersion", "BypassGovernanceRetention", "PutObjectLegalHold")
    # In Ceph who wrote an object may open it to the world, if nobody forbids it.
    expose = ("PutObjectAcl", "PutObjectVersionAcl")
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement("Allow", READERS, (*look, *checks), [BUCKET]),
            _statement("Allow", READERS, (*use, "ListMultipartUploadParts"), everything),
            _statement("Allow", ("agent",), ("PutObject",), [f"{BUCKET}/archive/*"]),
            _statement("Allow", ("worker", "prune"), ("DeleteObject",), everything),
            _statement("Allow", ("server",), ("DeleteObject",), _below("locks")),
            _statement("Deny", ("server",), ("PutObject",), kept_from_servers),
            # Without the bypass it can only be made longer.
            _statement("Allow", ("prune",), ("PutObjectRetention",), everything),
            _statement("Allow", ("worker", "prune"), ("GetObjectRetention",), everything),
            _statement("Deny", ("worker", "server", "agent"), ("PutObjectRetention",), everything),
            _statement("Deny", USERS, (*destroy, *expose), everything),
        ],
    }


def _below(folder: str) -> list[str]:
    """Return patterns for what lies in a folder of this name, at most four folders deep.

    One pattern a depth: Ceph tries only the first place where a `*` may end, so that `*/locks/*`
    does not match `web1/restic/locks/1`.
    """
    return [f"{BUCKET}/{'*/' * depth}{folder}/*" for depth in range(5)]


def _statement(
    effect: str, users: tuple[str, ...], actions: tuple[str, ...], resources: list[str]
) -> dict[str, object]:
    return {
        "Effect": effect,
        "Principal": {"AWS": [f"arn:aws:iam:::user/{user}" for user in users]},
        "Action": [f"s3:{action}" for action in actions],
        "Resource": [f"arn:aws:s3:::{resource}" for resource in resources],
    }
