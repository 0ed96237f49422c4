"""Scaleway's client with what it lacks: a limit of time for each call, and our errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from requests import RequestException, Response, request
from scaleway import Client, ScalewayException
from scaleway.block.v1 import BlockV1API
from scaleway.iam.v1alpha1 import IamV1Alpha1API
from scaleway.instance.v1.custom_api import InstanceUtilsV1API
from scaleway.product_catalog.v2alpha1 import ProductCatalogV2Alpha1PublicCatalogAPI

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    OutOfStock,
    PermissionDenied,
    ProviderError,
    Unavailable,
    Unreachable,
)
from blocks.vps.answers import UNREADABLE, kind_of

_KINDS: dict[str, tuple[type[ContinuityError], str]] = {
    "denied_authentication": (AuthenticationFailed, "make a new API key: IAM, API keys"),
    "permissions_denied": (PermissionDenied, "add the permission set to the application's policy"),
    "not_found": (NotFound, "look at the project in the Scaleway console"),
    "unknown_resource": (NotFound, "look at the project in the Scaleway console"),
    "out_of_stock": (OutOfStock, "name another size or zone as the next target"),
    "quotas_exceeded": (OutOfStock, "ask Scaleway for a higher quota: Organization, Quotas"),
    "resource_exhausted": (OutOfStock, "name another size or zone as the next target"),
    "invalid_arguments": (ConfigurationError, "correct the provider or target in the estate file"),
    "invalid_request_error": (ConfigurationError, "correct it in the estate file"),
    "transient_state": (Unavailable, "run it again when its running action is over"),
    "precondition_failed": (Unavailable, "run it again when its running action is over"),
    "resource_still_in_use": (Unavailable, "run it again in a moment"),
}
"""Values of `type` in the body of an error (developers' documentation, "API errors")."""


@dataclass(frozen=True)
class Scaleway:
    """The APIs that machines need."""

    instance: InstanceUtilsV1API
    block: BlockV1API
    iam: IamV1Alpha1API
    catalog: ProductCatalogV2Alpha1PublicCatalogAPI


def connect(fields: Mapping[str, str], timeout: float) -> Scaleway:
    """Return the APIs; `fields` are those of the vendor's client."""
    client = Client(**fields)

    def timed(kind: Callable[[Client], Any]) -> Any:  # noqa: ANN401 - one of the vendor's APIs
        api = kind(client)
        api._request = _Timed(client, timeout)
        return api

    return Scaleway(
        timed(InstanceUtilsV1API),
        timed(BlockV1API),
        timed(IamV1Alpha1API),
        timed(ProductCatalogV2Alpha1PublicCatalogAPI),
    )


@dataclass(frozen=True)
class _Timed:
    """What the vendor's `API._request` does, with a limit of time; it has none in 2.12."""

    client: Client
    timeout: float

    def __call__(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Response:
        pairs = [
            (name, each)
            for name, value in (params or {}).items()
            if value is not None
            for each in (value if isinstance(value, list) else [value])
        ]
        answer = request(
            method,
            f"{self.client.api_url}{path}",
            params=pairs,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json; charset=utf-8",
                "X-Auth-Token": self.client.secret_key or "",
                **(headers or {}),
            },
            data=body if isinstance(body, bytes) else json.dumps(body or {}),
            timeout=self.timeout,
        )
        if total := answer.headers.get("x-total-count"):
            answer._content = json.dumps(answer.json() | {"total_count": int(total)}).encode()
        return answer


@contextmanager
def translated(subject: str, doing: str) -> Iterator[None]:
    """Raise our errors for the vendor's; `doing` says what was asked for."""
    try:
        yield
    except ScalewayException as error:
        raise _error(error.response, subject, doing) from error
    except RequestException as error:
        raise Unreachable(
            subject,
            f"gave no answer when asked to {doing} ({type(error).__name__})",
            "try again; is Scaleway's status page green?",
        ) from error
    except UNREADABLE as error:
        raise ProviderError(
            subject,
            f"gave an answer that cannot be read when asked to {doing}: "
            f"{type(error).__name__}: {error}",
            "has the provider changed its API? update its client, then run the contract tests",
        ) from error


def _error(response: Response, subject: str, doing: str) -> ContinuityError:
    try:
        body = dict(response.json())
    except ValueError:
        body = {}
    name = str(body.get("type", ""))
    kind, hint = _KINDS.get(name, (kind_of(response.status_code), "look at the Scaleway console"))
    said = body.get("message") or body.get("reason") or body.get("resource") or ""
    details = [
        " ".join(str(part) for part in each.values())
        for each in body.get("details") or []
        if isinstance(each, dict)
    ]
    cause = f"refused to {doing}: {name or response.status_code} {said} {', '.join(details)}"
    return kind(subject, cause.strip(), hint)
