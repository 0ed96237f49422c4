"""What a new machine must have at least: what the estate asks for, and room for the data."""

from __future__ import annotations

from dataclasses import replace

from blocks.types import MachineNeeds, Part, RecoverySet

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


def needs_for(declared: MachineNeeds, made: RecoverySet | None) -> MachineNeeds:
    """Return what is asked for, with a disk that is never smaller than the data."""
    return replace(declared, disk=max(declared.disk, least_disk(made)))
