"""A zone at OVH (domain/zone)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, field_validator

from blocks.dns.authoritative import AuthoritativeServer
from blocks.dns.hosted_zone import HostedZone
from blocks.dns.ovh_published import Published
from blocks.types import AddressChange, AddressRecord

if TYPE_CHECKING:
    from blocks.dns.ovh_client import OvhClient
    from blocks.dns.ovh_provider import OvhAddressProvider, OvhNameReader

ENDPOINTS = (
    "ovh-eu", "ovh-us", "ovh-ca", "kimsufi-eu", "kimsufi-ca", "soyoustart-eu", "soyoustart-ca",
)  # fmt: skip


class OvhZone(HostedZone):
    """A DNS zone at OVH, edited record by record and published at once.

    `read` shows what is published: the addresses in OVH's editor, and those that a name server
    answers where they differ. If no name server can be asked, the editor is believed.

    Example:
        ```python
        from blocks.dns.ovh import OvhZone

        zone = OvhZone.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "DNS zone (OVH)"
    _block_type_slug = "ovh-zone"
    _description = "A DNS zone at OVH, edited through its API and published by a refresh."

    application_key: SecretStr = Field(
        title="Application key", description="Key of the application that was made for this."
    )
    application_secret: SecretStr = Field(
        title="Application secret", description="Secret of the application."
    )
    consumer_key: SecretStr = Field(
        title="Consumer key", description="Key that holds the rights on this zone."
    )
    endpoint: str = Field(
        default="ovh-eu",
        title="Endpoint",
        description="Which OVH: ovh-eu, ovh-ca, ovh-us, or the address of an API.",
    )

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_known(cls, value: str) -> str:
        if value not in ENDPOINTS and "://" not in value:
            message = f"is none of {', '.join(ENDPOINTS)}"
            raise ValueError(message)
        return value

    def _name_servers(self) -> Sequence[str]:
        return self._provider().name_servers()

    def _rehearse(self, records: Sequence[AddressRecord]) -> str:
        return self._provider().rehearse()

    def _provider(self) -> OvhAddressProvider:
        return self._provider_for(())

    def _provider_for(self, changes: Sequence[AddressChange]) -> OvhAddressProvider:
        # Each flow run loads all blocks, and few of them speak with this provider.
        from blocks.dns.ovh_provider import OvhAddressProvider  # noqa: PLC0415

        return OvhAddressProvider(self._client(), Published(self.zone, self._asked), changes)

    def _reader(self) -> OvhNameReader:
        from blocks.dns.ovh_provider import OvhNameReader  # noqa: PLC0415 - as above

        return OvhNameReader(self._client(), Published(self.zone, self._asked))

    def _looked_again(
        self, provider: OvhAddressProvider, done: Sequence[AddressChange]
    ) -> tuple[AddressRecord, ...]:
        # The name servers follow some seconds later; who needs them asks `answers`.
        return provider.edited(done)

    def _client(self) -> OvhClient:
        from blocks.dns.ovh_client import OvhClient  # noqa: PLC0415 - as above

        keys = self.application_key, self.application_secret, self.consumer_key
        secrets = tuple(key.get_secret_value() for key in keys)
        return OvhClient(self.zone, self.endpoint, secrets, timeout=self.timeout_seconds)

    def _asked(self) -> Iterable[AuthoritativeServer]:
        return self._servers().values()
