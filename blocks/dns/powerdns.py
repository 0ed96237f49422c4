"""A zone on a PowerDNS server, changed through its HTTP API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, field_validator

from blocks.dns.hosted_zone import HostedZone
from blocks.types import AddressRecord

if TYPE_CHECKING:
    from blocks.dns.powerdns_provider import PowerDnsAddressProvider, PowerDnsNameReader


class PowerDnsZone(HostedZone):
    """A DNS zone on a PowerDNS server, changed in one transaction.

    The API has no condition for a change. What is to be changed is therefore read right before, and
    after; an edit in the milliseconds between the last look and the change is overwritten.

    Example:
        ```python
        from blocks.dns.powerdns import PowerDnsZone

        zone = PowerDnsZone.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "DNS zone (PowerDNS)"
    _block_type_slug = "powerdns-zone"
    _description = "A DNS zone on a PowerDNS server of your own, reached by its HTTP API."

    api_url: str = Field(
        title="API", description="Where the server's API is, such as http://192.0.2.53:8081."
    )
    api_key: SecretStr = Field(title="API key", description="The server's api-key.")
    server_id: str = Field(
        default="localhost", title="Server", description="Name of the server in its own API."
    )

    @field_validator("api_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            message = "must start with http:// or https://"
            raise ValueError(message)
        return value.rstrip("/")

    def _name_servers(self) -> Sequence[str]:
        return self._provider().name_servers()

    def _rehearse(self, records: Sequence[AddressRecord]) -> str:
        return self._provider().rehearse()

    def _provider(self) -> PowerDnsAddressProvider:
        # Each flow run loads all blocks, and few of them speak with this provider.
        from blocks.dns.powerdns_provider import PowerDnsAddressProvider  # noqa: PLC0415

        return PowerDnsAddressProvider(*self._connection())

    def _reader(self) -> PowerDnsNameReader:
        from blocks.dns.powerdns_provider import PowerDnsNameReader  # noqa: PLC0415 - as above

        return PowerDnsNameReader(*self._connection())

    def _connection(self) -> tuple[str, str, str, str, float]:
        key = self.api_key.get_secret_value()
        return self.zone, self.api_url, key, self.server_id, self.timeout_seconds
