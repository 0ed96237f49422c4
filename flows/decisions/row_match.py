"""Decide whether restored tables hold what the manifest says."""

from __future__ import annotations

from blocks.types import DatabaseFacts, RecoverySet

NOT_COPIED = {"MEMORY", "BLACKHOLE", "FEDERATED", "CONNECT", "SPIDER"}
"""Engines whose rows are not in a copy of the data directory."""

Table = tuple[str, str]


def row_problems(made: RecoverySet, here: DatabaseFacts, *, exact: bool) -> tuple[str, ...]:
    """Return what is wrong with the restored tables, a sentence each.

    A backup counts all rows just before and just after its physical copy. A table that both looks
    agree on must hold just as many; one that was written to meanwhile must lie between them, or
    beyond by no more than what was written. Without `exact` (restored from SQL, which is taken
    later, or a set without the second look) no table may be missing or have lost all its rows.
    """
    before, now = rows(made.database_facts), rows(here)
    after = rows(made.database_facts_after) if exact else before
    kept = {name for name in before.keys() & after.keys() if name not in _not_copied(made)}
    problems = [
        f"table {_written(name)} is missing"
        for name in sorted(before.keys() & after.keys() - now.keys())
    ]
    for name in sorted(kept & now.keys()):
        low, high = sorted((before[name], after[name]))
        span = high - low
        if exact and not low - span <= now[name] <= high + span:
            said = f"{low}" if not span else f"{low} to {high}"
            problems.append(f"table {_written(name)} has {now[name]} rows, not {said}")
        elif not exact and before[name] and not now[name]:
            problems.append(f"table {_written(name)} had {before[name]} rows and is empty")
    if exact:
        strange = sorted(now.keys() - before.keys() - after.keys())
        problems += [f"table {_written(name)} is not in the set" for name in strange]
    return tuple(problems)


def rows(facts: DatabaseFacts | None) -> dict[Table, int]:
    """Return the number of rows by database and table."""
    schemas = facts.schemas if facts else ()
    return {(s.name, t.name): t.rows for s in schemas for t in s.tables}


def _not_copied(made: RecoverySet) -> set[Table]:
    schemas = made.database_facts.schemas if made.database_facts else ()
    return {(s.name, t.name) for s in schemas for t in s.tables if t.engine.upper() in NOT_COPIED}


def _written(name: Table) -> str:
    return ".".join(name)
