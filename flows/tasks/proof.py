"""Prove that the data on the new machine is the data that the manifest tells of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from prefect import get_run_logger

from blocks.databases.base import Database
from blocks.errors import ContinuityError, NotFound, VerificationFailed
from blocks.records import StepRecord, StepState
from blocks.repositories.proofs import Proofs
from blocks.servers.base import Server
from blocks.types import DatabaseFacts, Part, Proof, RecoverySet
from flows.decisions.recovery_plan import RecoveryPlan
from flows.decisions.row_match import row_problems, rows
from flows.decisions.verdict import Outcome, Verdict
from flows.reports.progress import latest
from flows.reports.wording import counted, moment
from flows.tasks.incident import Incident, Source, StepNote, now
from flows.tasks.restore import STAGING
from flows.tasks.steps import step

CANARY_FILE = "/var/lib/continuity/canary.json"
AS_OF = "data-as-of"
OF_THE_SET = ("files", "configuration", "database", "rows", "data")
"""Steps that bring back, or look at, nothing but the set's own data."""
SPEAKS_AGAINST_THE_SET = ("DamagedData", "VerificationFailed")


@step("rows")
def check_rows(incident: Incident, note: StepNote, server: Server, chosen: RecoverySet) -> None:
    """Compare the rows of each restored table with the set's, before anything is replayed.

    A difference keeps the run from green and the set from being proven, but not the sites from
    coming back: what was restored is still all there is.
    """
    database = incident.estate.database
    earlier = incident.done("rows")
    restored = incident.done("database")
    if earlier is not None and earlier.data.get("set") == chosen.id:
        note.skipped, note.why = True, "déjà comptées, avant que quiconque y écrive"
    elif database is None or restored is None or not restored.data.get("physical"):
        note.skipped, note.why = True, "pas de copie physique restaurée"
    elif chosen.database_facts_after is None:
        note.skipped, note.why = True, "ce jeu ne dit pas combien de lignes il tient"
    else:
        _compare_rows(note, chosen, database.facts(server))


def _compare_rows(note: StepNote, chosen: RecoverySet, here: DatabaseFacts) -> None:
    problems, found = row_problems(chosen, here, exact=True), rows(here)
    total = sum(found.values())
    note.saw = f"{counted(len(found), 'table')}, {counted(total, 'ligne')}"
    note.why = "; ".join(problems)
    note.data = {"set": chosen.id, "tables": len(found), "rows": total}
    note.data["differences"] = list(problems)


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
        replay = incident.done("replay")
        replayed = replay is not None and not replay.why
        problems += _database_problems(note, server, database, chosen, replayed=replayed)
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
    note: StepNote, server: Server, database: Database, chosen: RecoverySet, *, replayed: bool
) -> list[str]:
    # A replay brings the canaries of later backups, and what later statements removed.
    canary, here = database.read_canary(server, chosen.canary.nonce), database.facts(server)
    problems = [] if replayed else list(row_problems(chosen, here, exact=False))
    if canary is None:
        problems.append("the canary row of this set is missing")
    else:
        note.saw += f" et ligne du {moment(canary.written_at)}"
        note.data = {"canary_written_at": canary.written_at.isoformat()}
    note.data["data_as_of"] = _as_of(server, database, chosen).isoformat()
    counted_rows = rows(here)
    tables, total = len(counted_rows), sum(counted_rows.values())
    note.saw += f" ; {counted(tables, 'table')}, {counted(total, 'ligne')}"
    return problems


def _as_of(server: Server, database: Database, chosen: RecoverySet) -> datetime:
    """Return the newest moment that the restored data shows.

    Read once and kept on the machine: a run that is taken up again later would find what the
    machine's own agent has written since.
    """
    kept, _, said = server.read_marker(AS_OF).partition(" ")
    if kept == chosen.id:
        return datetime.fromisoformat(said)
    as_of = max(chosen.consistent_at, database.read_pulse(server) or chosen.consistent_at)
    server.write_marker(AS_OF, f"{chosen.id} {as_of.isoformat()}")
    return as_of


def record_proof(incident: Incident, plan: RecoveryPlan, outcome: Outcome) -> None:
    """Keep what this restore proved of its set, or disproved; otherwise nothing.

    It proves the set in the repository that gave all of it, and in no other. Differences speak
    against the set wherever it lies: its trees are the same everywhere. A run that failed for
    another reason (no machine, no DNS) says nothing about the set. A record that cannot be kept
    does not make a recovery fail: without it the set stays unproven.
    """
    differences = _differences(incident.records)
    for source in incident.sources if differences else _proven(incident, plan, outcome):
        proof = _figures(incident, source.chosen) or Proof(
            plan.server, plan.set_id, incident.id, now()
        )
        try:
            Proofs(source.repository).put(replace(proof, differences=differences))
        except ContinuityError as error:
            told = "the proof of %s in %s was not kept: %s"
            get_run_logger().warning(told, plan.set_id, source.name, error)


def _proven(incident: Incident, plan: RecoveryPlan, outcome: Outcome) -> Sequence[Source]:
    """Return the repository that gave everything that was compared; none if several did."""
    if outcome.verdict is not Verdict.RECOVERED:
        return ()
    found = []
    for source in incident.sources:
        steps = ["configuration", *(f"files-{each.site.name}" for each in plan.sites)]
        steps += ["database"] if source.chosen.database_facts is not None else []
        done = [incident.done(each) for each in steps]
        given = [each.data.get("repositories") if each else None for each in done]
        if all(each == [source.name] for each in given) and _figures(incident, source.chosen):
            found.append(source)
    return found


def _differences(records: Sequence[StepRecord]) -> tuple[str, ...]:
    """Return what the restore found wrong with the set's own data."""
    failed = [
        f"{record.step}: {record.why}"
        for record in latest(records)
        if record.state is StepState.FAILED
        and record.step.partition("-")[0] in OF_THE_SET
        and record.data.get("error") in SPEAKS_AGAINST_THE_SET
    ]
    counts = _counts(records)
    found = counts.get("differences") if counts else None
    return (*failed, *(map(str, found) if isinstance(found, list) else ()))


def _counts(records: Sequence[StepRecord]) -> Mapping[str, object] | None:
    """Return what the step that counts rows kept, None if it could not count."""
    done = [each for each in records if each.step == "rows" and each.state is StepState.DONE]
    return done[-1].data if done else None


def _figures(incident: Incident, chosen: RecoverySet) -> Proof | None:
    """Return what was compared, None if the databases could not be compared row by row."""
    counts = _counts(incident.records)
    if chosen.database_facts is not None and counts is None:
        return None
    files = [ref for ref in chosen.snapshots if ref.part in (Part.SITE, Part.CONFIGURATION)]
    return Proof(
        server=chosen.server,
        set_id=chosen.id,
        incident=incident.id,
        at=now(),
        tables=int(str((counts or {}).get("tables", 0))),
        rows=int(str((counts or {}).get("rows", 0))),
        # The restore tool has read all of them again and compared them with the set.
        files=sum(ref.files for ref in files),
        bytes=sum(ref.size for ref in files),
    )
