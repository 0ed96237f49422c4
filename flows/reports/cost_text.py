"""What continuity costs, as machines and people read it (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from flows.decisions.cost import (
    Choice,
    Estimate,
    Line,
    Need,
    Price,
    PriceList,
    Range,
    is_old,
    machines_by_price,
    storages_by_price,
)
from flows.decisions.live_prices import LIVE

SIGNS = {"EUR": "€", "USD": "$"}
CENT = Decimal("0.01")


def cost_document(
    choice: Choice,
    need: Need,
    prices: PriceList,
    found: Sequence[Estimate],
    study: Sequence[Mapping[str, object]],
    today: date,
    silent: Sequence[str] = (),
) -> dict[str, object]:
    """Return the estimate as JSON values; amounts are decimal texts without VAT.

    `silent` says which providers gave no price, and why (French).
    """
    told = sorted({each.provider for each in prices.machines if each.source == LIVE})
    offers = [*machines_by_price(prices, need), *storages_by_price(prices, need)]
    return {
        "at": today.isoformat(),
        "live": {"told": told, "silent": list(silent)},
        "need": {
            "servers": need.servers,
            "largest_gb": str(need.largest),
            "stored_gb": str(need.stored),
            "written_gb_per_day": str(need.written),
            "disk_gb": str(need.disk.quantize(CENT)),
        },
        "choice": {
            "machine": choice.machine.title,
            "storage": choice.storage.title,
            "copy": choice.copy.title,
        },
        "estimates": [_estimate(each, prices, today) for each in found],
        "study": [{**each, "ours": _ours(each, found, prices)} for each in study],
        "offers": [
            {"offer": each.title, "month": _cents(month), **_price(each, prices, today)}
            for each, month in offers
        ],
    }


def _ours(
    each: Mapping[str, object], found: Sequence[Estimate], prices: PriceList
) -> dict[str, object] | None:
    """Return our figure beside one of the study's, in an estimate's form; None without one."""
    for ours in found:
        if ours.title == each.get("beside"):
            return {"complete": ours.complete, "totals": _totals(ours)}
    for price in prices.storages:
        if price.title == each.get("offer"):
            said = _cents(price.tb_month)
            return {"complete": True, "totals": {price.currency: [said, said]}}
    return None


def _totals(found: Estimate) -> dict[str, object]:
    return {
        currency: [_cents(low), _cents(high)] for currency, (low, high) in found.totals().items()
    }


def _estimate(found: Estimate, prices: PriceList, today: date) -> dict[str, object]:
    return {
        "title": found.title,
        "complete": found.complete,
        "totals": _totals(found),
        "lines": [_line(each, prices, today) for each in found.lines],
    }


def _line(line: Line, prices: PriceList, today: date) -> dict[str, object]:
    known = line.low is not None and line.high is not None
    amounts = [_cents(line.low), _cents(line.high)] if line.low is not None and known else None
    source = {"currency": line.currency, "offer": "", "source": "étude de continuité", "old": False}
    if line.price:
        source = {"offer": line.price.title, **_price(line.price, prices, today)}
    return {"what": line.what, "amount": amounts, **source}


def _price(price: Price, prices: PriceList, today: date) -> dict[str, object]:
    return {
        "currency": price.currency,
        "source": price.source,
        "read_on": price.read_on.isoformat(),
        "old": is_old(price, prices, today),
        "note": price.note,
    }


def amount_text(amount: Range, currency: str) -> str:
    """Write an amount, or a range when its ends differ: `8,99 €`, `200 à 500 €`."""
    sign = SIGNS.get(currency, currency)
    if 0 < amount[1] < CENT:
        return f"moins de 0,01 {sign}"
    low, high = (_figure(each) for each in amount)
    return f"{low} {sign}" if low == high else f"{low} à {high} {sign}"


def total_text(estimate: Mapping[str, object]) -> str:
    """Write an estimate's sums, a currency at a time; "au moins" when a price is not known."""
    totals = estimate["totals"]
    if not isinstance(totals, dict):
        raise TypeError("totals of an estimate are a mapping")
    said = " + ".join(
        amount_text((Decimal(low), Decimal(high)), currency)
        for currency, (low, high) in totals.items()
    )
    return said if estimate["complete"] else f"au moins {said}"


def source_text(line: Mapping[str, object]) -> str:
    """Write where a price comes from and when it was read; an old one is called old."""
    said = str(line["source"])
    if line.get("read_on"):
        said += f", lu le {date.fromisoformat(str(line['read_on'])):%d/%m/%Y}"
    return f"{said} (ANCIEN)" if line["old"] else said


def source_text_of(price: Price) -> str:
    """Write the offer, where its price comes from and when it was read."""
    return f"{price.title} ; {price.source}, lu le {price.read_on:%d/%m/%Y}"


def _figure(amount: Decimal) -> str:
    shown = amount.quantize(CENT, ROUND_HALF_UP)
    text = f"{shown:,.0f}" if shown == shown.to_integral_value() else f"{shown:,.2f}"
    return text.replace(",", "\u202f").replace(".", ",")


def _cents(amount: Decimal | None) -> str:
    """Return the amount in cents; below half a cent with all its digits, so that it is no zero."""
    if amount is None:
        return ""
    shown = amount.quantize(CENT, ROUND_HALF_UP)
    return str(shown) if shown or not amount else f"{amount:.6f}"
