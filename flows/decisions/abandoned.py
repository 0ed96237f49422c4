"""Decide whether a run ended without a word, and what its journal must then say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blocks.records import StepRecord, StepState

LAST_WORDS = "end"
SAID = (LAST_WORDS, "verify", "destroy")
"""Steps after which the report or the journal's last record tells the end."""
BESIDE = "clients-"
"""Steps that tell clients: they say nothing of how the run ended."""
WITHOUT_A_WORD = {
    "CANCELLED": "annulé dans Prefect",
    "CRASHED": "le processus a disparu",
    "FAILED": "personne n'a approuvé le plan à temps",
}
"""What Prefect's server can do to a run whose process cannot say so, by the run's state."""


def unsaid_end(records: Sequence[StepRecord], state: str, ended_at: datetime) -> str:
    """Return why a run ended (French) when its journal does not tell, "" when it does.

    Args:
        records: The incident's journal, in order.
        state: Type of the run's last state in Prefect.
        ended_at: When it came to that state; records that began later are those of another run.
    """
    told = [each for each in records if not each.step.startswith(BESIDE)]
    if not told or state not in WITHOUT_A_WORD:
        return ""
    last = told[-1]
    if last.step in SAID or last.started_at > ended_at:
        return ""
    waits = last.step == "approve" and last.state is StepState.STARTED
    # A run that fails by itself says so; only its wait for approval is ended by the server.
    return WITHOUT_A_WORD[state] if waits or state != "FAILED" else ""
