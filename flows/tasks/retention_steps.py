"""Apply one server's retention: look, remove what the rule no longer keeps, renew the locks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from pydantic import TypeAdapter

from blocks.errors import ContinuityError, DamagedData, LeaseHeld, Unsupported
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.lease import is_held
from blocks.repositories.sealed import get_sealed, put_sealed
from blocks.types import KeyRole
from flows.decisions.lock_audit import NOTHING_LOCKED, LockAudit, audit_locks, to_keep
from flows.decisions.retention import RetentionRule, undo_to_keep
from flows.decisions.retention_plan import (
    RetentionPlan,
    RetentionRecord,
    RetentionView,
    require_sound_clock,
)
from flows.tasks.incident import Estate, now
from flows.tasks.look import usable_sets
from flows.tasks.work import work

_AT_ONCE = 8
_records = TypeAdapter(RetentionRecord)


@dataclass(frozen=True, slots=True)
class Renewed:
    """The audit of the locks, how many were made longer, and what kept it from being complete."""

    audit: LockAudit
    lengthened: int
    hidden: int
    trouble: ContinuityError | None = None


def rule_of(estate: Estate) -> RetentionRule:
    """Return which sets the estate wants to keep."""
    said = estate.declared.retention
    return RetentionRule(said.last, said.daily, said.weekly, said.monthly)


@work("clock")
def look_at_clock(estate: Estate, *, subject: str) -> RetentionRecord | None:
    """Compare clocks; return what the run before left.

    Raises:
        UnsafePlan: This machine's clock cannot be trusted.
        DamagedData: Somebody without the password wrote what the run before left.
    """
    document = get_sealed(estate.repository, record_key(estate))
    previous = _records.validate_python(document) if document else None
    require_sound_clock(estate.name, now(), _store_clock(estate), previous)
    return previous


@work("sets")
def look_at_sets(
    estate: Estate, previous: RetentionRecord | None, *, subject: str
) -> RetentionView:
    """Read the sets, and which of them cannot be used.

    Raises:
        LeaseHeld: A drill is under way: it reads from the repository.
    """
    _require_no_drill(estate)
    sets, refused = usable_sets(estate)
    usable = tuple(each for each in sets if each.id not in refused)
    return RetentionView(estate.name, usable, refused, previous)


def _require_no_drill(estate: Estate) -> None:
    state = estate.repository.state()
    for each in state.list("leases/drill-"):
        drill = each.key.removeprefix("leases/").removesuffix(".json")
        if is_held(state, drill, now()):
            hint = f"wait for its end, then: continuity retention {estate.name}"
            raise LeaseHeld(f"retention of {estate.name}", f"{drill} is under way", hint)


def _store_clock(estate: Estate) -> datetime:
    """Write an object and ask the store when that was."""
    objects, key = estate.repository.state(), f"probes/clock-{estate.name}-{token_hex(4)}"
    objects.put(key, b"")
    try:
        return objects.list(key)[0].modified
    finally:
        objects.remove(key)


@work("removal", retries=0)
def remove_sets(estate: Estate, plan: RetentionPlan, *, subject: str) -> tuple[str, ...]:
    """Remove manifests first, then snapshots and data that no kept set needs; return the sets.

    What shall be kept is written down before: a run that is killed half-way is not taken for a
    catalogue that shrank.
    """
    repository = estate.repository
    record = RetentionRecord(now(), plan.kept)
    put_sealed(repository, record_key(estate), _records.dump_python(record, mode="json"))
    catalogue = Catalogue(repository)
    for name in plan.gone:
        catalogue.remove(estate.name, name)
    if plan.snapshots:
        undo = undo_to_keep(repository.snapshots(estate.name), record.at)
        repository.forget(estate.name, plan.snapshots | undo)
    return plan.gone


@work("locks")
def renew_locks(estate: Estate, mode: str, *, subject: str) -> Renewed:
    """Read every lock that counts, and make those that end too soon last longer.

    Args:
        estate: Whose locks.
        mode: The bucket's lock mode, "" if it has no lock: then there is nothing to renew.
        subject: Name of the repository.
    """
    repository, name = estate.repository, estate.name
    seen = repository.versions(KeyRole.PRUNE)
    try:
        versions = seen.versions(f"{name}/")
    except Unsupported:
        if mode:
            raise
        return Renewed(NOTHING_LOCKED, 0, 0)
    needed, trouble = _needed(estate)
    kept = [(each.key, each.id) for each in to_keep(name, versions, needed)]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="locks") as pool:
        locks = dict(zip(kept, pool.map(lambda each: seen.lock(*each), kept), strict=True))
        audit = audit_locks(name, versions, needed, locks, now(), repository.lock_time(), mode)
        if mode:
            list(pool.map(lambda due: seen.lengthen(due[0][0], due[0][1], due[1]), audit.lengthen))
    hidden = sum(each.size for each in versions) - audit.bytes
    return Renewed(audit, len(audit.lengthen) if mode else 0, hidden, trouble)


def tampering(estate: Estate, audit: LockAudit) -> DamagedData | None:
    """Return which objects were written over or are gone, and how to bring them back.

    The backups are being attacked then; None if all is as it was written.
    """
    hurt = [*audit.overwritten, *audit.missing]
    if not hurt:
        return None
    since = audit.tampered_at or now()
    return DamagedData(
        hurt[0],
        f"{len(audit.overwritten)} objects of {estate.name} were overwritten and"
        f" {len(audit.missing)} are hidden, the first at {since:%Y-%m-%dT%H:%M:%S} UTC;"
        f" their versions are locked until {audit.earliest:%Y-%m-%d}",
        f"change the server's key, then: continuity repository rewind {estate.repository_name}"
        f" --to {since - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}",
    )


def _needed(estate: Estate) -> tuple[tuple[str, ...], ContinuityError | None]:
    """Ask the index what is needed; a damaged one must not keep locks from being renewed."""
    try:
        return estate.repository.needed(estate.name), None
    except ContinuityError as error:
        return (), error


def record_key(estate: Estate) -> str:
    """Return where a run writes down what it kept."""
    return f"retention/{estate.name}.json"
