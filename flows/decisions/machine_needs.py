"""What a new machine must have at least: what the estate asks for, and room for the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blocks.types import MachineNeeds, Part, RecoverySet
from flows.reports.wording import size

SYSTEM, ROOM = 5 * 1024**3, 2
"""What a new machine's disk must hold: the system, and so many times the data of a set."""
RESTORED = (Part.PHYSICAL, Part.SITE, Part.CONFIGURATION)
"""Parts of a set that lie on the new machine's disk afterwards."""


def restored_size(made: RecoverySet) -> int:
    """Return the bytes of a set that lie on the new machine's disk afterwards."""
    return sum(ref.size for ref in made.snapshots if ref.part in RESTORED)


def least_disk(made: RecoverySet | None) -> int:
    """Return the bytes of disk without which a set does not come back."""
    return SYSTEM + ROOM * restored_size(made) if made else SYSTEM


def why_none(
    wanted: str, offered: Sequence[str], needs: MachineNeeds, made: RecoverySet | None
) -> str:
    """Say why none of the sizes that are offered serves (French).

    Args:
        wanted: The size that the target names, "" for any.
        offered: Names of the provider's sizes there.
        needs: What was asked for, the data's disk included.
        made: The set whose data must fit, None if there is none yet.
    """
    if wanted in offered or (offered and not wanted):
        seen = f"{wanted or 'aucune taille'} : trop petite, il faut {size(needs.disk)} de disque"
        data = restored_size(made) if made else 0
        return seen + (f" pour {size(data)} de données" if data else "")
    return f"{wanted or 'aucune taille'} : pas proposée ({', '.join(offered) or 'rien'})"


def needs_for(declared: MachineNeeds, made: RecoverySet | None) -> MachineNeeds:
    """Return what is asked for, with a disk that is never smaller than the data."""
    return replace(declared, disk=max(declared.disk, least_disk(made)))
