"""AWS clients that answer or fail within a time, and what their errors mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from blocks.errors import (
    AlreadyExists,
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    DeadlineExceeded,
    NotFound,
    OutOfStock,
    PermissionDenied,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.vps.answers import kind_of

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

_ONE_AT_A_TIME = Lock()
"""A session makes one client at a time; the clients themselves serve any thread."""
ALLOWED = "DryRunOperation"
"""What a rehearsal (`DryRun`) answers when the call itself would have been allowed."""
_KEY = "make a new access key for the IAM user, and put it into the estate file's provider"
_RIGHT = "add the action to the IAM user's policy, and try again after a minute"
_QUOTA = "ask AWS for a higher quota: Service Quotas, EC2; or name another size or region"
_ELSEWHERE = "name another size or region as the server's next target"
_LATER = "run it again; is AWS's status page green?"
_FILE = "correct the provider or target in the estate file"
_KINDS: tuple[tuple[str, type[ContinuityError], str], ...] = (
    (
        r"AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClientException"
        r"|ExpiredToken(Exception)?|IncompleteSignature|MissingAuthenticationToken",
        AuthenticationFailed,
        _KEY,
    ),
    (r"RequestExpired", AuthenticationFailed, "set this machine's clock: timedatectl"),
    (r"UnauthorizedOperation|AccessDenied(Exception)?", PermissionDenied, _RIGHT),
    (
        r"OptInRequired|PendingVerification|Blocked",
        PermissionDenied,
        "look at the account in the AWS console: it, or the region, is not activated",
    ),
    (
        r"Insufficient(Instance|Host|Reserved\w*)?Capacity|InsufficientFreeAddressesInSubnet"
        r"|Unsupported",
        OutOfStock,
        _ELSEWHERE,
    ),
    (r"VcpuLimitExceeded|InstanceLimitExceeded|VolumeLimitExceeded", OutOfStock, _QUOTA),
    (r"InvalidInstanceID\.\w+", NotFound, "look at the instances in the AWS console"),
    (
        r"Invalid(Group|AMIID|SubnetID|VpcID|SecurityGroupID)\.\w+|InvalidParameter\w*"
        r"|InvalidBlockDeviceMapping|MissingParameter|MissingInput|VPCIdNotSpecified",
        ConfigurationError,
        _FILE,
    ),
    (
        r"Idempotent\w+",
        AlreadyExists,
        "run it again: what has this name is looked for first",
    ),
    (
        r"Incorrect(Instance)?State",
        Unavailable,
        "wait until the instance has changed its state, then run it again",
    ),
    (
        r"RequestLimitExceeded|Throttling\w*|RequestThrottled\w*|TooManyRequests\w*",
        RateLimited,
        "wait a minute, then run it again",
    ),
    (
        r"Internal\w*|ServiceUnavailable|Unavailable|Server\.\w+",
        Unavailable,
        _LATER,
    ),
)
"""Error codes (EC2's API reference, "Error codes"; the others' "Common errors")."""


@lru_cache(maxsize=16)
def client(
    service: str, region: str, access_key: str, secret_key: SecretStr, url: str, seconds: float
) -> Any:  # noqa: ANN401 - each service's client is a class of its own
    """Return the client of a service; equal arguments get the same one."""
    from botocore.config import Config  # noqa: PLC0415 - each flow run loads all blocks

    config = Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        # Sold out is a 500 here: it would be ordered five times, with waits between.
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    with _ONE_AT_A_TIME:
        return _session().client(
            service,  # type: ignore[call-overload]
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key.get_secret_value(),
            endpoint_url=url or None,
            config=config,
        )


@cache
def _session() -> Session:
    """Return the session that keeps the services' descriptions, which take 0.2 s to read."""
    from boto3.session import Session  # noqa: PLC0415 - each flow run loads all blocks

    return Session()


@contextmanager
def translated(subject: str, doing: str) -> Iterator[None]:
    """Raise errors of our tree; a rehearsal that was allowed ends quietly."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != ALLOWED:
            raise _refusal(error, subject, doing) from error
    except BotoCoreError as error:
        raise _failure(error, subject, doing) from error
    except ResponseParserError as error:
        # What stands in front of the API answers so when it is overloaded.
        raise Unavailable(subject, f"gave no XML when asked to {doing}", _LATER) from error


def _refusal(error: ClientError, subject: str, doing: str) -> ContinuityError:
    told = error.response.get("Error", {})
    code = str(told.get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind, hint = kind_of(status), "look at the AWS console"
    for pattern, meant, advice in _KINDS:
        if re.fullmatch(pattern, code):
            kind, hint = meant, advice
            break
    said = f"{told.get('Message', '')} ({code})"
    if kind is PermissionDenied:
        said = f"the right {_action(error)} is missing ({code})"
    return kind(subject, f"refused to {doing}: {_plain(said)}", hint)


def _action(error: ClientError) -> str:
    """Return the action that was not allowed, by the message or else by what was called."""
    found = re.search(
        r"not authorized to perform: ([\w-]+:\w+)",
        error.response.get("Error", {}).get("Message", ""),
    )
    return found[1] if found else error.operation_name


def _failure(error: BotoCoreError, subject: str, doing: str) -> ContinuityError:
    """Return the error for a call that got no answer, or was not even made."""
    from botocore import exceptions  # noqa: PLC0415 - as above

    what = f"when asked to {doing} ({type(error).__name__})"
    if isinstance(error, exceptions.ReadTimeoutError | exceptions.ConnectTimeoutError):
        return DeadlineExceeded(subject, f"gave no answer in time {what}", "try again")
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return Unreachable(
            subject, f"cannot be reached {what}", "does the region exist? is this machine online?"
        )
    return ConfigurationError(subject, f"cannot be asked {what}: {_plain(str(error))}", _FILE)


def _plain(text: str) -> str:
    return " ".join(text.split())[:300]
