"""Read what is known of a server's sets: taken, proven, stale, failed. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from blocks.errors import ContinuityError
from blocks.repositories.proofs import Proofs
from blocks.types import Proof, Reading
from flows.decisions.protection import CopyView, all_sets, refused_everywhere
from flows.decisions.standing import Standing, Standings
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


def standings(estate: Estate, copies: Sequence[CopyView] = ()) -> Standings:
    """Look at sets, proofs and readings in every repository.

    `copies` is what the caller has just seen of all repositories.
    """
    seen = copies or usable_copies(estate)
    found = tuple(_standing(estate.only(view.name), view) for view in seen)
    return Standings(found, all_sets(seen), refused_everywhere(seen))


def standing(estate: Estate) -> Standing:
    """Look at the only repository of an estate; see `Estate.only`.

    Raises:
        ContinuityError: It cannot be read.
    """
    return standings(estate).copies[0]


def _standing(estate: Estate, view: CopyView) -> Standing:
    """Read what is kept about one repository's sets; a record that cannot be read hides none."""
    proofs: dict[str, Proof] = {}
    reading: Reading | None = None
    distrusted: list[str] = []
    try:
        if not view.failed:
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
        sets=all_sets([view]),
        refused=dict(view.refused),
        proofs=proofs,
        reading=reading,
        distrusted=tuple(distrusted),
        repository=view.name,
        failed=view.failed,
    )
