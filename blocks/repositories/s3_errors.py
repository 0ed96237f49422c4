"""What botocore's exceptions mean. Pure; the only place that reads S3's error codes."""

from __future__ import annotations

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as ConnectionFailed,
)

from blocks.errors import (
    AlreadyExists,
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    ProviderError,
    Unavailable,
    Unreachable,
    Unsupported,
)

_CODES: dict[str, tuple[type[ContinuityError], str]] = {
    "NoSuchBucket": (NotFound, "create the bucket, or correct `bucket` in the repository's block"),
    "NoSuchKey": (NotFound, "list the bucket; an older version may still be there"),
    "SignatureDoesNotMatch": (
        AuthenticationFailed,
        "correct `secret_key` in the repository's block; check this machine's clock",
    ),
    "InvalidAccessKeyId": (AuthenticationFailed, "correct `access_key` in the repository's block"),
    "RequestTimeTooSkewed": (AuthenticationFailed, "set this machine's clock: timedatectl"),
    "AccessDenied": (PermissionDenied, "give this key the right in the bucket's policy"),
    "PreconditionFailed": (AlreadyExists, "read the object again, then decide anew"),
    "ConditionalRequestConflict": (AlreadyExists, "read the object again, then decide anew"),
    "SlowDown": (Unavailable, "wait a minute; if it stays so, ask the provider for its limits"),
    "RequestTimeout": (DeadlineExceeded, "look at the provider's status page; run again"),
    "NotImplemented": (Unsupported, "ask the provider whether it keeps versions and locks"),
    "InvalidBucketName": (ConfigurationError, "correct `bucket` in the repository's block"),
}
_STATUSES = {
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
}
"""For answers without a body, or with a code of the vendor's own."""


def translate(error: BotoCoreError | ClientError, subject: str) -> ContinuityError:
    """Return the error of our tree that this exception means."""
    if isinstance(error, ClientError):
        return _answered(error, subject)
    if isinstance(error, ReadTimeoutError):
        return DeadlineExceeded(
            subject,
            "the store accepted the request but did not answer in time",
            "look at the provider's status page and at this machine's network; run again",
        )
    if isinstance(error, ConnectionFailed | HTTPClientError):
        return Unreachable(subject, _plain(error), "check `endpoint`, the network and the firewall")
    if isinstance(error, ResponseStreamingError | IncompleteReadError):
        return Unreachable(subject, "the connection died while reading", "run again")
    return ConfigurationError(
        subject, _plain(error), "correct the fields of the repository's block"
    )


def _answered(error: ClientError, subject: str) -> ContinuityError:
    answer = error.response.get("Error", {})
    code, status = answer.get("Code", ""), _status(error)
    known = _CODES.get(code) or _CODES.get(_STATUSES.get(status, ""))
    said = f"{code} (HTTP {status}): {answer.get('Message') or 'no message'}"
    if known is not None:
        kind, hint = known
        return kind(subject, said, hint)
    if status >= 500:
        return Unavailable(subject, said, "look at the provider's status page; run again later")
    return ProviderError(subject, said, "look the code up in the provider's S3 documentation")


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def was_retried(error: ClientError) -> bool:
    """Return whether an earlier attempt of the same request may already have worked."""
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


def _plain(error: Exception) -> str:
    """Return one line; of addresses without what was asked for."""
    return re.sub(r"""\?[^"'\s]*=[^"'\s]*""", "", " ".join(str(error).split()))[:300]
