"""Names that visitors reach at addresses of a DNS provider, which passes on to the server."""

from __future__ import annotations

from collections.abc import Collection

from blocks.errors import ContinuityError
from flows.tasks.incident import Estate


def fronted(estate: Estate, names: Collection[str]) -> frozenset[str]:
    """Return those of these names; a zone that cannot be read knows of none."""
    found: frozenset[str] = frozenset()
    for zone in estate.zones.values():
        try:
            found |= zone.fronted([name for name in names if _is_in(name, zone.zone)])
        except ContinuityError:
            continue
    return found


def _is_in(name: str, zone: str) -> bool:
    return f".{name}".endswith(f".{zone}")
