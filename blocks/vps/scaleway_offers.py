"""What Scaleway offers in a zone now: types with their stock, and the price of their volumes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from requests import RequestException
from scaleway import ScalewayException
from scaleway.product_catalog.v2alpha1 import (
    ListPublicCatalogProductsRequestProductType as ProductType,
)

from blocks.types import MachineSize, Stock
from blocks.vps.scaleway_client import Scaleway

_LEAST_VOLUME = 10 * 10**9
_STOCKS = {"available": Stock.AVAILABLE, "scarce": Stock.AVAILABLE, "shortage": Stock.SOLD_OUT}
_WINDOWS = "-WIN"
"""How the names of types end that take images of Windows only."""


def offers(api: Scaleway, zone: str) -> tuple[MachineSize, ...]:
    """Return the types that run Debian; without a price while the catalogue does not answer."""
    kinds = _all_types(api.instance.list_servers_types, zone)
    stock = _all_types(api.instance.get_server_types_availability, zone)
    disk = _volume_price_if_told(api, zone)
    return tuple(
        MachineSize(
            name=name,
            cores=kind.ncpus,
            memory=kind.ram,
            disk=_LEAST_VOLUME,
            price=Decimal(str(kind.hourly_price)),
            currency="EUR",
            stock=_STOCKS.get(str(stock[name].availability), Stock.UNKNOWN)
            if name in stock
            else Stock.UNKNOWN,
            grows=True,
            disk_price=disk,
        )
        for name, kind in kinds.items()
        if _runs_debian(name, kind)
    )


def _runs_debian(name: str, kind: Any) -> bool:  # noqa: ANN401 - the vendor's `ServerType`
    plain = str(kind.arch) == "x86_64" and not kind.gpu and not kind.end_of_service
    return plain and not name.endswith(_WINDOWS)


def _all_types(ask: Callable[..., Any], zone: str) -> dict[str, Any]:
    """Return what is said of each type, from all pages: the vendor's client reads one."""
    found: dict[str, Any] = {}
    page = 0
    while True:
        page += 1
        answer = ask(zone=zone, per_page=100, page=page)
        found |= answer.servers
        if not answer.servers or len(found) >= answer.total_count:
            return found


def _volume_price_if_told(api: Scaleway, zone: str) -> Decimal | None:
    try:
        return _volume_price(api, zone)
    except (RequestException, ScalewayException):
        # A recovery must not wait for a price list.
        return None


def _volume_price(api: Scaleway, zone: str) -> Decimal | None:
    """Return an hour of a GB of block storage (5,000 IOPS); None if the catalogue does not say.

    The catalogue lists what is stored by GB and hour: `unit_of_measure` is GB alone.
    """
    for product in api.catalog.list_public_catalog_products_all(
        product_types=[ProductType.BLOCK_STORAGE], zone=zone, page_size=100
    ):
        volume = product.properties and product.properties.block_storage
        price, unit = product.price and product.price.retail_price, product.unit_of_measure
        if not (volume and volume.volume and price and unit) or "5k" not in product.sku.lower():
            continue
        if str(unit.unit) == "gigabyte":
            amount = Decimal(int(price.units)) + Decimal(price.nanos).scaleb(-9)
            return amount / (unit.size or 1)
    return None
