"""Our own look at a site: name, TLS and page as a visitor's browser sees them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.name
import dns.resolver
from pydantic import Field, field_validator

from blocks.errors import ConfigurationError, Unreachable
from blocks.monitors.base import Probe
from blocks.monitors.page_fetch import fetch
from blocks.monitors.page_read import read_page
from blocks.types import PageRead, SmokeCheck, SmokeResult


class HttpProbe(Probe):
    """Fetch pages from a given address or through given resolvers, with nothing kept in between.

    Example:
        ```python
        from blocks.monitors.http import HttpProbe

        probe = HttpProbe.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "HTTP probe"
    _block_type_slug = "http-probe"
    _description = "Looks at sites as a visitor does: name, certificate, status and text."

    resolvers: list[str] = Field(
        default_factory=list,
        title="Resolvers",
        description="Addresses of the resolvers to ask; empty takes the system's.",
    )
    resolver_port: int = Field(
        default=53, ge=1, le=65535, title="Resolver port", description="Port of the resolvers."
    )
    ca_file: str = Field(
        default="",
        title="CA file",
        description="PEM file of the authorities that are trusted; empty takes the system's.",
    )
    timeout_seconds: float = Field(
        default=5, gt=0, title="Timeout", description="Seconds for one page or one name in all."
    )

    @field_validator("resolvers")
    @classmethod
    def _resolvers_are_addresses(cls, value: list[str]) -> list[str]:
        return [str(ip_address(address)) for address in value]

    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the name's IPv4 addresses as the resolvers tell them now, sorted."""
        try:
            answer = self._resolver().resolve(dns.name.from_text(name), "A", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.resolver.NoResolverConfiguration as error:
            hint = "list resolvers in the probe, or write /etc/resolv.conf"
            raise ConfigurationError("HTTP probe", "this machine has no resolver", hint) from error
        except (dns.exception.DNSException, OSError) as error:
            asked = ", ".join(self.resolvers) or "of the system"
            cause = f"cannot be resolved by the resolvers {asked} ({type(error).__name__})"
            raise Unreachable(name, cause, f"dig @{(self.resolvers or [''])[0]} {name}") from error
        return tuple(sorted(record.address for record in answer))

    def check(self, check: SmokeCheck, address: str) -> SmokeResult:
        """Fetch the page from this address and compare it with what must be there."""
        if self.ca_file and not Path(self.ca_file).is_file():
            cause, hint = f"the CA file {self.ca_file} does not exist", "correct ca_file"
            raise ConfigurationError("HTTP probe", cause, hint)
        return fetch(check, address, ca_file=self.ca_file, timeout=self.timeout_seconds)

    def page(self, url: str, address: str) -> PageRead:
        """Read a page or file from this address."""
        return read_page(url, address, ca_file=self.ca_file, timeout=self.timeout_seconds)

    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self.resolvers)
        if self.resolvers:
            resolver.nameservers = list(self.resolvers)
            resolver.port = self.resolver_port
        resolver.cache = None
        resolver.lifetime = self.timeout_seconds
        # Leaves time for the others when the first resolver is dead.
        resolver.timeout = self.timeout_seconds / (len(resolver.nameservers) + 1)
        return resolver
