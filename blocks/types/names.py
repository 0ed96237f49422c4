"""Records of a DNS zone."""

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


@dataclass(frozen=True, slots=True, order=True)
class NamedRecord:
    """A record that names another name or an address in its text; it is only read.

    Attributes:
        name: Absolute, without the final dot.
        type: CNAME, MX or TXT.
        values: Of a CNAME or MX the names it leads to, without their final dot; of a TXT the texts.
    """

    name: str
    type: str
    values: tuple[str, ...]
