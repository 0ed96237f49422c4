"""Decide from which recovery set a server comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blocks.errors import DamagedData, NotFound
from blocks.types import RecoverySet


@dataclass(frozen=True, slots=True)
class SetChoice:
    """The chosen set, and the newer ones that were passed over with the reason."""

    chosen: RecoverySet
    passed_over: tuple[tuple[str, str], ...]


def choose_set(
    server: str,
    sets: Sequence[RecoverySet],
    refused: Mapping[str, str],
    wanted: str = "",
    again: str = "",
) -> SetChoice:
    """Choose the newest set that nothing speaks against, or the wanted one.

    Args:
        server: For messages.
        sets: All readable sets.
        refused: Why a set must not be used, by set id; unreadable manifests included.
        wanted: A set that the operator named; it is never replaced by another silently.
        again: The command that a hint gives; default the recovery of the server.

    Raises:
        NotFound: There is no usable set, or no set of the wanted name.
        DamagedData: The wanted set must not be used; the hint names the newest usable one.
    """
    usable = [each for each in sorted(sets, key=lambda s: s.started_at) if each.id not in refused]
    if wanted:
        return _choose_wanted(server, usable, refused, wanted, again)
    if not usable:
        reasons = "; ".join(f"{name}: {why}" for name, why in refused.items()) or "there is none"
        raise NotFound(
            f"recovery set of {server}", reasons, f"look at what exists: continuity sets {server}"
        )
    chosen = usable[-1]
    newer = tuple((name, why) for name, why in sorted(refused.items()) if name > chosen.id)
    return SetChoice(chosen, newer)


def _choose_wanted(
    server: str,
    usable: Sequence[RecoverySet],
    refused: Mapping[str, str],
    wanted: str,
    again: str,
) -> SetChoice:
    offer = (
        f"{again or f'continuity recover {server}'} --set {usable[-1].id}"
        if usable
        else f"continuity sets {server}"
    )
    if wanted in refused:
        raise DamagedData(f"recovery set {wanted}", refused[wanted], offer)
    found = [each for each in usable if each.id == wanted]
    if not found:
        raise NotFound(f"recovery set {wanted}", f"{server} has no set of this name", offer)
    return SetChoice(found[0], ())
