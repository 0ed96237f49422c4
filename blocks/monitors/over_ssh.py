"""The same look at a site, made by curl and dig on another machine."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, field_validator

from blocks.errors import ConfigurationError, Unreachable
from blocks.monitors.base import Probe
from blocks.monitors.curl_output import LOOK, curl_words, seen_by_curl
from blocks.monitors.dig_output import addresses_of, dig_words
from blocks.servers.ssh import SshServer
from blocks.types import CommandResult, SmokeCheck, SmokeResult

_GRACE = timedelta(seconds=5)
"""What a command may take beyond the limit that it is given itself."""


class OverSshProbe(Probe):
    """A second vantage point: a machine elsewhere, any account of which may run curl and dig.

    Example:
        ```python
        from blocks.monitors.over_ssh import OverSshProbe

        probe = OverSshProbe.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Probe over SSH"
    _block_type_slug = "over-ssh-probe"
    _description = "Looks at sites as a visitor does, from another machine that is reached by SSH."

    server: SshServer = Field(
        title="Server", description="The machine that looks: address, user, keys."
    )
    resolvers: list[str] = Field(
        default_factory=list,
        title="Resolvers",
        description="Addresses of the resolvers to ask from there; empty takes that machine's.",
    )
    resolver_port: int = Field(
        default=53, ge=1, le=65535, title="Resolver port", description="Port of the resolvers."
    )
    ca_file: str = Field(
        default="",
        title="CA file",
        description="PEM file, on this machine, of the authorities that are trusted; empty takes "
        "those of the machine that looks.",
    )
    timeout_seconds: float = Field(
        default=5, gt=0, title="Timeout", description="Seconds for one page or one name in all."
    )

    @field_validator("resolvers")
    @classmethod
    def _resolvers_are_addresses(cls, value: list[str]) -> list[str]:
        return [str(ip_address(address)) for address in value]

    # Contracts (and docstrings) of the public methods are the base class's.

    def resolve(self, name: str) -> tuple[str, ...]:
        asked = self.resolvers or [""]
        patience = self.timeout_seconds / len(asked)
        for resolver in asked:
            words = dig_words(name, resolver, self.resolver_port, patience)
            said = self.server.run(words, timeout=self._limit, accept=(0, 8, 9, 10, 127))
            self._require("dig", "bind9-dnsutils", said)
            found = addresses_of(said.stdout.decode(errors="replace"))
            if found is not None:
                return found
        told = ", ".join(self.resolvers) or "of the system"
        cause = f"cannot be resolved by the resolvers {told}, asked from {self.server.address}"
        raise Unreachable(name, cause, f"on {self.server.address}: dig {name}")

    def check(self, check: SmokeCheck, address: str) -> SmokeResult:
        trusted = self._trusted()
        try:
            ip_address(address)
        except ValueError:
            return SmokeResult(check, address, False, f"{address!r} is not an IP address", 0.0)
        words = curl_words(check, address, own_authorities=bool(trusted), wait=self.timeout_seconds)
        said = self.server.run(
            ("sh", "-c", LOOK, "look", *words), timeout=self._limit, stdin=trusted
        )
        self._require("curl", "curl", said)
        return seen_by_curl(check, address, said.stdout, said.stderr, self.timeout_seconds)

    @property
    def _limit(self) -> timedelta:
        return timedelta(seconds=self.timeout_seconds) + _GRACE

    def _trusted(self) -> bytes:
        if not self.ca_file:
            return b""
        if not Path(self.ca_file).is_file():
            cause, hint = f"the CA file {self.ca_file} does not exist", "correct ca_file"
            raise ConfigurationError(f"probe on {self.server.address}", cause, hint)
        return Path(self.ca_file).read_bytes()

    def _require(self, program: str, package: str, said: CommandResult) -> None:
        if said.status == 127 or f"{program}: not found" in said.stderr:
            hint = f"on {self.server.address}: apt-get install {package}"
            raise ConfigurationError(
                f"probe on {self.server.address}", f"{program} is missing there", hint
            )
