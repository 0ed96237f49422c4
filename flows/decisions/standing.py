"""Decide what may be said of a server's backups as a whole, from all that is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from blocks.types import Damage, Proof, Reading, RecoverySet
from flows.decisions.set_state import SetStatus, differing, set_statuses
from flows.decisions.verification_plan import Bound, Policy, bound


@dataclass(frozen=True, slots=True)
class Weighed:
    """Whether a server's backups are proven, and what is missing."""

    newest_proof: datetime | None
    problems: tuple[str, ...]

    @property
    def green(self) -> bool:
        """Whether everything that was promised is proven."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one server's sets.

    Attributes:
        taken_at: When it was looked at.
        refused: Why a set must not be used, by set id.
        proofs: The newest proof of each set.
        reading: How far the rolling reading is; None if it never began.
        distrusted: Why records about the sets were not used.
    """

    server: str
    taken_at: datetime
    policy: Policy
    sets: tuple[RecoverySet, ...]
    refused: Mapping[str, str]
    proofs: Mapping[str, Proof]
    reading: Reading | None
    distrusted: tuple[str, ...] = field(default=())

    @property
    def usable(self) -> tuple[RecoverySet, ...]:
        """The sets that a recovery would take, oldest first."""
        return tuple(each for each in self.sets if each.id not in self.refused)

    @property
    def statuses(self) -> dict[str, SetStatus]:
        """The state of each set, by its id."""
        return set_statuses(
            self.sets, self.refused, self.proofs, self.reading, self.policy, self.taken_at
        )

    @property
    def bound(self) -> Bound | None:
        """How long ago the data was read at most; None if that never began."""
        return bound(self.reading, self.policy, self.taken_at) if self.reading else None

    @property
    def newest_proof(self) -> Proof | None:
        """The last proof, whether it passed or not."""
        return max(self.proofs.values(), key=lambda each: each.at, default=None)

    def weighed(self, troubles: Sequence[str] = ()) -> Weighed:
        """Say whether everything is proven. `troubles` are what went wrong while looking."""
        passed = max((each.at for each in self.proofs.values() if each.passed), default=None)
        problems = [*troubles, *self.distrusted, *self._proof_problems(passed)]
        problems += self._reading_problems()
        return Weighed(passed, tuple(problems))

    def _proof_problems(self, passed: datetime | None) -> list[str]:
        found = []
        if not self.statuses:
            found.append("there is no recovery set")
        elif passed is None:
            found.append("no set was ever proven")
        elif self.taken_at - passed > self.policy.prove_within:
            found.append(f"the last proof is {(self.taken_at - passed).days} days old")
        last = self.newest_proof
        if last is not None and not last.passed:
            found.append(f"set {last.set_id} failed its proof: {'; '.join(last.differences)}")
        return found

    def _reading_problems(self) -> list[str]:
        if self.reading is None or self.bound is None:
            return ["the data was never read again"]
        found = [self._damage_text(each) for each in self.reading.damaged]
        if self.bound.late:
            days = self.bound.within.days
            found.append(f"part of the data was not read for more than {days} days")
        return found + (differing(self.reading.spot) if self.reading.spot else [])

    def _damage_text(self, damage: Damage) -> str:
        hit = [name for name, each in self.statuses.items() if damage.key in each.why]
        needed = f"sets {', '.join(hit)} need it" if hit else "no set needs it"
        return f"{damage.key} is damaged, {needed}"
