"""Address records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class AddressRecord:
    """All addresses of one name. `name` is absolute without the final dot, `type` is A or AAAA."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class AddressChange:
    """Replace one record's addresses. Empty `new` removes the record."""

    name: str
    type: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    ttl: int
