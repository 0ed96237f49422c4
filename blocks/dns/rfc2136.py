"""A zone on any server that speaks RFC 2136 with TSIG: BIND, Knot, PowerDNS, ..."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, field_validator

from blocks.dns.authoritative import AuthoritativeServer, authoritative_servers
from blocks.dns.octodns_zone import OctodnsZone
from blocks.dns.rfc2136_provider import Connection, Rfc2136AddressProvider, Rfc2136NameReader
from blocks.errors import ConfigurationError
from blocks.types import AddressRecord

Provider = TypeVar("Provider", bound=Rfc2136AddressProvider)
Algorithm = Literal["hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1"]


class Rfc2136Zone(OctodnsZone):
    """A DNS zone read by AXFR and changed by RFC 2136 updates, both signed with one TSIG key.

    Example:
        ```python
        from blocks.dns.rfc2136 import Rfc2136Zone

        zone = Rfc2136Zone.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "DNS zone (RFC 2136)"
    _block_type_slug = "rfc2136-zone"
    _description = "A DNS zone on a server that takes signed dynamic updates, such as BIND."

    server: str = Field(
        title="Server", description="Address of the primary server, which takes the updates."
    )
    port: int = Field(
        default=53, ge=1, le=65535, title="Port", description="Port of the zone's servers."
    )
    key_name: str = Field(title="Key name", description="Name of the TSIG key.")
    key_secret: SecretStr = Field(title="Key secret", description="The TSIG key in base64.")
    key_algorithm: Algorithm = Field(
        default="hmac-sha256", title="Key algorithm", description="Algorithm of the TSIG key."
    )
    nameservers: list[str] = Field(
        default_factory=list,
        title="Name servers",
        description="All authoritative servers, each as address or address#port; "
        "empty takes the zone's NS records.",
    )
    timeout_seconds: float = Field(
        default=5, gt=0, title="Timeout", description="Seconds for each question or transfer."
    )

    @field_validator("server")
    @classmethod
    def _server_is_an_address(cls, value: str) -> str:
        # A name would be resolved through the very DNS that may be down.
        return str(ip_address(value))

    @field_validator("nameservers")
    @classmethod
    def _nameservers_are_addresses(cls, value: list[str]) -> list[str]:
        for server in value:
            AuthoritativeServer.named(server, 53, 1)
        return value

    def answers(self, name: str, record_type: str) -> Mapping[str, tuple[str, ...]]:
        """Ask every authoritative server of the zone; return the sorted addresses by server."""
        servers = self.nameservers or authoritative_servers(self.zone, self._at(self.server))
        return {server: self._at(server).addresses(name, record_type) for server in servers}

    def _at(self, server: str) -> AuthoritativeServer:
        return AuthoritativeServer.named(server, self.port, self.timeout_seconds)

    def _provider(self) -> Rfc2136AddressProvider:
        return self._made(Rfc2136AddressProvider)

    def _reader(self) -> Rfc2136NameReader:
        return self._made(Rfc2136NameReader)

    def _rehearse(self, records: Sequence[AddressRecord]) -> str:
        self._provider().rehearse(records)
        return f"clé {self.key_name} sur {self.server}"

    def _made(self, kind: type[Provider]) -> Provider:
        self._check_secret()
        return kind(
            Connection(self.zone, self.server, self.port, self.key_name, self.timeout_seconds),
            self.key_secret.get_secret_value(),
            self.key_algorithm,
        )

    def _check_secret(self) -> None:
        try:
            b64decode(self.key_secret.get_secret_value(), validate=True)
        except binascii.Error as error:
            raise ConfigurationError(
                f"TSIG key {self.key_name} of zone {self.zone}",
                "its secret is not base64",
                "copy the secret of the key from the server's configuration again",
            ) from error
