"""Set up the lab's object storage: wait for it, make its users, the buckets and their rules."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from blocks.errors import DeadlineExceeded, ProviderError
from blocks.servers.ssh import SshServer
from deployments.lab import storage_rules as rules
from deployments.lab.config import Lab
from deployments.lab.storage_rules import BUCKET, OWNER, STATE_BUCKET, USERS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import BucketLifecycleConfigurationTypeDef

REGION = "us-east-1"
PORT = 7480

_START_SECONDS = 120
"""It takes 4 s after a proper stop, 17 s after a power cut; more on a busy machine."""
_COMMAND = timedelta(seconds=30)


def endpoint(lab: Lab) -> str:
    """Return the S3 endpoint's URL."""
    return f"http://{lab.storage}:{PORT}"


def configure(lab: Lab) -> None:
    """Wait for the gateway, then make the users, the buckets and their rules. Idempotent."""
    _wait_until_answering(lab)
    try:
        for user in (OWNER, *USERS):
            if not _known(lab, user):
                _make_user(lab, user)
        _make_buckets(client(lab, OWNER))
    except (BotoCoreError, ClientError) as error:
        raise ProviderError(
            f"buckets at {endpoint(lab)}",
            f"they could not be set up: {error}",
            "script/lab ssh storage journalctl -u storage-gateway",
        ) from error


def client(lab: Lab, user: str) -> S3Client:
    """Return an S3 client with one user's key."""
    # Its own session: the default one may not be used by two threads at once.
    return boto3.Session().client(
        "s3",
        endpoint_url=endpoint(lab),
        region_name=REGION,
        aws_access_key_id=lab.secret(f"s3-{user}-access-key"),
        aws_secret_access_key=lab.secret(f"s3-{user}-secret-key"),
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 2},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def machine(lab: Lab) -> SshServer:
    """Return the machine that the storage runs on."""
    return SshServer(
        address=lab.storage,
        private_key=SecretStr((lab.secrets / "ssh-key").read_text()),
        host_key=lab.secret("storage-host-key.pub"),
    )


def _wait_until_answering(lab: Lab) -> None:
    until = time.monotonic() + _START_SECONDS
    with httpx.Client(timeout=2, trust_env=False) as client:
        while not _answers(client, lab):
            if time.monotonic() > until:
                raise DeadlineExceeded(
                    f"object storage {endpoint(lab)}",
                    f"it does not answer after {_START_SECONDS} s",
                    "script/lab ssh storage journalctl -u 'storage-*'",
                )
            time.sleep(0.1)


def _answers(client: httpx.Client, lab: Lab) -> bool:
    try:
        return client.get(endpoint(lab)).status_code == 200
    except httpx.HTTPError:
        return False


def _known(lab: Lab, user: str) -> bool:
    try:
        client(lab, user).list_buckets()
    except ClientError:
        return False
    return True


def _make_user(lab: Lab, user: str) -> None:
    """Store a user with the lab's keys.

    As metadata on standard input: `radosgw-admin user create` wants the secret key in its argv.
    """
    keys = {
        "user": user,
        "access_key": lab.secret(f"s3-{user}-access-key"),
        "secret_key": lab.secret(f"s3-{user}-secret-key"),
    }
    data = {
        "user_id": user,
        "display_name": user,
        "email": "",
        "suspended": 0,
        "max_buckets": 1000,
        "subusers": [],
        "swift_keys": [],
        "caps": [],
        "op_mask": "read, write, delete",
        "keys": [keys],
        "temp_url_keys": [],
        "type": "rgw",
        "mfa_ids": [],
    }
    version = {"tag": "lab", "ver": 1}
    # The gateway refuses an entry without a time, and does nothing with it.
    entry = {"key": f"user:{user}", "ver": version, "mtime": "2026-01-01T00:00:00Z", "data": data}
    command = ("radosgw-admin", "metadata", "put", f"user:{user}")
    machine(lab).run(command, timeout=_COMMAND, stdin=json.dumps(entry).encode())


def _make_buckets(s3: S3Client) -> None:
    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    if STATE_BUCKET not in existing:
        s3.create_bucket(Bucket=STATE_BUCKET)
    if BUCKET not in existing:
        # Object lock can only be asked for now, and turns versioning on.
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    # Only what is missing: right after a power cut a change waits 30 s for the gateway of before.
    if _lock(s3) != rules.lock():
        s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=rules.lock())
    if _expiry(s3) != [rules.expiry()]:
        expiry: BucketLifecycleConfigurationTypeDef = {"Rules": [rules.expiry()]}
        s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=expiry)
    for bucket in (BUCKET, STATE_BUCKET):
        wanted = rules.policy(bucket)
        if _policy(s3, bucket) != wanted:
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(wanted))


def _lock(s3: S3Client) -> object:
    return s3.get_object_lock_configuration(Bucket=BUCKET)["ObjectLockConfiguration"]


def _expiry(s3: S3Client) -> object:
    with _nothing_yet("NoSuchLifecycleConfiguration"):
        return s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    return None


def _policy(s3: S3Client, bucket: str) -> object:
    with _nothing_yet("NoSuchBucketPolicy"):
        return json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    return None


@contextmanager
def _nothing_yet(code: str) -> Iterator[None]:
    """Let the one error pass that says that there is nothing yet."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
