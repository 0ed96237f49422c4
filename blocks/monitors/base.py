"""A look at a site from outside."""

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
