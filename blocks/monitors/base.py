"""A look at a site from outside, and a watch over our own jobs from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod

from prefect.blocks.core import Block

from blocks.types import SmokeCheck, SmokeResult


class Probe(Block, ABC):
    """See a site as a visitor does. Never raises for what the site does: that is the result.

    Raises `ConfigurationError` for what is wrong with the probe itself.
    """

    @abstractmethod
    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the name's IPv4 addresses as the configured resolvers tell them now, sorted.

        Empty if it has none. Raises `Unreachable` if the resolvers give no answer.
        """

    @abstractmethod
    def check(self, check: SmokeCheck, address: str) -> SmokeResult:
        """Fetch the page from this address: status, text, and the TLS chain for its host name."""

    @abstractmethod
    def check_through_dns(self, check: SmokeCheck) -> SmokeResult:
        """Resolve the host name, then `check` at the first address found.

        Without an address the check has failed; the result's `address` is then "".
        """


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
