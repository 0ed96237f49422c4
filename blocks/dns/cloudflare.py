"""A zone at Cloudflare, proxied or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr, SecretStr

from blocks.dns.hosted_zone import HostedZone
from blocks.types import AddressChange, AddressRecord

if TYPE_CHECKING:
    from octodns.record import Record

    from blocks.dns.cloudflare_provider import (
        CloudflareAddressProvider,
        CloudflareNameReader,
        CloudflareProxyReader,
    )

KEPT_SECONDS = 2.0
"""How long a look at the proxied names holds: `answers` is asked for each name, many times."""
PROVIDER = "Cloudflare"

Origins = Mapping[str, Mapping[str, tuple[str, ...]]]


class CloudflareZone(HostedZone):
    """A DNS zone at Cloudflare, changed in one transaction.

    The API has no condition for a change. What is to be changed is therefore read right before, and
    after; an edit in the fraction of a second between the last look and the batch is overwritten.

    Example:
        ```python
        from blocks.dns.cloudflare import CloudflareZone

        zone = CloudflareZone.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "DNS zone (Cloudflare)"
    _block_type_slug = "cloudflare-zone"
    _description = "A DNS zone at Cloudflare, whose proxied records stay proxied."

    token: SecretStr = Field(
        title="API token", description="Token with Zone / Zone / Read and Zone / DNS / Edit."
    )
    api_url: str = Field(
        default="https://api.cloudflare.com/client/v4",
        title="API",
        description="Where the API is.",
    )

    _looked: tuple[float, Origins] | None = PrivateAttr(default=None)

    def replace(self, changes: Sequence[AddressChange]) -> None:
        """Carry out all changes or none; more than one batch holds are whole batch by batch."""
        try:
            super().replace(changes)
        finally:
            self._looked = None

    def answers(self, name: str, record_type: str) -> Mapping[str, tuple[str, ...]]:
        """Ask every authoritative server; for a proxied name say what its origin is.

        The servers give Cloudflare's own addresses for such a name, before and after a change: it
        takes effect where Cloudflare reaches the origin, and nothing else tells of it. So one
        answer stands for all servers, under the provider's name: the addresses that it holds.
        """
        origin = self._origins().get(name)
        if origin is None:
            return super().answers(name, record_type)
        return {PROVIDER: origin.get(record_type, ())}

    def fronted(self, names: Collection[str]) -> frozenset[str]:
        """Return those of these names that are proxied."""
        return frozenset(names) & self._origins().keys()

    def _has_fixed_ttl(self, record: Record) -> bool:
        # What visitors are given for it is the edge's address, for 300 s: no TTL of ours is served.
        return bool(record.octodns.get("cloudflare", {}).get("proxied"))

    def _origins(self) -> Origins:
        if self._looked is None or self._looked[0] < monotonic():
            origins = self._proxy_reader().origins()
            self._looked = monotonic() + KEPT_SECONDS, origins
        return self._looked[1]

    def _name_servers(self) -> Sequence[str]:
        return self._provider().name_servers()

    def _rehearse(self, records: Sequence[AddressRecord]) -> str:
        return self._provider().rehearse()

    def _provider(self) -> CloudflareAddressProvider:
        # Each flow run loads all blocks, and few of them speak with this provider.
        from blocks.dns.cloudflare_provider import CloudflareAddressProvider  # noqa: PLC0415

        return CloudflareAddressProvider(*self._connection())

    def _reader(self) -> CloudflareNameReader:
        from blocks.dns.cloudflare_provider import CloudflareNameReader  # noqa: PLC0415 - as above

        return CloudflareNameReader(*self._connection())

    def _proxy_reader(self) -> CloudflareProxyReader:
        from blocks.dns.cloudflare_provider import CloudflareProxyReader  # noqa: PLC0415 - as above

        return CloudflareProxyReader(*self._connection())

    def _connection(self) -> tuple[str, str, str, float]:
        return self.zone, self.token.get_secret_value(), self.api_url, self.timeout_seconds
