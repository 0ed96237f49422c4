"""What OVH's editor holds, what is published, and what of it to show. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blocks.dns.changes import canonical
from blocks.types import AddressChange

LEAST_TTL = 60
"""OVH makes 60 seconds of anything shorter, and says nothing."""
ZONE_TTL = 0
"""The TTL by which a record says that the zone's own holds."""

Key = tuple[str, str]
"""Label and type; the zone itself has an empty label."""
Answered = tuple[tuple[str, ...], int]
"""Addresses that are served and their TTL."""


@dataclass(frozen=True, slots=True)
class Row:
    """One address of one record, as the editor holds it."""

    id: int
    label: str
    type: str
    target: str
    ttl: int

    @classmethod
    def of(cls, shape: Mapping[str, Any]) -> Row:
        """Read the vendor's `domain.zone.Record`."""
        (target,) = canonical([shape["target"]])
        ttl = shape.get("ttl") or ZONE_TTL
        return cls(shape["id"], shape.get("subDomain") or "", shape["fieldType"], target, ttl)

    @property
    def key(self) -> Key:
        """Return what its record is found by."""
        return self.label, self.type

    def shape(self) -> dict[str, Any]:
        """Return it as octoDNS takes it from the vendor."""
        return {
            "subDomain": self.label,
            "fieldType": self.type,
            "target": self.target,
            "ttl": self.ttl,
        }


def grouped(rows: Iterable[Row]) -> dict[Key, list[Row]]:
    """Return the rows of each record."""
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.key].append(row)
    return found


def targets(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return their addresses, sorted."""
    return tuple(sorted({row.target for row in rows}))


def shown(
    key: Key, edited: Sequence[Row], served: Answered | None, change: AddressChange | None
) -> list[Row]:
    """Return one record as it is published, so that an unpublished edit counts as not done.

    `served` is None where nobody knows. Then the editor is believed, except that an edit which
    `change` asks for is taken as unpublished: to publish it twice does no harm.
    """
    wanted = None if change is None else (canonical(change.old), canonical(change.new))
    if served is None:
        if change is not None and wanted and targets(edited) == wanted[1]:
            return _rows(key, wanted[0], change.ttl)
        return list(edited)
    values, ttl = served
    if targets(edited) == values:
        return [_with_ttl(row, ttl) for row in edited]
    # A wildcard answers for a name that is not published; its addresses are not this record's.
    if wanted and not wanted[0] and targets(edited) == wanted[1]:
        return []
    if wanted and not edited and values != wanted[0]:
        return []
    return _rows(key, values, ttl)


def is_strange(edited: Sequence[Row], old: Iterable[str], new: Iterable[str]) -> bool:
    """Say whether the editor holds what neither was there nor is wanted."""
    held = set(targets(edited))
    return not held <= {*old, *new} or (not held and bool(set(old)) and bool(set(new)))


def ttl_for(edited: Sequence[Row], wanted: int, served: Answered | None) -> int:
    """Return the TTL to write: the zone's own stays the zone's own."""
    follows_zone = bool(edited) and all(row.ttl == ZONE_TTL for row in edited)
    if wanted == ZONE_TTL or (follows_zone and served is not None and wanted == served[1]):
        return ZONE_TTL
    return max(wanted, LEAST_TTL)


def _rows(key: Key, values: Iterable[str], ttl: int) -> list[Row]:
    return [Row(0, *key, value, ttl) for value in values]


def _with_ttl(row: Row, served: int) -> Row:
    ttl = served if row.ttl == ZONE_TTL else row.ttl
    return Row(row.id, row.label, row.type, row.target, ttl)
