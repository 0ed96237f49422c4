"""Read what is known of a server's sets: taken, proven, stale, failed. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from blocks.errors import ContinuityError
from blocks.repositories.proofs import Proofs
from blocks.types import Proof, Reading
from flows.decisions.protection import CopyView, all_sets, refused_everywhere
from flows.decisions.standing import Standing
from flows.decisions.verification_plan import Policy
from flows.tasks.incident import Estate, now
from flows.tasks.look import usable_copies


def policy_of(estate: Estate) -> Policy:
    """Return what the estate promises about this server's backups."""
    said = estate.declared.verification
    return Policy(
        timedelta(days=said.read_within_days),
        timedelta(days=said.prove_within_days),
        said.sample_files,
    )


def standing(estate: Estate, copies: Sequence[CopyView] = ()) -> Standing:
    """Look at sets, proofs and readings; records that cannot be read hide no set.

    `copies` is what the caller has just seen of all repositories.
    """
    seen = copies or usable_copies(estate)
    sets, refused = all_sets(seen), refused_everywhere(seen)
    proofs: dict[str, Proof] = {}
    reading: Reading | None = None
    distrusted: list[str] = []
    try:
        proven = Proofs(estate.repository).of(estate.name)
        proofs = proven.proofs
        distrusted += proven.refused.values()
        reading = Proofs(estate.repository).reading(estate.name)
    except ContinuityError as error:
        distrusted.append(str(error))
    return Standing(
        server=estate.name,
        taken_at=now(),
        policy=policy_of(estate),
        sets=tuple(sets),
        refused=refused,
        proofs=proofs,
        reading=reading,
        distrusted=tuple(distrusted),
    )
