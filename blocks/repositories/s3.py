"""Small objects in an S3 bucket, through prefect-aws."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field, SecretStr

from blocks.errors import AlreadyExists, ConfigurationError, NotFound, Unreachable
from blocks.repositories.base import ObjectStore
from blocks.repositories.profiles import PROFILES, Checksums, Profile
from blocks.repositories.s3_errors import translate, was_retried
from blocks.types import StoreAddress, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from prefect_aws import AwsCredentials

_PIECE = 1024 * 1024


class S3ObjectStore(ObjectStore):
    """A bucket at any provider that speaks S3, with one key.

    Example:
        ```python
        from blocks.repositories.s3 import S3ObjectStore

        store = S3ObjectStore.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "S3 object store"
    _block_type_slug = "s3-object-store"
    _description = "A bucket at any provider that speaks S3, with one key."

    endpoint: str = Field(
        default="",
        title="Endpoint",
        description="URL of the S3 service, such as https://s3.example.net; empty for AWS.",
    )
    region: str = Field(
        default="us-east-1", title="Region", description="Region of the bucket, part of signatures."
    )
    bucket: str = Field(title="Bucket", description="Name of the bucket; it must exist.")
    prefix: str = Field(
        default="",
        title="Prefix",
        description="Folder in the bucket that holds everything of ours.",
    )
    access_key: str = Field(
        title="Access key", description="Id of the worker's key: reads, adds and deletes."
    )
    secret_key: SecretStr = Field(title="Secret key", description="Secret of the worker's key.")
    path_style: bool = Field(
        default=True,
        title="Path style",
        description="Whether the bucket is named in the path (most providers) or the host (AWS).",
    )
    ca_file: str = Field(
        default="",
        title="CA file",
        description="PEM file of the authority behind the endpoint's certificate; may be empty.",
    )
    connect_timeout_seconds: float = Field(
        default=5, gt=0, title="Connect timeout", description="Seconds to wait for a connection."
    )
    read_timeout_seconds: float = Field(
        default=30, gt=0, title="Read timeout", description="Seconds to wait for the next bytes."
    )
    attempts: int = Field(
        default=3, ge=1, le=10, title="Attempts", description="How often one call is tried in all."
    )
    profile: Profile | None = Field(
        default=None,
        title="Profile",
        description="The provider, for what it does differently; may be left out.",
    )

    # --- the contract ---

    def get(self, key: str) -> bytes:
        with self.border(key) as client:
            return client.get_object(Bucket=self.bucket, Key=self.path(key))["Body"].read()

    def stream(self, key: str) -> Iterator[bytes]:
        with self.border(key) as client:
            body = client.get_object(Bucket=self.bucket, Key=self.path(key))["Body"]
            with body:
                yield from body.iter_chunks(_PIECE)

    def put(self, key: str, content: bytes) -> str:
        return self._put(key, content)

    def has_conditions(self) -> bool:
        return self.profile is None or PROFILES[self.profile].conditional is not False

    def put_if_absent(self, key: str, content: bytes) -> str:
        if not self.has_conditions():
            return self._look_and_put(key, content, "")
        return self._put(key, content, IfNoneMatch="*")

    def put_if_match(self, key: str, content: bytes, etag: str) -> str:
        if not self.has_conditions():
            return self._look_and_put(key, content, etag)
        try:
            # Ceph compares with the bare value; AWS takes it with or without its quotes.
            return self._put(key, content, IfMatch=etag.strip('"'))
        except NotFound as gone:
            self.list(key)  # a missing bucket stays NotFound
            raise AlreadyExists(
                gone.subject, "it was removed in the meantime", "read it again, then decide anew"
            ) from gone

    def etag(self, key: str) -> str:
        # A HEAD has no body, so it cannot tell a missing bucket from a missing object.
        with self.border(key) as client:
            found = client.list_objects_v2(Bucket=self.bucket, Prefix=self.path(key), MaxKeys=1)
        for item in found.get("Contents", []):
            if item["Key"] == self.path(key):
                return item["ETag"]
        raise NotFound(self.subject(key), "does not exist", "list the bucket")

    def list(self, prefix: str, after: str = "") -> tuple[StoredObject, ...]:
        with self.border(f"{prefix}*") as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket,
                Prefix=self.path(prefix),
                StartAfter=self.path(after) if after else "",
            )
            found = [item for page in pages for item in page.get("Contents", [])]
        start = len(self.path(""))
        objects = (
            StoredObject(item["Key"][start:], item["Size"], item["ETag"], item["LastModified"])
            for item in found
        )
        # Not every provider heeds `StartAfter`: rclone's server gives all keys.
        return tuple(sorted((o for o in objects if o.key > after), key=lambda item: item.key))

    def remove(self, key: str) -> None:
        with self.border(key) as client:
            client.delete_object(Bucket=self.bucket, Key=self.path(key))

    def links(self, keys: Sequence[str], lifetime: timedelta) -> tuple[str, ...]:
        """Return URLs with which anybody may read these objects until the lifetime is over."""
        seconds = round(lifetime.total_seconds())
        with self.border("links") as client:
            return tuple(
                client.generate_presigned_url(
                    "get_object",
                    Params={"Bucket": self.bucket, "Key": self.path(key)},
                    ExpiresIn=seconds,
                )
                for key in keys
            )

    def checksums(self) -> Checksums:
        """Return when checksums of AWS's own kind are sent: as the provider bears them."""
        if self.profile:
            return PROFILES[self.profile].checksums
        return Checksums.WHEN_REQUIRED if self.endpoint else Checksums.WHEN_SUPPORTED

    # --- names ---

    def service(self) -> str:
        """Return the URL of the S3 service, without a slash at its end."""
        return self.endpoint.rstrip("/") or f"https://s3.{self.region}.amazonaws.com"

    def place(self) -> str:
        """Name the folder that the keys lie in, whatever the way to reach it."""
        return f"{self.service()}/{self.bucket}/{self.path('')}".rstrip("/")

    def address(self) -> StoreAddress:
        """Return where it lies, for a person who has to type it by hand."""
        return StoreAddress(
            endpoint=self.service(),
            region=self.region,
            bucket=self.bucket,
            prefix=self.path("").strip("/"),
            access_key=self.access_key,
            path_style=self.path_style,
        )

    def with_key(self, access_key: str, secret_key: SecretStr) -> S3ObjectStore:
        """Return the same place, reached with another key; with its own if there is no other."""
        if not access_key:
            return self
        return self.model_copy(update={"access_key": access_key, "secret_key": secret_key})

    def url(self) -> str:
        """Return the bucket's own URL, without a slash at its end."""
        base = self.service()
        scheme, _, host = base.partition("://")
        return f"{base}/{self.bucket}" if self.path_style else f"{scheme}://{self.bucket}.{host}"

    def path(self, key: str) -> str:
        """Return the full key in the bucket."""
        folder = self.prefix.strip("/")
        return f"{folder}/{key}" if folder else key

    def subject(self, key: str) -> str:
        """Name an object for people."""
        return f"object {self.path(key)} in bucket {self.bucket}"

    # --- the wire ---

    def _put(self, key: str, content: bytes, **condition: Any) -> str:  # noqa: ANN401
        with self.border(key) as client:
            try:
                answer = client.put_object(
                    Bucket=self.bucket, Key=self.path(key), Body=content, **condition
                )
            except ClientError as error:
                # A write whose answer was lost is sent again by boto, and then meets itself.
                if was_retried(error) and isinstance(translate(error, key), AlreadyExists):
                    return self._already_ours(key, content, error)
                raise
        return answer["ETag"]

    def _look_and_put(self, key: str, content: bytes, etag: str) -> str:
        found = self.list(key)
        there = next((each.etag for each in found if each.key == key), "")
        if there.strip('"') != etag.strip('"'):
            raise AlreadyExists(
                self.subject(key), "somebody else wrote it", "read the object again, then decide"
            )
        return self.put(key, content)

    def _already_ours(self, key: str, content: bytes, error: ClientError) -> str:
        etag = self.etag(key)
        if self.get(key) != content:
            raise error
        return etag

    @contextmanager
    def border(self, key: str) -> Iterator[S3Client]:
        """Give the client for calls on one object; what it raises becomes an error of ours."""
        try:
            yield self._client()
        except (BotoCoreError, ClientError) as error:
            raise translate(error, self.subject(key)) from error

    def _client(self) -> S3Client:
        if self.ca_file and not Path(self.ca_file).is_file():
            raise ConfigurationError(
                f"CA file {self.ca_file}", "does not exist", "correct `ca_file` in the block"
            )
        # prefect-aws keeps one client for equal credentials, whatever block instance asks.
        return self._credentials().get_s3_client()

    def _credentials(self) -> AwsCredentials:
        # Takes half a second to import, with workers for Amazon's containers and aiohttp.
        from prefect_aws import AwsClientParameters, AwsCredentials  # noqa: PLC0415

        config: dict[str, Any] = {
            "s3": {"addressing_style": "path" if self.path_style else "virtual"},
            # In us-east-1 links are signed the old way otherwise, which not every provider knows.
            "signature_version": "s3v4",
            "connect_timeout": self.connect_timeout_seconds,
            "read_timeout": self.read_timeout_seconds,
            "retries": {"mode": "standard", "total_max_attempts": self.attempts},
            "max_pool_connections": 16,
        }
        if self.checksums() is Checksums.WHEN_REQUIRED:
            # Other providers refuse the checksum headers that AWS's own library adds.
            config["request_checksum_calculation"] = "when_required"
            config["response_checksum_validation"] = "when_required"
        return AwsCredentials(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            aws_client_parameters=AwsClientParameters(
                endpoint_url=self.endpoint or None,
                verify_cert_path=Path(self.ca_file) if self.ca_file else None,
                config=config,
            ),
        )


def addresses_of(host: str) -> tuple[str, ...]:
    """Return a service's IPv4 addresses. Raises `Unreachable` if its name cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Unreachable(
            f"object store {host}",
            f"its name cannot be resolved ({error.strerror})",
            f"ask the resolver: getent ahostsv4 {host}; or correct the endpoint",
        ) from error
    return tuple(sorted({str(each[4][0]) for each in found}))
