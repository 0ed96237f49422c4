"""Ask a monitor's web API, for reading only: one time limit, few retries, one tree of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from ssl import SSLContext
from time import monotonic, sleep
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.notify.time_limit import within

ATTEMPTS = 3
PAUSE = 0.2
"""Seconds before a further attempt, unless the service says how long to wait."""
LARGEST = 8 * 1024**2
"""Bytes of one answer; a thousand monitors are about 2 MB."""
_NETWORK = "check the network and the service's status page"
_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Service:
    """What the errors of one service say.

    Attributes:
        name: What people call it.
        right: The kind of token that may read, as the service's own page names it.
        page: Our page about it.
    """

    name: str
    right: str
    page: str


@dataclass
class ReadApi:
    """One question of several requests; all of them together end within `seconds`.

    The time counts from when this is made. Redirects are not followed: the token would go along.
    """

    service: Service
    url: str
    token: SecretStr
    seconds: float
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = monotonic() + self.seconds

    def get(self, path: str, **query: str | int) -> Mapping[str, Any]:
        """Return the JSON object at a path below the API's URL.

        Raises:
            ConfigurationError: The API's URL is none, or would show the token on the way.
            AuthenticationFailed: The token is refused (401).
            PermissionDenied: The token lacks the right to read (403).
            NotFound: The service knows no such path (404).
            RateLimited: Too many requests, and the wait asked for does not fit in the time left.
            Unavailable: The service cannot serve now (5xx), however often it was asked.
            Unreachable: No connection, or no answer in time.
            ProviderError: Anything else, such as an answer that is no JSON object.
        """
        self._check_url()
        for attempt in range(1, ATTEMPTS + 1):
            status, headers, body = self._once(path, query)
            wait = _wait(status, headers)
            if wait is None or attempt == ATTEMPTS or wait >= self._left():
                break
            sleep(wait)
        return self._understood(path, status, headers, body)

    def _once(
        self, path: str, query: Mapping[str, str | int]
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {
            "Authorization": f"Bearer {self.token.get_secret_value()}",
            "Accept": "application/json",
            "User-Agent": "continuity",
        }
        url = f"{self.url.rstrip('/')}/{path.lstrip('/')}"
        left = max(self._left(), 0.01)

        def ask() -> tuple[int, Mapping[str, str], bytes]:
            with (
                httpx.Client(headers=headers, timeout=left, verify=_authorities()) as client,
                client.stream("GET", url, params=dict(query)) as answer,
            ):
                return answer.status_code, answer.headers, self._body(answer)

        try:
            # Looking up a name knows no timeout.
            return within(left, self.service.name, ask)
        except (Unreachable, httpx.TimeoutException) as error:
            raise Unreachable(self.service.name, self._too_late, _NETWORK) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            cause = f"cannot be reached ({type(error).__name__})"
            raise Unreachable(self.service.name, cause, _NETWORK) from error

    def _body(self, answer: httpx.Response) -> bytes:
        """Read an answer that may come a byte now and then: no timeout of a socket ends that."""
        body = bytearray()
        for part in answer.iter_bytes():
            body += part
            if len(body) > LARGEST:
                cause = f"answers with more than {LARGEST} bytes"
                raise ProviderError(self.service.name, cause, f"compare api_url with {self._page}")
            if self._left() <= 0:
                raise Unreachable(self.service.name, self._too_late, _NETWORK)
        return bytes(body)

    def _understood(
        self, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, Any]:
        if status != httpx.codes.OK:
            self._refused(path, status, headers, body)
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._not_json(path, error)
        if not isinstance(found, Mapping):
            self._not_json(path, None)
        return found

    def _refused(self, path: str, status: int, headers: Mapping[str, str], body: bytes) -> NoReturn:
        name, page, said = self.service.name, self._page, self._said(body)
        if status == httpx.codes.UNAUTHORIZED:
            cause = f"refuses the token{said}"
            raise AuthenticationFailed(name, cause, f"make a new one ({page}), then apply the file")
        if status == httpx.codes.FORBIDDEN:
            cause = f"does not let this token read /{path.lstrip('/')}{said}"
            raise PermissionDenied(name, cause, f"use a token of the kind {self.service.right}")
        if status == httpx.codes.NOT_FOUND:
            cause = f"knows no /{path.lstrip('/')}{said}"
            raise NotFound(name, cause, f"compare api_url with {page}")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            asked = headers.get("Retry-After", "")
            wait = f", to wait {asked} s" if asked.isdigit() else ""
            hint = "see what else uses the account's API"
            raise RateLimited(name, f"asks for fewer requests{wait}{said}", hint)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unavailable(name, f"answered HTTP {status}{said}", "look at its status page")
        raise ProviderError(name, f"answered HTTP {status}{said}", f"compare api_url with {page}")

    def _said(self, body: bytes) -> str:
        """Return the service's own words: `message`, or `error.errormessage`; "" without."""
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return ""
        told = told if isinstance(told, Mapping) else {}
        inner = told.get("error")
        text = inner.get("errormessage") if isinstance(inner, Mapping) else told.get("message")
        words = "; ".join(map(str, text)) if isinstance(text, list) else str(text or "")
        words = " ".join(words.replace(self.token.get_secret_value(), "…").split())
        return f": {words[:200]}" if words else ""

    def _not_json(self, path: str, error: Exception | None) -> NoReturn:
        cause = f"answers /{path.lstrip('/')} with something that is no JSON object"
        raise ProviderError(
            self.service.name, cause, f"compare api_url with {self._page}"
        ) from error

    def _check_url(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and parts.hostname not in _LOCAL:
            cause = "its api_url is not https: the token would be seen on the way"
            raise ConfigurationError(self.service.name, cause, f"take the one of {self._page}")

    def _left(self) -> float:
        return self._until - monotonic()

    @property
    def _too_late(self) -> str:
        return f"did not answer within {self.seconds:g} s"

    @property
    def _page(self) -> str:
        return self.service.page


@cache
def _authorities() -> SSLContext:
    """Return httpx's own authorities: reading them takes 30 ms, and each request needs them."""
    return httpx.create_ssl_context()


def _wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds before a further attempt, None if there is to be none."""
    if status != httpx.codes.TOO_MANY_REQUESTS and status < httpx.codes.INTERNAL_SERVER_ERROR:
        return None
    asked = headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else PAUSE
