"""A look at a site from outside, and a watch over our own jobs from outside."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator

from blocks.errors import Unreachable, Unsupported
from blocks.types import (
    Access,
    MonitorState,
    PageRead,
    ReceivedAlert,
    SmokeCheck,
    SmokeResult,
)


class Probe(Block, ABC):
    """See a site as a visitor does. Never raises for what the site does: that is the result.

    Raises `ConfigurationError` for what is wrong with the probe itself, and any `ProviderError`
    when the place that it looks from cannot be used: then nothing was seen of the site.
    """

    @abstractmethod
    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the name's IPv4 addresses as the configured resolvers tell them now, sorted.

        Empty if it has none. Raises `Unreachable` if the resolvers give no answer.
        """

    @abstractmethod
    def check(self, check: SmokeCheck, address: str) -> SmokeResult:
        """Fetch the page from this address: status, text, and the TLS chain for its host name."""

    def check_through_dns(self, check: SmokeCheck) -> SmokeResult:
        """Resolve the host name, then `check` at the first address found.

        Without an address the check has failed; the result's `address` is then "".
        """
        name = urlsplit(check.url).hostname or ""
        try:
            addresses = self.resolve(name)
        except Unreachable as error:
            if error.subject != name:
                raise  # The place that it looks from does not answer.
            return SmokeResult(check, "", False, f"{name} {error.cause}", 0.0)
        if not addresses:
            return SmokeResult(check, "", False, f"{name} has no IPv4 address in the DNS", 0.0)
        return self.check(check, addresses[0])

    def page(self, url: str, address: str) -> PageRead:
        """Read a page or file from this address, redirects not followed; the text of HTML alone.

        Raises:
            Unsupported: This probe says only whether a page is as it must be.
        """
        raise Unsupported(
            f"page {url} at {address}",
            f"{type(self).__name__} does not read pages",
            "declare an http-probe for the estate",
        )


class AlertSource(Block, ABC):
    """A monitor elsewhere that calls us when a site looks down to it.

    Monitors do not sign what they send: whoever knows the secret is taken for the monitor. Nothing
    of a message is believed but that somebody should look at its host now.

    With a token the monitor can be asked besides: over its own API, and only to read. A question
    ends within `timeout_seconds`, whatever the other side does.
    """

    secret: SecretStr = Field(
        title="Secret",
        description="Part of the address that the monitor calls; at least 32 characters.",
    )
    token: SecretStr | None = Field(
        default=None,
        title="Token",
        description="Token of the monitor's API that may read and nothing else; none: not asked.",
    )
    timeout_seconds: float = Field(
        default=8,
        gt=0,
        le=60,
        title="Timeout",
        description="Seconds that a question to the monitor's API may take in all.",
    )

    @field_validator("secret")
    @classmethod
    def _secret_cannot_be_guessed(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not re.fullmatch(r"[A-Za-z0-9_-]{32,200}", text):
            raise ValueError(
                "the secret is not 32 to 200 letters, digits, - or _; make one: "
                "openssl rand -hex 24"
            )
        return value

    @abstractmethod
    def read(self, content_type: str, body: bytes) -> ReceivedAlert:
        """Return what a message says.

        Args:
            content_type: Media type of the body, lower case, without parameters.
            body: The whole body.

        Raises:
            MessageRefused: It is not a message of this monitor, or does not say all that is needed:
                state, host, time of the event.
        """

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a token to ask with."""
        return self.token is not None

    def states(self) -> tuple[MonitorState, ...]:
        """Ask what every monitor of the account says now; in the service's order, each once.

        Raises:
            Unsupported: There is no token.
            AuthenticationFailed, PermissionDenied: The token is refused, or may not read monitors.
            RateLimited, Unavailable, Unreachable: Not now.
            ProviderError: The answer is not one of the service's.
        """
        raise self._not_asked()

    def whoami(self) -> Access:
        """Ask whose token it is, and whether it may read the monitors. Errors as `states`."""
        raise self._not_asked()

    def _not_asked(self) -> Unsupported:
        hint = "alerts: token, in the estate file (docs/alertes.md)"
        return Unsupported(type(self).__name__, "has no token to ask its API with", hint)


class Heartbeat(Block, ABC):
    """A dead-man's switch elsewhere: it raises the alarm when one job is not heard of in time.

    Each call sends one signal with a short text for people. Errors: `Unreachable`,
    `DeadlineExceeded`, `NotFound` (no such switch), `RateLimited`, `Unavailable`; none of them
    holds the switch's URL, which is a secret. Nothing is tried twice.
    """

    @abstractmethod
    def start(self, text: str) -> None:
        """Say that the job has begun, so that the time it takes is known."""

    @abstractmethod
    def success(self, text: str) -> None:
        """Say that the job did all it had to: the switch waits for the next time."""

    @abstractmethod
    def fail(self, text: str) -> None:
        """Say that the job failed: the switch raises the alarm now."""
