"""What a change of addresses may be, and what of it is left to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address

from blocks.errors import OutOfScope, UpdateRefused
from blocks.types import AddressChange, AddressRecord

Held = Mapping[tuple[str, str], tuple[str, ...]]
"""Canonical addresses by name and type; a record that is not there is left out."""

VERSIONS = {"A": 4, "AAAA": 6}


def canonical(values: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses in their one spelling, each once, sorted."""
    return tuple(sorted({str(ip_address(value)) for value in values}))


def check_scope(zone: str, changes: Sequence[AddressChange]) -> None:
    """Raise `OutOfScope` unless each change replaces addresses of its own name in this zone."""
    seen: set[tuple[str, str]] = set()
    for change in changes:
        subject = f"{change.type} record of {change.name}"
        if change.name != zone and not change.name.endswith(f".{zone}"):
            raise OutOfScope(subject, f"is not in the zone {zone}", "take the zone that covers it")
        if not _is_of_its_type(change):
            cause = f"{change.old} -> {change.new} are not addresses of this type"
            raise OutOfScope(subject, cause, "check the addresses in the plan")
        if (change.name, change.type) in seen:
            raise OutOfScope(subject, "is changed twice in one call", "merge both changes into one")
        seen.add((change.name, change.type))


def remaining(zone: str, held: Held, changes: Sequence[AddressChange]) -> tuple[AddressChange, ...]:
    """Return the changes that are not done yet, with canonical addresses.

    Raises:
        UpdateRefused: A record has neither its old nor its new addresses: somebody edited it.
    """
    todo = []
    for change in changes:
        now = held.get((change.name, change.type), ())
        old, new = canonical(change.old), canonical(change.new)
        if now == new:
            continue
        if now != old:
            raise edited_by_others(zone, change, now)
        todo.append(AddressChange(change.name, change.type, old, new, change.ttl))
    return tuple(todo)


def remaining_ttls(
    zone: str, held: Sequence[AddressRecord], wanted: Sequence[AddressRecord]
) -> tuple[AddressChange, ...]:
    """Return the changes that give each record its wanted TTL, without those that have it.

    Raises:
        UpdateRefused: A record does not hold the addresses that are said: somebody edited it.
    """
    now = {(record.name, record.type): record for record in held}
    todo = []
    for record in wanted:
        values = canonical(record.values)
        change = AddressChange(record.name, record.type, values, values, record.ttl)
        found = now.get((record.name, record.type))
        if not found or found.values != values:
            raise edited_by_others(zone, change, found.values if found else ())
        if found.ttl != record.ttl:
            todo.append(change)
    return tuple(todo)


def as_changes(records: Iterable[AddressRecord]) -> list[AddressChange]:
    """Return changes of nothing but the TTL, for `check_scope`."""
    return [AddressChange(r.name, r.type, r.values, r.values, r.ttl) for r in records]


def edited_by_others(
    zone: str, change: AddressChange, now: tuple[str, ...] | None = None
) -> UpdateRefused:
    """Return the error for a record that is not what the plan was made for."""
    expected = ", ".join(change.old) or "no address"
    found = "something else" if now is None else ", ".join(now) or "no address"
    return UpdateRefused(
        f"{change.type} record of {change.name} in zone {zone}",
        f"holds {found} instead of {expected}; nothing was changed",
        "ask who edited the zone, then run the procedure again: it plans from what is there now",
    )


def _is_of_its_type(change: AddressChange) -> bool:
    try:
        found = {ip_address(value).version for value in (*change.old, *change.new)}
    except ValueError:
        return False
    return change.type in VERSIONS and found <= {VERSIONS[change.type]}
