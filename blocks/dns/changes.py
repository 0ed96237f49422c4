"""What a change of addresses may be, and what of it is left to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address

from blocks.errors import OutOfScope, UpdateRefused
from blocks.types import AddressChange

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
