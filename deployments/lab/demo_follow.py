"""Follow a recovery through its journal, the way everything else reads it too."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import get_client

from blocks.errors import VerificationFailed
from blocks.records import StepRecord, StepState
from blocks.repositories.journal import Journal
from deployments.cli.progress import sentence
from flows.decisions.recovery_plan import plan_from_document
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import open_estate
from flows.tasks.opening import incident_of_run


def follow(
    run: UUID,
    server: str,
    say: Callable[[str], None],
    patience: timedelta,
    approve: Callable[[str, str], None],
) -> dict[str, object]:
    """Print each step as it ends, approve the plan when it is asked for, return the report.

    Raises:
        VerificationFailed: The run ended without a report, or not in time.
    """
    incident = incident_of_run({"server": server}, run)
    journal = Journal(open_estate(server).state, incident)
    records: tuple[StepRecord, ...] = ()
    approved = False
    deadline = time.monotonic() + patience.total_seconds()
    while time.monotonic() < deadline:
        ended = _ended(run)
        new = journal.records(after=records[-1].sequence if records else 0)
        records += new
        for record in new:
            if record.state is not StepState.STARTED:
                say(sentence(record))
        if not approved and _asks(records) and ended is not None and ended == "Suspended":
            digest = _digest(journal)
            say(f"the plan waits: continuity approve {incident} --digest {digest}")
            approve(incident, digest)
            approved = True
        elif ended not in (None, "Suspended"):
            return _report(journal, incident, str(ended))
        time.sleep(0.3)
    raise VerificationFailed(f"incident {incident}", f"not done in {patience}", "continuity status")


def _ended(run: UUID) -> str | None:
    """Return the run's state if nothing happens by itself any more."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    if state is None or not (state.is_final() or state.name == "Suspended"):
        return None
    return str(state.name)


def _asks(records: tuple[StepRecord, ...]) -> bool:
    newest = [record for record in records if record.step == "approve"]
    return bool(newest) and newest[-1].state is StepState.STARTED


def _digest(journal: Journal) -> str:
    """Return the digest an operator reads on the plan."""
    return plan_from_document(journal.document(PLAN) or {}).digest


def _report(journal: Journal, incident: str, state: str) -> dict[str, object]:
    document = journal.document(REPORT)
    if document is None:
        last = journal.records()[-1]
        raise VerificationFailed(
            f"incident {incident}", f"ended {state} at {last.step}: {last.why}", "continuity status"
        )
    return dict(document)
