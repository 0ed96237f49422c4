"""What providers of S3 do differently, with the source of each fact. Data; no I/O.

Where nothing is said the behaviour is that of AWS. The self-test finds out what a bucket really
does; a profile says beforehand what to expect, so that `continuity estate validate` can refuse what
cannot work.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """Providers that are known."""

    AWS = "aws"
    OVH = "ovh"
    WASABI = "wasabi"
    BACKBLAZE = "backblaze"
    SCALEWAY = "scaleway"
    CEPH = "ceph"
    HETZNER = "hetzner"


class Checksums(StrEnum):
    """When the client adds checksums to what it sends: AWS's `request_checksum_calculation`."""

    WHEN_SUPPORTED = "when_supported"
    WHEN_REQUIRED = "when_required"


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """How one provider differs.

    Attributes:
        title: Its name, for people.
        host: Pattern (regular expression) of the endpoint's host name; "" for any.
        path_style: Whether the bucket may be named in the path.
        minimum_days: Days that an object is billed for even if it is destroyed before.
        conditional: Whether there are conditional writes; None if only the self-test can tell.
        conditional_in_versioned: The same in a versioned bucket.
        server_key_hides: Whether a key that may add may hide objects too.
        confines_keys: Whether a key can be let do only what it is for.
        sources: Where each of this is from.
    """

    title: str
    host: str
    checksums: Checksums
    path_style: bool = True
    minimum_days: int = 0
    conditional: bool | None = None
    conditional_in_versioned: bool | None = None
    server_key_hides: bool = False
    confines_keys: bool = True
    sources: tuple[str, ...] = ()


PROFILES = {
    Profile.AWS: ProviderProfile(
        "Amazon S3",
        r"s3[.-].*amazonaws\.com(\.cn)?",
        Checksums.WHEN_SUPPORTED,
        path_style=False,
        conditional=True,
        conditional_in_versioned=True,
        sources=(
            "checksums: default of boto3 since 1.36",
            "path style: deprecated for new buckets, AWS S3 user guide, VirtualHosting",
            "conditional writes: AWS S3 user guide, conditional-writes (If-Match needs GetObject)",
            "lock: AWS S3 user guide, object-lock",
        ),
    ),
    Profile.OVH: ProviderProfile(
        "OVHcloud Object Storage",
        r"s3\.[a-z0-9-]+\.(io|perf)\.cloud\.ovh\.(net|us)",
        Checksums.WHEN_REQUIRED,
        conditional=True,
        sources=(
            "checksums: rejected CRC32 until fixed, ovh/public-cloud-roadmap #781 (closed), #1173",
            "conditional writes: everywhere since 2026-06-09, ovh/ovhcloud-docs #28; of versioned"
            " buckets nothing is said",
            "keys: user policies, no bucket policies; the bucket's owner is held by nothing that"
            " is not forbidden, ovh/docs, Identity and access management (2025-09-25)",
            "minimum: 30 days only in the class Infrequent Access, which is not used here",
        ),
    ),
    Profile.WASABI: ProviderProfile(
        "Wasabi",
        r"s3([.-][a-z0-9-]+)?\.wasabisys\.com",
        Checksums.WHEN_REQUIRED,
        minimum_days=90,
        sources=(
            "minimum: 90 days (pay as you go), Wasabi pricing FAQ",
            "lock: docs.wasabi.com/apidocs/object-lock-with-the-wasabi-s3-api (2026-02)",
            "checksums, conditional writes: nothing found that confirms them (2026-11), so no"
            " checksum is sent and the self-test decides",
            "endpoints: docs.wasabi.com/docs/service-urls-for-wasabis-storage-regions (2026-03)",
            "keys: IAM as at AWS, docs.wasabi.com/apidocs/iam-and-sts-support (2025-08)",
        ),
    ),
    Profile.BACKBLAZE: ProviderProfile(
        "Backblaze B2",
        r"s3\.[a-z0-9-]+\.backblazeb2\.com",
        Checksums.WHEN_REQUIRED,
        conditional=False,
        conditional_in_versioned=False,
        server_key_hides=True,
        sources=(
            "checksums: InvalidArgument x-amz-sdk-checksum-algorithm, boto/s3transfer #327 (2025);"
            " us-east-005 takes CRC32, sathinduga/obsidian-s3-sync-and-backup #84 (2026-07)",
            "conditional writes: NotImplemented for both headers, the same project's #78 (2026-07)",
            "hiding: deleting by name needs writeFiles alone, a version needs deleteFiles,"
            " backblaze.com/docs/cloud-storage-s3-compatible-app-keys",
        ),
    ),
    Profile.SCALEWAY: ProviderProfile(
        "Scaleway Object Storage",
        r"s3\.[a-z]+-[a-z]+\.scw\.cloud",
        Checksums.WHEN_REQUIRED,
        conditional=True,
        sources=(
            "conditional writes: scaleway.com/en/docs/object-storage/api-cli/"
            "using-conditional-writes (2026-07-03); of versioned buckets nothing is said",
            "keys: bucket policies 2023-04-17, only what is allowed counts,"
            " scaleway.com/en/docs/object-storage/api-cli/bucket-policy (2025-07-30)",
            "lock: scaleway.com/en/docs/object-storage/api-cli/object-lock: only at creation,"
            " GOVERNANCE and COMPLIANCE, versioning cannot be disabled",
            "path style: scaleway.com/en/docs/object-storage/concepts: both forms",
        ),
    ),
    Profile.CEPH: ProviderProfile(
        "Ceph RGW",
        "",
        Checksums.WHEN_REQUIRED,
        conditional=True,
        conditional_in_versioned=False,
        sources=(
            "conditional writes: measured on 16.2: If-None-Match passes in a versioned bucket",
            "locks: measured on 16.2: lengthening by policy for one key, shortening for none",
            "keys: measured on 16.2: who wrote an object may do with it what nobody forbids",
        ),
    ),
    Profile.HETZNER: ProviderProfile(
        "Hetzner Object Storage",
        r"(fsn1|nbg1|hel1)\.your-objectstorage\.com",
        Checksums.WHEN_REQUIRED,
        confines_keys=False,
        sources=(
            "keys: each may do everything in all buckets of its project, docs.hetzner.com/storage/"
            "object-storage/faq/buckets-objects (2024-12)",
            "checksums, conditional writes: nothing found that confirms them (2026-11)",
        ),
    ),
}
