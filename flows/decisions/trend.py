"""Decide what past drills say of recovery time and data loss, against what was promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.types import Tier
from flows.decisions.aftermath import LOSS_WITH_ARCHIVE, LOSS_WITHOUT, PROMISED
from flows.decisions.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Practice:
    """What one drill measured.

    Attributes:
        rto: None if nothing came back.
        rpo: None if the data was not proven.
        proven: Whether all of it was.
    """

    incident: str
    at: datetime
    rto: timedelta | None
    rpo: timedelta | None
    proven: bool


@dataclass(frozen=True, slots=True)
class Targets:
    """What was promised for a server: its strictest site counts."""

    rto: timedelta
    rpo: timedelta


def targets_of_tiers(tiers: Sequence[Tier], *, archive: bool) -> Targets:
    """Return the targets of a server with sites of these tiers."""
    rto = min((PROMISED[each] for each in tiers), default=PROMISED[Tier.HOURS_48])
    return Targets(rto, LOSS_WITH_ARCHIVE if archive else LOSS_WITHOUT)


def practices(reports: Mapping[str, Mapping[str, object]]) -> tuple[Practice, ...]:
    """Return what the drills of these reports measured, in the reports' order."""
    return tuple(
        Practice(
            incident,
            datetime.fromisoformat(str(each["down_since"])),
            _span(each["rto_seconds"]),
            _span(each["rpo_seconds"]),
            each["verdict"] == Verdict.RECOVERED,
        )
        for incident, each in reports.items()
    )


def _span(seconds: object) -> timedelta | None:
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
