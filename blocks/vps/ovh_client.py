"""OVH's own client for one Public Cloud project, with a timeout and our errors.

Shapes were read in ovh 1.2 (`Client.call` for the errors). OVH does not document what an order
says that meets a quota or no stock: the words are those of OpenStack's compute API behind it.
"""

from __future__ import annotations

import re
from typing import Any

from ovh.client import Client
from ovh.exceptions import (
    APIError,
    BadParametersError,
    HTTPError,
    InvalidCredential,
    InvalidKey,
    InvalidResponse,
    NotCredential,
    ResourceConflictError,
    ResourceNotFoundError,
)

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    OutOfStock,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
)

ANY_ENDPOINT = "ovh-eu"
"""The library takes names only; an address replaces this one's."""
KEY_ERRORS = (InvalidKey, InvalidCredential, NotCredential)
_SPENT = re.compile(r"quota", re.IGNORECASE)
_SOLD_OUT = re.compile(
    r"no valid host|out of stock|(flavou?r|capacity).*(not|un)\s?available|insufficient capacity",
    re.IGNORECASE,
)
_LATER = "run it again; is OVH's status page (public-cloud.status-ovhcloud.com) green?"


class OvhClient(Client):  # type: ignore[misc]  # the library has no types
    """A client for one project; `endpoint` is a name of the library's, or an address (tests)."""

    def __init__(
        self, project: str, endpoint: str, keys: tuple[str, ...], *, subject: str, timeout: float
    ) -> None:
        is_address = "://" in endpoint
        super().__init__(ANY_ENDPOINT if is_address else endpoint, *keys, timeout=timeout)
        if is_address:
            self._endpoint = endpoint.rstrip("/")
        self.root = f"/cloud/project/{project}"
        self.subject = subject

    def call(self, method: str, path: str, data: object = None, need_auth: bool = True) -> Any:  # noqa: ANN401 - JSON
        """Ask once. Raises errors of our tree; a missing right is named as OVH's rules are."""
        try:
            return super().call(method, path, data, need_auth)
        except APIError as error:
            raise self._translated(method, path.partition("?")[0], error) from error

    def _translated(self, method: str, path: str, error: APIError) -> ContinuityError:
        status = 0 if error.response is None else error.response.status_code
        said = str(error.args[0]) if error.args and error.response is not None else ""
        if isinstance(error, HTTPError):
            cause = f"gave no answer to {method} {path} ({type(error.args[-1]).__name__})"
            return Unreachable(self.subject, cause, f"curl {self._endpoint}/auth/time")
        if isinstance(error, KEY_ERRORS) or "signature" in said.lower():
            # Some of the library's own texts hold the key.
            cause = f"the key was refused: {said or 'one of its three parts is empty'}"
            hint = "compare application key, secret and consumer key; the last may have ended"
            return AuthenticationFailed(self.subject, cause, hint)
        is_order = (method, path) == ("POST", f"{self.root}/instance")
        no_room = self._no_room(status, said) if is_order else None
        return no_room or self._refused(method, path, status, said, error)

    def _no_room(self, status: int, said: str) -> ContinuityError | None:
        """Return the error of an order that was clearly refused for want of room."""
        if _SPENT.search(said):
            hint = "ask OVH for a higher quota: Public Cloud, Quota and Regions, in the manager"
            return OutOfStock(self.subject, f"the project's quota is used up: {said}", hint)
        if _SOLD_OUT.search(said) or status in (409, 412):
            hint = "name another size or region as the next target"
            return OutOfStock(self.subject, f"cannot be had now: {said}", hint)
        return None

    def rule(self, method: str, path: str) -> str:
        """Name the rule that grants a call, as the page where keys are made takes it."""
        inside = path.removeprefix(f"{self.root}/instance/")
        if inside == path:
            return f"{method} {path}"
        _, slash, act = inside.partition("/")
        return f"{method} {self.root}/instance/*{slash}{act}"

    def _refused(
        self, method: str, path: str, status: int, said: str, error: APIError
    ) -> ContinuityError:
        kind: type[ContinuityError] = ProviderError
        hint = "look at the project in OVH's manager"
        if status == 429:
            kind, hint = RateLimited, "wait a minute, then run it again"
        elif status >= 500 or isinstance(error, InvalidResponse):
            kind, hint = Unavailable, _LATER
        elif status == 403:
            said = f"the consumer key may not {self.rule(method, path)}: {said}"
            kind, hint = PermissionDenied, "make the keys anew with this rule"
        elif isinstance(error, ResourceNotFoundError):
            kind, hint = NotFound, "compare the project's id with OVH's manager"
        elif isinstance(error, ResourceConflictError):
            kind, hint = Unavailable, "wait until its state has changed, then run it again"
        elif isinstance(error, BadParametersError):
            kind, hint = ConfigurationError, "correct the provider or target in the estate file"
        return kind(self.subject, f"refused {method} {path}: {said or 'no JSON'}", hint)
