"""Who may do what in the lab's buckets, and how long they keep what was deleted. No I/O.

| key | who has it | may |
|---|---|---|
| worker | the worker and the break-glass CLI | read, write, hide: manifests, journal, leases |
| server | every protected server | read and add backups, hide restic's own locks |
| prune | the retention flow alone | hide backups, make a lock last longer |
| agent | the archive's agent on every server | add below `archive/`, nothing else |

The rights are those that `continuity repository policy` prints, so the whole lab tests them. The
buckets belong to a fifth user, whose key no program has: in Ceph an owner may do what nobody
forbids. To delete is to hide: the versions stay, and no key may destroy one, shorten its lock or
open it to others. They go by themselves `KEPT_DAYS` later.

A second bucket, plain and the worker's alone, holds what is written under a condition: journal and
leases. In a versioned bucket Ceph 16 lets every `If-None-Match: *` pass and none of the `If-Match`
(measured). In a plain one both are atomic, if the ETag is sent without its quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blocks.repositories.policies import ArchivePlace, KeyPurpose, RepositoryPlace, rights
from blocks.repositories.policy_documents import Document, ceph_policy

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import LifecycleRuleTypeDef, ObjectLockConfigurationTypeDef

BUCKET = "continuity"
STATE_BUCKET = "continuity-state"
OWNER = "owner"
PURPOSES = {
    "worker": KeyPurpose.RESTORE,
    "server": KeyPurpose.SERVER,
    "prune": KeyPurpose.PRUNE,
    "agent": KeyPurpose.ARCHIVE,
}
USERS = tuple(PURPOSES)
KEPT_DAYS = 30
LOCKED_DAYS = 1

_ANY = ("*",)
_PLACES = (
    RepositoryPlace(BUCKET, _ANY, state_bucket=STATE_BUCKET),
    ArchivePlace(BUCKET, _ANY, "archive"),
    # One folder deeper, where each contract test has its own. Ceph tries only the first place where
    # a `*` may end, so that `*/restic/*` does not match `test-1/web1/restic/config`.
    RepositoryPlace(BUCKET, _ANY, "*"),
    ArchivePlace(BUCKET, _ANY, "archive/*"),
)


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


def policy(bucket: str) -> Document:
    """Return a bucket's policy."""
    granted = {
        user: [right for place in _PLACES for right in rights(purpose, place)]
        for user, purpose in PURPOSES.items()
    }
    return ceph_policy(bucket, granted)
