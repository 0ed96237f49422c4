"""Decide which sets a further repository still lacks, and what their manifests say there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from blocks.errors import VerificationFailed
from blocks.types import Part, ReadBack, RecoverySet, Snapshot, SnapshotRef
from flows.decisions.retention import RetentionRule, sets_to_keep


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What came of the copy to one repository: the sets that are there now, or why not."""

    name: str
    copied: tuple[str, ...] = ()
    failed: str = ""


def sets_to_copy(
    sets: Sequence[RecoverySet], there: Collection[str], rule: RetentionRule
) -> tuple[RecoverySet, ...]:
    """Return the sets that are not there yet, newest first: it is the one most likely needed.

    Those that the rule no longer keeps are left out: retention would remove them there at once.
    """
    kept = set(sets_to_keep(sets, rule))
    missing = [each for each in sets if each.id in kept and each.id not in there]
    return tuple(sorted(missing, key=lambda each: each.started_at, reverse=True))


def manifest_of_copy(
    made: RecoverySet, copied: Sequence[Snapshot], read_back: ReadBack
) -> RecoverySet:
    """Return the set's manifest for a repository that holds copies of its snapshots.

    Label and tree tell which copy belongs to which snapshot: equal trees hold equal contents.

    Raises:
        VerificationFailed: The repository lacks a part of the set.
    """
    ids = {
        (each.label.set_id, each.label.part, each.label.subject, each.tree): each.id
        for each in copied
        if each.label.server == made.server
    }
    refs = tuple(replace(ref, id=ids.get(_key(ref), "")) for ref in made.snapshots)
    missing = [f"{ref.part} {ref.subject}" for ref in refs if not ref.id]
    if missing:
        raise VerificationFailed(
            f"copy of {made.id}",
            f"the repository lacks {', '.join(missing)}",
            f"continuity backup {made.server}",
        )
    return replace(made, snapshots=refs, read_back=read_back)


def _key(ref: SnapshotRef) -> tuple[str, Part, str, str]:
    return (ref.taken_in, ref.part, ref.subject, ref.tree)
