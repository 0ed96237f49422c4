"""A zone at AWS Route 53."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from blocks.dns.hosted_zone import HostedZone
from blocks.types import AddressRecord

if TYPE_CHECKING:
    from blocks.dns.route53_provider import Route53AddressProvider, Route53NameReader


class Route53Zone(HostedZone):
    """A public DNS zone at AWS Route 53, changed in one batch that holds only if nobody edited.

    Alias records have no addresses and are never touched. Records with a routing policy (weighted,
    latency, failover, geolocation, multivalue, traffic policies) are shown with all their
    addresses; a change of one is refused.

    Example:
        ```python
        from blocks.dns.route53 import Route53Zone

        zone = Route53Zone.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "DNS zone (Route 53)"
    _block_type_slug = "route53-zone"
    _description = "A public DNS zone at AWS Route 53."

    hosted_zone_id: str = Field(
        title="Hosted zone", description="Id of the hosted zone, such as Z0123456789ABCDEFGHIJ."
    )
    access_key: str = Field(title="Access key", description="Id of the IAM user's access key.")
    secret_key: SecretStr = Field(title="Secret key", description="Secret of the access key.")
    region: str = Field(
        default="us-east-1",
        title="Region",
        description="Region that requests are signed for; Route 53 is one service for all regions.",
    )
    endpoint: str = Field(
        default="", title="Endpoint", description="Where the API is; empty takes that of AWS."
    )

    def _name_servers(self) -> Sequence[str]:
        return self._provider().name_servers()

    def _rehearse(self, records: Sequence[AddressRecord]) -> str:
        return self._provider().rehearse(records)

    def _provider(self) -> Route53AddressProvider:
        # Each flow run loads all blocks, and few of them speak with this provider.
        from blocks.dns.route53_provider import Route53AddressProvider  # noqa: PLC0415

        return Route53AddressProvider(self)

    def _reader(self) -> Route53NameReader:
        from blocks.dns.route53_provider import Route53NameReader  # noqa: PLC0415 - as above

        return Route53NameReader(self)
