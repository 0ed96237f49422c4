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
        conditional_in_versioned: Whether conditional writes hold in a versioned bucket; None if
            only the self-test can tell.
        server_key_hides: Whether a key that may add may hide objects too.
        sources: Where each of this is from.
    """

    title: str
    host: str
    checksums: Checksums
    path_style: bool = True
    minimum_days: int = 0
    conditional_in_versioned: bool | None = None
    server_key_hides: bool = False
    sources: tuple[str, ...] = ()


PROFILES = {
    Profile.AWS: ProviderProfile(
        "Amazon S3",
        r"s3[.-].*amazonaws\.com(\.cn)?",
        Checksums.WHEN_SUPPORTED,
        path_style=False,
        conditional_in_versioned=True,
        sources=(
            "checksums: default of boto3 since 1.36",
            "path style: deprecated for new buckets, AWS S3 user guide, VirtualHosting",
            "conditional writes: AWS S3 user guide, conditional-writes",
        ),
    ),
    Profile.OVH: ProviderProfile(
        "OVHcloud Object Storage",
        r"s3\.[a-z0-9-]+\.(io|perf)\.cloud\.ovh\.(net|us)",
        Checksums.WHEN_REQUIRED,
        sources=(
            "checksums: rejected CRC32 until fixed, ovh/public-cloud-roadmap #781 (closed), #1173",
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
            "checksums: not confirmed by the provider, so none is sent",
        ),
    ),
    Profile.BACKBLAZE: ProviderProfile(
        "Backblaze B2",
        r"s3\.[a-z0-9-]+\.backblazeb2\.com",
        Checksums.WHEN_REQUIRED,
        server_key_hides=True,
        sources=(
            "checksums: InvalidArgument x-amz-sdk-checksum-algorithm, boto/s3transfer #327 (2025)",
            "hiding: deleting by name needs writeFiles alone, a version needs deleteFiles,"
            " backblaze.com/docs/cloud-storage-s3-compatible-app-keys",
        ),
    ),
    Profile.SCALEWAY: ProviderProfile(
        "Scaleway Object Storage",
        r"s3\.[a-z]+-[a-z]+\.scw\.cloud",
        Checksums.WHEN_REQUIRED,
        sources=(
            "lock: scaleway.com/en/docs/object-storage/api-cli/object-lock: only at creation,"
            " GOVERNANCE and COMPLIANCE, versioning cannot be disabled",
            "path style: scaleway.com/en/docs/object-storage/concepts: both forms",
        ),
    ),
    Profile.CEPH: ProviderProfile(
        "Ceph RGW",
        "",
        Checksums.WHEN_REQUIRED,
        conditional_in_versioned=False,
        sources=(
            "conditional writes: measured on 16.2: If-None-Match passes in a versioned bucket",
            "locks: measured on 16.2: lengthening by policy for one key, shortening for none",
        ),
    ),
}
