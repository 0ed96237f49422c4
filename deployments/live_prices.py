"""Ask the estate's providers what their machines cost now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from blocks import registry
from blocks.errors import ContinuityError
from blocks.types import MachineSize
from blocks.vps.base import VpsProvider
from flows.decisions.live_prices import company

Told = dict[str, tuple[MachineSize, ...]]


def ask_prices() -> tuple[Told, tuple[str, ...]]:
    """Return the priced sizes by company, and who gave none and why (French)."""
    references = registry.references(VpsProvider)
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(_sizes, references))
    told: Told = {}
    silent = []
    for reference, found in zip(references, answers, strict=True):
        if isinstance(found, ContinuityError):
            silent.append(f"{company(reference)} n'a pas pu être interrogé ({found.cause})")
        elif any(each.price for each in found):
            told.setdefault(company(reference), found)
    return told, tuple(silent)


def _sizes(reference: str) -> tuple[MachineSize, ...] | ContinuityError:
    try:
        return registry.load(reference, VpsProvider).sizes()
    except ContinuityError as error:
        return error
