"""Read what is known of a server's sets: taken, proven, stale, failed. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from blocks.errors import ContinuityError
from blocks.repositories.proofs import Proofs
from blocks.types import Proof, Reading, RecoverySet
from flows.decisions.set_state import SetStatus, Weighed, set_statuses, weigh
from flows.decisions.verification_plan import Bound, Policy, bound
from flows.tasks.incident import Estate, now
from flows.tasks.look import usable_sets


@dataclass(frozen=True)
class Standing:
    """What is known of one server's sets now.

    Attributes:
        refused: Why a set must not be used, by set id.
        distrusted: Why records about the sets were not used.
    """

    server: str
    policy: Policy
    sets: tuple[RecoverySet, ...]
    refused: Mapping[str, str]
    proofs: Mapping[str, Proof]
    reading: Reading | None
    distrusted: tuple[str, ...] = field(default=())

    @property
    def statuses(self) -> dict[str, SetStatus]:
        """The state of each set."""
        return set_statuses(self.sets, self.refused, self.proofs, self.reading, self.policy, now())

    @property
    def bound(self) -> Bound | None:
        """How long ago the data was read at most; None if that never began."""
        return bound(self.reading, self.policy, now()) if self.reading else None

    def weighed(self, troubles: tuple[str, ...] = ()) -> Weighed:
        """Return what may be said of the server as a whole."""
        return weigh(
            self.server,
            self.statuses,
            tuple(self.proofs.values()),
            self.bound,
            self.reading,
            self.policy,
            now(),
            (*troubles, *self.distrusted),
        )


def policy_of(estate: Estate) -> Policy:
    """Return what the estate promises about this server's backups."""
    said = estate.declared.verification
    return Policy(
        timedelta(days=said.read_within_days),
        timedelta(days=said.prove_within_days),
        said.sample_files,
    )


def standing(estate: Estate) -> Standing:
    """Look at sets, proofs and readings; records that cannot be read hide no set."""
    sets, refused = usable_sets(estate)
    records = Proofs(estate.repository)
    distrusted: list[str] = []
    proofs, reading = {}, None
    try:
        proven = records.of(estate.name)
        proofs = proven.proofs
        distrusted += proven.refused.values()
        reading = records.reading(estate.name)
    except ContinuityError as error:
        distrusted.append(str(error))
    return Standing(
        server=estate.name,
        policy=policy_of(estate),
        sets=tuple(sets),
        refused=refused,
        proofs=proofs,
        reading=reading,
        distrusted=tuple(distrusted),
    )
