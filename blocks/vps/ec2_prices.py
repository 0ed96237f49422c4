"""What AWS's Price List says of machines and disks in a region. Pure but for `read`.

Shapes: `GetProducts` of the Price List Query API (its example for EC2): each product is JSON in a
text, `product.attributes.instanceType`, `terms.OnDemand.*.priceDimensions.*.pricePerUnit.USD`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_pricing import PricingClient
    from mypy_boto3_pricing.type_defs import FilterTypeDef

_HOURS_IN_MONTH = 730
_COMPUTE = {
    "productFamily": "Compute Instance",
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}
"""What a plain Linux machine on demand is in the list; nothing else has these attributes."""
_DISK = {"productFamily": "Storage", "volumeApiName": "gp3"}


@dataclass(frozen=True)
class Prices:
    """USD without VAT: an hour of each type, and an hour of a GB (10^9 bytes) of disk."""

    hours: Mapping[str, Decimal] = field(default_factory=dict)
    disk: Decimal | None = None


def read(pricing: PricingClient, region: str, cores: Iterable[int]) -> Prices:
    """Ask for all machines with so many cores: the list cannot be asked for several types."""
    hours: dict[str, Decimal] = {}
    for count in sorted(set(cores)):
        wanted = {**_COMPUTE, "regionCode": region, "vcpu": str(count)}
        for product in _products(pricing, wanted):
            kind = product["product"]["attributes"]["instanceType"]
            hours[kind] = next(_prices(product, "Hrs"))
    disks = [
        price
        for product in _products(pricing, {**_DISK, "regionCode": region})
        for price in _prices(product, "GB-Mo")
    ]
    # Its GB is 2^30 bytes.
    disk = disks[0] * 10**9 / 1024**3 / _HOURS_IN_MONTH if disks else None
    return Prices(hours, disk)


def _products(pricing: PricingClient, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    filters: list[FilterTypeDef] = [
        {"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()
    ]
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode="AmazonEC2", Filters=filters, FormatVersion="aws_v1"
    )
    for page in pages:
        for text in page["PriceList"]:
            yield json.loads(text)


def _prices(product: Mapping[str, Any], unit: str) -> Iterator[Decimal]:
    for term in product["terms"]["OnDemand"].values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"] == unit:
                yield Decimal(dimension["pricePerUnit"]["USD"])
