"""Prove that the data on the new machine is the data that the manifest tells of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from prefect import get_run_logger

from blocks.databases.base import Database
from blocks.errors import ContinuityError, NotFound, VerificationFailed
from blocks.records import StepRecord, StepState
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.proofs import Proofs
from blocks.servers.base import Server
from blocks.types import Part, Proof, RecoverySet
from flows.decisions.recovery_plan import RecoveryPlan
from flows.decisions.row_match import row_problems, rows
from flows.decisions.verdict import Outcome, Verdict
from flows.reports.progress import latest
from flows.reports.wording import counted, moment
from flows.tasks.incident import Incident, StepNote, now
from flows.tasks.restore import STAGING
from flows.tasks.steps import step

CANARY_FILE = "/var/lib/continuity/canary.json"
OF_THE_SET = ("files", "configuration", "database", "data")
"""Steps that bring back, or look at, nothing but the set's own data."""
SPEAKS_AGAINST_THE_SET = ("DamagedData", "VerificationFailed")


@step("data")
def check_data(incident: Incident, note: StepNote, server: Server, chosen: RecoverySet) -> None:
    """Require the set's canary, as file and as row, and every table that the manifest names.

    Raises:
        VerificationFailed: Something is missing; which.
    """
    problems = _canary_file_problems(server, chosen)
    note.saw = "témoin : fichier"
    database = incident.estate.database
    if database is not None and chosen.database_facts is not None:
        problems += _database_problems(incident, note, server, database, chosen)
    if problems:
        raise VerificationFailed(
            f"restored data of {incident.estate.name}",
            "; ".join(problems),
            f"restore an older set: continuity sets {incident.estate.name}",
        )


def _canary_file_problems(server: Server, chosen: RecoverySet) -> list[str]:
    try:
        found = json.loads(server.get(STAGING + CANARY_FILE))
    except NotFound:
        return ["the canary file is missing"]
    except ValueError:
        return ["the canary file cannot be read"]
    right = found.get("nonce") == chosen.canary.nonce
    return [] if right else [f"the canary file is of {found.get('written_at')}"]


def _database_problems(
    incident: Incident, note: StepNote, server: Server, database: Database, chosen: RecoverySet
) -> list[str]:
    canary, here = database.read_canary(server), database.facts(server)
    exact = chosen.database_facts_after is not None and _is_untouched_copy(incident)
    problems = list(row_problems(chosen, here, exact=exact))
    if canary is None or canary.nonce != chosen.canary.nonce:
        problems.append(f"the canary row is {'missing' if canary is None else 'of another set'}")
    else:
        note.saw += f" et ligne du {moment(canary.written_at)}"
        note.data = {"canary_written_at": canary.written_at.isoformat()}
    as_of = max(chosen.consistent_at, database.read_pulse(server) or chosen.consistent_at)
    note.data["data_as_of"] = as_of.isoformat()
    counted_rows = rows(here)
    tables, total = len(counted_rows), sum(counted_rows.values())
    note.data |= {"set": chosen.id, "exact": exact, "tables": tables, "rows": total}
    note.saw += f" ; {counted(tables, 'table')}, {counted(total, 'ligne')}"
    note.saw += ", comptées avant et après la copie" if exact else ", présence seulement"
    return problems


def _is_untouched_copy(incident: Incident) -> bool:
    """Return whether nobody but the restore has written to the databases here.

    A run that was taken up again may find a site of theirs whose pages were opened already.
    """
    restored = incident.done("database")
    physical = restored is not None and bool(restored.data.get("physical"))
    pages = {f"smoke-{name}" for name, site in incident.estate.sites.items() if site.databases}
    return physical and not any(record.step in pages for record in incident.records)


def record_proof(incident: Incident, plan: RecoveryPlan, outcome: Outcome) -> None:
    """Keep what this restore proved of its set, or disproved; otherwise nothing.

    A run that failed for another reason (no machine, no DNS) says nothing about the set. A record
    that cannot be kept does not make a recovery fail: without it the set stays unproven.
    """
    try:
        _record(incident, plan, outcome)
    except ContinuityError as error:
        get_run_logger().warning("the proof of %s was not kept: %s", plan.set_id, error)


def _record(incident: Incident, plan: RecoveryPlan, outcome: Outcome) -> None:
    differences = _differences(incident.records)
    figures = _figures(incident, plan)
    if not differences and (outcome.verdict is not Verdict.RECOVERED or figures is None):
        return
    proof = figures or Proof(plan.server, plan.set_id, incident.id, now())
    Proofs(incident.estate.repository).put(replace(proof, differences=differences))


def _differences(records: Sequence[StepRecord]) -> tuple[str, ...]:
    """Return what the restore found wrong with the set's own data."""
    return tuple(
        f"{record.step}: {record.why}"
        for record in latest(records)
        if record.state is StepState.FAILED
        and record.step.partition("-")[0] in OF_THE_SET
        and record.data.get("error") in SPEAKS_AGAINST_THE_SET
    )


def _figures(incident: Incident, plan: RecoveryPlan) -> Proof | None:
    """Return what was compared, None if the databases could not be compared row by row."""
    chosen = Catalogue(incident.estate.repository).read(plan.server, plan.set_id)
    compared = [
        record.data
        for record in incident.records
        if record.step == "data" and record.state is StepState.DONE and record.data.get("exact")
    ]
    if chosen.database_facts is not None and not compared:
        return None
    counts = compared[-1] if compared else {}
    files = [ref for ref in chosen.snapshots if ref.part in (Part.SITE, Part.CONFIGURATION)]
    return Proof(
        server=plan.server,
        set_id=plan.set_id,
        incident=incident.id,
        at=now(),
        tables=int(str(counts.get("tables", 0))),
        rows=int(str(counts.get("rows", 0))),
        # The restore tool has read all of them again and compared them with the set.
        files=sum(ref.files for ref in files),
        bytes=sum(ref.size for ref in files),
    )
