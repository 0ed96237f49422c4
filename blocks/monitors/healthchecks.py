"""A dead-man's switch that is told over HTTP, as healthchecks.io and its like have it."""

from __future__ import annotations

from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from pydantic import Field, SecretStr

from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    NotFound,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.monitors.base import Heartbeat
from blocks.notify.time_limit import within

LONGEST = 10_000
"""Characters of a text; healthchecks.io keeps 100 kB, others less."""


class HealthchecksHeartbeat(Heartbeat):
    """A check of healthchecks.io, or of a service that takes its pings.

    The URL lets anybody send signals, so it is a secret. Nothing here writes it anywhere: an HTTP
    client with logs of its own would.

    Example:
        ```python
        from blocks.monitors.healthchecks import HealthchecksHeartbeat

        heartbeat = HealthchecksHeartbeat.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Healthchecks heartbeat"
    _block_type_slug = "healthchecks-heartbeat"
    _description = "A dead-man's switch that is told over HTTP, as healthchecks.io has it."

    url: SecretStr = Field(
        title="URL", description="Ping URL of the check; /start and /fail are added to it."
    )
    timeout_seconds: float = Field(
        default=5, gt=0, title="Timeout", description="Seconds that a signal may take in all."
    )

    def start(self, text: str) -> None:
        self._send("/start", text)

    def success(self, text: str) -> None:
        self._send("", text)

    def fail(self, text: str) -> None:
        self._send("/fail", text)

    @property
    def _subject(self) -> str:
        return f"heartbeat at {urlsplit(self.url.get_secret_value()).hostname or 'nowhere'}"

    def _send(self, signal: str, text: str) -> None:
        parts = urlsplit(self.url.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
            cause = "its ping URL is not http(s)://host/path without a query"
            raise ConfigurationError(self._subject, cause, "copy it anew from the service")
        url = f"{self.url.get_secret_value().rstrip('/')}{signal}"
        body = text[:LONGEST].encode("utf-8", "replace")
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "continuity"}
        request = Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - http(s)
        try:
            said = within(self.timeout_seconds, self._subject, lambda: self._answer(request))
        except HTTPError as error:
            raise self._refused(error.code) from None
        except (OSError, HTTPException, ValueError) as error:
            # Its text may hold the URL, so it is not part of the chain.
            cause = f"cannot be reached ({type(error).__name__})"
            raise Unreachable(self._subject, cause, "check the network and the host") from None
        self._understand(said)

    def _answer(self, request: Request) -> str:
        opener = build_opener(ProxyHandler(), _NoRedirects)
        response: HTTPResponse
        with opener.open(request, timeout=self.timeout_seconds) as response:
            return response.read(1000).decode(errors="replace")

    def _understand(self, said: str) -> None:
        """Raise what an answer with status 200 may still mean at healthchecks.io."""
        if "not found" in said:
            raise self._refused(404)
        if "rate limited" in said:
            raise self._refused(429)

    def _refused(self, status: int) -> ContinuityError:
        if status in {404, 410}:
            hint = "make the check again, and put its ping URL where the estate file points to"
            return NotFound(self._subject, "knows no such check", hint)
        if status == 429:
            return RateLimited(self._subject, "asks for fewer signals", "look for other senders")
        if status >= 500:
            return Unavailable(self._subject, f"answered HTTP {status}", "look at its status page")
        hint = "compare the ping URL with the one that the service shows"
        return ProviderError(self._subject, f"answered HTTP {status}", hint)


class _NoRedirects(HTTPRedirectHandler):
    """A signal that is sent elsewhere, by GET, would not be the same signal."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None
