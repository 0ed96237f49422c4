"""Bring one site's databases back to a point while their server goes on; every step looks first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from blocks.databases.base import Scratch
from blocks.errors import ContinuityError, VerificationFailed
from blocks.types import DatabaseContent, Label, Part, SnapshotRef
from flows.decisions.site_restore import (
    SiteMark,
    SiteRestorePlan,
    SiteSight,
    Stage,
    command,
    differing_tables,
    program_problems,
    table_problems,
    write_mark,
)
from flows.decisions.site_restore_guard import require_room, room_needed
from flows.reports.wording import counted, size
from flows.tasks.archive_look import chain_behind, spans_to, with_what_is_left
from flows.tasks.incident import Estate, Incident, Source, StepNote, now
from flows.tasks.restore import LONG, find_ref, stream_name
from flows.tasks.site_restore_look import MARK, database_of, mark_of
from flows.tasks.sources import read_from_copies
from flows.tasks.steps import step


@contextmanager
def scratch_removed(incident: Incident) -> Iterator[None]:
    """Remove the second instance before and after, whatever happens in between."""
    _tidy(incident)
    try:
        yield
    except BaseException:
        # The journal tells of a removal that failed; the first error is the one to show.
        with suppress(ContinuityError):
            _tidy(incident)
        raise
    _tidy(incident)


def _tidy(incident: Incident) -> None:
    """Remove the second instance; open accounts that were closed before anything was loaded."""
    estate = incident.estate
    with incident.step("tidy") as note:
        if _scratch(estate).remove():
            note.did = "seconde instance et ses données retirées"
        mark = mark_of(estate)
        if mark and mark.stage is Stage.CLOSED:
            database_of(estate).open_accounts(estate.server, mark.accounts)
            estate.server.write_marker(MARK, "")
            note.did += f" ; comptes de {mark.site} rouverts"
        note.skipped = not note.did


@step("scratch")
def raise_scratch(incident: Incident, note: StepNote, seen: SiteSight) -> DatabaseContent:
    """Restore the set beside the service, replay it to the point, and read the site's databases.

    Raises:
        DiskFull: The server has no room for it; nothing was changed.
    """
    estate, begin = incident.estate, seen.chosen.position
    assert begin is not None  # noqa: S101 - looked at before
    scratch = _scratch(estate)
    held = find_ref(seen.chosen, Part.PHYSICAL, estate.name)
    loaded = _size(seen)
    require_room(estate.name, scratch.room(), room_needed(held.size, seen.spans, loaded))
    scratch.remove()
    read_from_copies(
        incident,
        note,
        lambda chosen: find_ref(chosen, Part.PHYSICAL, estate.name),
        lambda source, ref: _restore(estate, scratch, source, ref),
    )
    behind = len(seen.spans) > 1 or seen.end.offset > begin.offset
    if behind:
        with_what_is_left(lambda: _deliver(estate, scratch, seen))
    scratch.start()
    if behind:
        scratch.replay(begin=begin.offset, gtids=seen.end.gtids, timeout=LONG)
    then = scratch.content(seen.databases)
    note.did = f"copie de {size(held.size)} restaurée à côté, rejouée jusqu'à {seen.end.gtid}"
    note.saw = f"{counted(len(then.tables), 'table')} du site à ce point"
    return then


def _restore(estate: Estate, scratch: Scratch, source: Source, ref: SnapshotRef) -> None:
    source.repository.prepare(estate.server, estate.name)
    stream = source.repository.read_stream(estate.name, ref.id, stream_name(ref.part, ref.subject))
    scratch.restore(stream, snapshot=ref.tree, timeout=LONG)


def _deliver(estate: Estate, scratch: Scratch, seen: SiteSight) -> None:
    """Bring the logs to the server, from whichever buckets hold them now."""
    assert estate.archive is not None  # noqa: S101 - looked at before
    spans = spans_to(chain_behind(estate, seen.chosen), seen.end)
    estate.archive.deliver_logs(estate.server, spans, scratch.log_folder, timeout=LONG)


def _size(seen: SiteSight) -> int:
    """Return how large the site's databases were when the set was taken."""
    facts = seen.chosen.database_facts
    schemas = facts.schemas if facts else ()
    return sum(each.size for each in schemas if each.name in seen.databases)


@step("undo")
def save_present(incident: Incident, note: StepNote, plan: SiteRestorePlan) -> None:
    """Close the site's accounts, then keep its databases as they are now in the repository."""
    estate, mark = incident.estate, mark_of(incident.estate)
    if mark and mark.incident == incident.id and mark.stage is not Stage.CLOSED:
        note.skipped, note.why = True, "déjà mis de côté, avant le chargement"
        return
    if not (mark and mark.stage is Stage.LOADING):
        # After a load that broke off the accounts stay closed whatever comes.
        _set_mark(incident, plan, Stage.CLOSED)
    database = database_of(estate)
    database.close_accounts(estate.server, plan.accounts)
    present = database.content(estate.server, plan.databases, checksums=False)
    closed_at = now()
    snapshots = {name: _save(incident, name) for name in present.databases}
    note.did = f"{counted(len(snapshots), 'export')} dans le dépôt"
    note.saw = f"{counted(sum(each.rows for each in present.tables), 'ligne')} à présent"
    point = present.gtid if "," not in present.gtid else f"{closed_at:%Y-%m-%dT%H:%M:%S+00:00}"
    note.data = {
        "snapshots": snapshots,
        "command": f'{command(plan.site)} --at "{point}"',
        "closed_at": closed_at.isoformat(),
    }


def _save(incident: Incident, name: str) -> str:
    estate = incident.estate
    estate.repository.prepare(estate.server, estate.name)
    label = Label(estate.name, incident.id, Part.UNDO, name)
    return estate.repository.save_stream(
        estate.server,
        database_of(estate).logical_dump(name),
        stream_name(Part.UNDO, name),
        label,
    ).id


@step("load")
def load(incident: Incident, note: StepNote, plan: SiteRestorePlan) -> None:
    """Replace the site's databases by those of the second instance, whole but their events."""
    if _is_done(incident):
        note.skipped, note.why = True, "déjà chargées : des visiteurs y écrivent peut-être"
        return
    _set_mark(incident, plan, Stage.LOADING)
    with _told_to_go_on(plan):
        _scratch(incident.estate).hand_over(plan.databases, timeout=LONG)
    note.did = f"{', '.join(plan.databases)} remplacées"


@step("compare")
def compare(incident: Incident, note: StepNote, plan: SiteRestorePlan) -> None:
    """Compare what was loaded with the second instance, then let the site in again.

    Raises:
        VerificationFailed: Something differs; the site's accounts stay closed.
    """
    estate, scratch = incident.estate, _scratch(incident.estate)
    database = database_of(estate)
    if _is_done(incident):
        database.open_accounts(estate.server, plan.accounts)
        note.skipped, note.why = True, "déjà comparées"
        return
    with _told_to_go_on(plan):
        loaded = database.content(estate.server, plan.databases, checksums=True)
        _require_none(plan, table_problems(plan, loaded))
        rounded = _compare_rows(estate, scratch, differing_tables(plan, loaded))
        # Only now: an event may begin to change rows at once.
        scratch.hand_over_events(plan.databases, timeout=LONG)
        whole = database.content(estate.server, plan.databases, checksums=False)
        _require_none(plan, program_problems(plan, whole))
    # In this order: once the site is open, nothing may be loaded over what its visitors write.
    _set_mark(incident, plan, Stage.DONE)
    database.open_accounts(estate.server, plan.accounts)
    rows = sum(each.rows for each in loaded.tables)
    note.saw = f"{counted(len(loaded.tables), 'table')}, {counted(rows, 'ligne')}, identiques"
    note.saw += f" ; {len(plan.programs)} vues, routines, déclencheurs et événements"
    note.data = {"opened_at": now().isoformat(), "to_check": [_rounded(rounded)] if rounded else []}


def _compare_rows(estate: Estate, scratch: Scratch, tables: Sequence[str]) -> Sequence[str]:
    """Return the tables whose checksum differs although an export of both is the same."""
    if not tables:
        return ()
    then, here = scratch.row_hashes(tables), database_of(estate).row_hashes(estate.server, tables)
    different = [f"{each} holds other rows" for each in tables if then.get(each) != here.get(each)]
    if different:
        raise VerificationFailed(f"databases of {estate.name}", "; ".join(different), "run again")
    return tables


def _rounded(tables: Sequence[str]) -> str:
    return f"nombres FLOAT arrondis à 6 chiffres, comme par tout export SQL : {', '.join(tables)}"


def _require_none(plan: SiteRestorePlan, problems: Sequence[str]) -> None:
    if problems:
        raise VerificationFailed(f"site {plan.site}", "; ".join(problems), "run again")


@contextmanager
def _told_to_go_on(plan: SiteRestorePlan) -> Iterator[None]:
    """Let an error that leaves the site closed say so, and how it comes back."""
    try:
        yield
    except ContinuityError as error:
        closed = f" ({', '.join(plan.accounts)} stay closed)" if plan.accounts else ""
        hint = f"{error.hint}; go on{closed}: {plan.again}"
        raise type(error)(error.subject, error.cause, hint) from error


def _set_mark(incident: Incident, plan: SiteRestorePlan, stage: Stage) -> None:
    mark = SiteMark(incident.id, plan.site, plan.accounts, stage)
    incident.estate.server.write_marker(MARK, write_mark(mark))


def _is_done(incident: Incident) -> bool:
    mark = mark_of(incident.estate)
    return bool(mark and mark.incident == incident.id and mark.stage is Stage.DONE)


def _scratch(estate: Estate) -> Scratch:
    return database_of(estate).scratch(estate.server)
