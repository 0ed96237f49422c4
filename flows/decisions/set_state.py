"""Decide what may be said of each recovery set: never green without proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from blocks.types import Proof, Reading, RecoverySet, SpotCheck
from flows.decisions.verification_plan import Policy


class SetState(StrEnum):
    """What is known of one set."""

    TAKEN = "taken"
    """Complete and read back, and young enough to wait for its proof."""
    PROVEN = "proven"
    """Restored and compared, not too long ago."""
    STALE = "stale"
    """Its proof is too old, or it never had one."""
    FAILED = "failed"
    """Its restore showed differences, or data that it needs is damaged."""


@dataclass(frozen=True, slots=True)
class SetStatus:
    """One set's state.

    Attributes:
        proven_at: When it was last proven, None if never.
        why: What speaks against it, "" for nothing.
    """

    set_id: str
    state: SetState
    proven_at: datetime | None = None
    why: str = ""


_BEST_FIRST = (SetState.PROVEN, SetState.TAKEN, SetState.STALE, SetState.FAILED)


def best(statuses: Sequence[SetStatus]) -> SetStatus:
    """Return the best state of one set over several repositories; of equal ones the first."""
    return min(statuses, key=lambda each: _BEST_FIRST.index(each.state))


def set_statuses(
    sets: Sequence[RecoverySet],
    refused: Mapping[str, str],
    proofs: Mapping[str, Proof],
    reading: Reading | None,
    policy: Policy,
    now: datetime,
) -> dict[str, SetStatus]:
    """Return the state of each set, by its id.

    Args:
        sets: All readable sets.
        refused: Why a set must not be used, by set id; unreadable manifests included.
        proofs: The newest proof of each set, as far as they can be trusted.
        reading: How far the rolling reading is; its damage and spot check count.
        policy: For how long a proof holds, and how long a set may wait for one.
        now: The time.
    """
    known = {each.id: each for each in sets}
    return {
        name: _status(
            name, known.get(name), refused.get(name, ""), proofs.get(name), reading, policy, now
        )
        for name in sorted(known.keys() | refused.keys())
    }


def _status(
    name: str,
    made: RecoverySet | None,
    refused: str,
    proof: Proof | None,
    reading: Reading | None,
    policy: Policy,
    now: datetime,
) -> SetStatus:
    against = [refused] if refused else []
    if proof is not None:
        against += proof.differences
    if made is not None and reading is not None:
        against += _read_against(made, reading)
    proven_at = proof.at if proof is not None and proof.passed else None
    if against or made is None:
        return SetStatus(name, SetState.FAILED, proven_at, "; ".join(against))
    since = proven_at or made.finished_at
    if now - since > policy.prove_within:
        return SetStatus(name, SetState.STALE, proven_at)
    return SetStatus(name, SetState.PROVEN if proven_at else SetState.TAKEN, proven_at)


def _read_against(made: RecoverySet, reading: Reading) -> list[str]:
    """Return what the rolling reading and the spot check found against a set."""
    wanted = {ref.id for ref in made.snapshots}
    found = [
        f"{each.key} est endommagé" for each in reading.damaged if wanted & set(each.snapshots)
    ]
    if reading.spot is not None and reading.spot.set_id == made.id:
        found += differing(reading.spot)
    return found


def differing(spot: SpotCheck) -> list[str]:
    """Return a sentence for each file whose difference nothing explains."""
    return [f"{path} diffère du serveur, qui n'y a pas touché" for path in spot.unexplained]
