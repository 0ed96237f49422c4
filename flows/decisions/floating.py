"""Decide whether a server's floating address can lead to its new machine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blocks.types import Machine

if TYPE_CHECKING:
    from flows.decisions.recovery_plan import TargetChoice


@dataclass(frozen=True, slots=True)
class Floating:
    """An address that its provider leads to machines of one of its regions, and to no others."""

    address: str
    provider: str
    region: str


def can_follow(floating: Floating, targets: Sequence[TargetChoice]) -> bool:
    """Return whether the address could lead to a machine of any of these targets."""
    place = (floating.provider, floating.region)
    return any((each.provider, each.region) == place for each in targets)


def in_reach(floating: Floating, machine: Machine) -> bool:
    """Return whether the address can lead to this machine."""
    return (machine.provider, machine.region) == (floating.provider, floating.region)


def out_of_reach(floating: Floating, machine: Machine) -> str:
    """Say why the address stays where it is and names must change (French)."""
    return (
        f"machine faite chez {place_text(machine.provider, machine.region)}, l'adresse ne quitte "
        f"pas {place_text(floating.provider, floating.region)} : bascule par le DNS"
    )


def floating_note(floating: Floating, targets: Sequence[TargetChoice], *, moves: bool) -> str:
    """Say before a move or a recovery that the address cannot follow (French); "" if it can.

    Args:
        floating: The server's.
        targets: Where the new machine may be made.
        moves: Whether the server serves and is moved: its names then follow by DNS.
    """
    if moves:
        return f"l'adresse flottante {floating.address} ne suit pas un retour : bascule par le DNS"
    if can_follow(floating, targets):
        return ""
    place = place_text(floating.provider, floating.region)
    return (
        f"l'adresse flottante {floating.address} ne peut pas suivre : aucune machine ne peut être "
        f"faite chez {place} ; bascule par le DNS"
    )


def place_text(provider: str, region: str) -> str:
    """Name a provider and its region as plans do: `hetzner-vps/secours, fsn1`."""
    return f"{provider}, {region}" if region else provider
