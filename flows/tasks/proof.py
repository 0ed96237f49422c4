"""Prove that the data on the new machine is the data that the manifest tells of."""

from __future__ import annotations

import json

from blocks.databases.base import Database
from blocks.errors import NotFound, VerificationFailed
from blocks.servers.base import Server
from blocks.types import DatabaseFacts, RecoverySet
from flows.reports.wording import counted, moment
from flows.tasks.incident import Incident, StepNote
from flows.tasks.restore import STAGING
from flows.tasks.steps import step

CANARY_FILE = "/var/lib/continuity/canary.json"


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
        problems += _database_problems(note, server, database, chosen)
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
    note: StepNote, server: Server, database: Database, chosen: RecoverySet
) -> list[str]:
    canary = database.read_canary(server)
    here, then = _rows(database.facts(server)), _rows(chosen.database_facts)
    problems = [f"table {'.'.join(name)} is missing" for name in sorted(then.keys() - here.keys())]
    problems += [
        f"table {'.'.join(name)} had {rows} rows and is empty"
        for name, rows in sorted(then.items())
        if rows and here.get(name) == 0
    ]
    if canary is None or canary.nonce != chosen.canary.nonce:
        problems.append(f"the canary row is {'missing' if canary is None else 'of another set'}")
    else:
        note.saw += f" et ligne du {moment(canary.written_at)}"
        note.data = {"canary_written_at": canary.written_at.isoformat()}
    as_of = max(chosen.consistent_at, database.read_pulse(server) or chosen.consistent_at)
    note.data["data_as_of"] = as_of.isoformat()
    note.saw += f" ; {counted(len(here), 'table')}, {counted(sum(here.values()), 'ligne')}"
    return problems


def _rows(facts: DatabaseFacts | None) -> dict[tuple[str, str], int]:
    """Return the number of rows by database and table."""
    schemas = facts.schemas if facts else ()
    return {(s.name, t.name): t.rows for s in schemas for t in s.tables}
