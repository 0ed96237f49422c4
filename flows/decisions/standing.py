"""Decide what may be said of a server's backups as a whole, from all that is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from blocks.types import Damage, Proof, Reading, RecoverySet
from flows.decisions.set_state import SetStatus, best, differing, set_statuses
from flows.decisions.verification_plan import NEXT_RUN, Bound, Policy, bound


@dataclass(frozen=True, slots=True)
class Weighed:
    """Whether backups are proven, and what is missing."""

    problems: tuple[str, ...]

    @property
    def green(self) -> bool:
        """Whether everything that was promised is proven."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one server's sets in one repository.

    Attributes:
        taken_at: When it was looked at.
        refused: Why a set must not be used, by set id.
        proofs: The newest proof of each set.
        reading: How far the rolling reading is; None if it never began.
        distrusted: Why records about the sets were not used.
        repository: The repository's name.
        failed: Why it could not be looked at, "" if it could; nothing else is known then.
    """

    server: str
    taken_at: datetime
    policy: Policy
    sets: tuple[RecoverySet, ...]
    refused: Mapping[str, str]
    proofs: Mapping[str, Proof]
    reading: Reading | None
    distrusted: tuple[str, ...] = field(default=())
    repository: str = ""
    failed: str = ""

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

    @property
    def proven_at(self) -> datetime | None:
        """When a set was last proven, None if none ever was."""
        return max((each.at for each in self.proofs.values() if each.passed), default=None)

    def weighed(self, troubles: Sequence[str] = ()) -> Weighed:
        """Say whether everything is proven. `troubles` are what went wrong while looking."""
        if self.failed:
            return Weighed((f"illisible : {self.failed}",))
        problems = [*troubles, *self.distrusted, *self._proof_problems()]
        return Weighed((*problems, *self._reading_problems()))

    def _proof_problems(self) -> list[str]:
        found, passed = [], self.proven_at
        if not self.statuses:
            found.append("il n'y a aucun jeu")
        elif passed is None:
            found.append("aucun jeu n'a jamais été prouvé")
        elif self.taken_at - passed > self.policy.prove_within:
            found.append(f"la dernière preuve date de {(self.taken_at - passed).days} jours")
        last = self.newest_proof
        if last is not None and not last.passed:
            found.append(
                f"le jeu {last.set_id} n'a pas passé sa preuve : {'; '.join(last.differences)}"
            )
        return found

    def _reading_problems(self) -> list[str]:
        if self.reading is None or self.bound is None:
            return ["les données n'ont jamais été relues"]
        found = [self._damage_text(each) for each in self.reading.damaged]
        if self.bound.late:
            days = self.bound.within.days
            found.append(f"une partie des données n'a pas été relue depuis plus de {days} jours")
        return found + (differing(self.reading.spot) if self.reading.spot else [])

    def _damage_text(self, damage: Damage) -> str:
        hit = [name for name, each in self.statuses.items() if damage.key in each.why]
        needed = f"nécessaire à {', '.join(hit)}" if hit else "aucun jeu n'en a besoin"
        return f"{damage.key} est endommagé, {needed}"


@dataclass(frozen=True, slots=True)
class Standings:
    """What is known of one server's sets in all its repositories.

    Attributes:
        copies: A repository each, the first one in front.
        sets: Every set that lies anywhere, oldest first.
        refused: Why the sets that no repository can give must not be used.
    """

    copies: tuple[Standing, ...]
    sets: tuple[RecoverySet, ...]
    refused: Mapping[str, str]

    @property
    def server(self) -> str:
        """The server's name."""
        return self.copies[0].server

    @property
    def taken_at(self) -> datetime:
        """When it was looked at."""
        return self.copies[0].taken_at

    @property
    def statuses(self) -> dict[str, SetStatus]:
        """The best state that a set has in any repository: a recovery takes it from there."""
        held = [(name, each) for copy in self.copies for name, each in copy.statuses.items()]
        names = sorted({name for name, _ in held})
        return {name: best([each for held_, each in held if held_ == name]) for name in names}

    @property
    def proven_at(self) -> datetime | None:
        """Since when every repository is proven, None if one never was."""
        proven = [each.proven_at for each in self.copies]
        known = [at for at in proven if at is not None]
        return min(known) if len(known) == len(proven) else None

    def weighed(self, troubles: Mapping[str, Sequence[str]] | None = None) -> Weighed:
        """Say whether everything is proven in every repository.

        Args:
            troubles: What went wrong while looking, by repository.
        """
        several = len(self.copies) > 1
        return Weighed(
            tuple(
                f"{copy.repository} : {problem}" if several else problem
                for copy in self.copies
                for problem in (
                    *copy.weighed((troubles or {}).get(copy.repository, ())).problems,
                    *self._behind(copy),
                )
            )
        )

    def _behind(self, copy: Standing) -> list[str]:
        """Say that a repository lacks the newest set, once a backup had a day to bring it."""
        usable = [each for each in self.sets if each.id not in self.refused]
        due = [each for each in usable if self.taken_at - each.finished_at > NEXT_RUN]
        here = max((each.started_at for each in copy.usable), default=None)
        if copy.failed or not due or (here is not None and here >= due[-1].started_at):
            return []
        return [f"le jeu {due[-1].id} n'y est pas entier"]
