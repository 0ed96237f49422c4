"""Bring back what was written after the set was taken, and ship on from the new machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from blocks.databases.base import REPLAY_FOLDER
from blocks.errors import CommandFailed, ContinuityError, DamagedData, NotFound
from blocks.repositories.mirrored import GONE
from blocks.servers.base import Server
from blocks.types import FilePiece, Part, RecoverySet
from flows.decisions.database_way import NO_REPLAY, Way, point_out_of_reach, restore_way
from flows.decisions.log_chain import choose_changes, leads_to
from flows.decisions.point_in_time import WantedPoint
from flows.decisions.recovery_plan import Purpose, RecoveryPlan
from flows.reports.wording import counted, size
from flows.tasks.archive_look import (
    chain_behind,
    find_point,
    notes_of,
    pieces_of,
    spans_to,
    with_what_is_left,
)
from flows.tasks.incident import Estate, Incident, StepNote, now
from flows.tasks.restore import LONG, find_ref
from flows.tasks.shipping import log_source, shipped_sites
from flows.tasks.steps import step

DELIVERED = "delivered"
"""Marker of a server: which logs lie in `REPLAY_FOLDER`."""


@dataclass(frozen=True, slots=True)
class _Delivered:
    """What lies on the server to be replayed: nothing, and why, or logs up to a point.

    Attributes:
        wanted: The set and the point that were asked for.
        marker: Of the replay; "" when there is nothing to replay.
        size: Bytes to replay.
        saw: What was odd about the archive (French).
        missing: Whether there is nothing because the archive has nothing behind the set.
    """

    wanted: str
    marker: str = ""
    logs: int = 0
    size: int = 0
    gtid: str = ""
    gtids: tuple[str, ...] = ()
    at: datetime | None = None
    saw: str = ""
    why: str = ""
    missing: bool = False


@step("replay")
def replay_logs(
    incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan, chosen: RecoverySet
) -> None:
    """Apply what was written after the set was taken, up to the plan's point.

    Raises:
        UnsafePlan: A point is wanted that cannot be reached here.
    """
    database, archive = incident.estate.database, incident.estate.archive
    position = chosen.position
    if database is None or archive is None or position is None or not position.identity:
        _leave_out(note, plan, "le jeu n'a pas d'archive à sa suite")
        return
    if not _replayable(incident, server, chosen):
        _leave_out(note, plan, "autre série de MariaDB : les exports ne se complètent pas")
        note.data = {"to_check": [NO_REPLAY]}
        return
    try:
        done = with_what_is_left(lambda: _deliver(incident.estate, server, plan, chosen))
    except (*GONE, CommandFailed, DamagedData) as lost:
        _go_on_without(note, plan, lost)
        return
    note.saw = done.saw
    if done.missing:
        _leave_out(note, plan, done.why)
        return
    if not done.marker:
        note.skipped, note.why = True, done.why
        return
    database.replay(
        server, begin=position.offset, gtids=done.gtids, marker=done.marker, timeout=LONG
    )
    logs = counted(done.logs, "journal", "journaux")
    note.did = f"{logs}, {size(done.size)}, jusqu'à {done.gtid}"
    note.data = {"gtid": done.gtid, "at": done.at.isoformat() if done.at else ""}


def _leave_out(note: StepNote, plan: RecoveryPlan, why: str) -> None:
    """Replay nothing, and say why; a wanted point is never given up."""
    if plan.point:
        command = "drill" if plan.purpose is Purpose.DRILL else "recover"
        raise point_out_of_reach(plan.server, command, plan.point, why)
    note.skipped, note.why = True, why


def _deliver(estate: Estate, server: Server, plan: RecoveryPlan, chosen: RecoverySet) -> _Delivered:
    """Bring the logs up to the plan's point to the server, as far as there are any.

    What an earlier run brought stays as it is: the database may be reading it.
    """
    wanted = f"{plan.set_id} {plan.point}"
    if (held := server.read_marker(DELIVERED)) and (
        found := TypeAdapter(_Delivered).validate_json(held)
    ).wanted == wanted:
        return found
    archive, position = estate.archive, chosen.position
    assert archive is not None  # noqa: S101 - the caller checked
    assert position is not None  # noqa: S101
    chain = chain_behind(estate, chosen)
    saw = f"{chain.gap} : rejeu jusque-là" if chain.gap else ""
    if plan.end and not leads_to(chain, plan.end.log, plan.end.offset):
        raise NotFound(
            f"point in time {plan.point}",
            f"the archive does not lead there any more ({chain.gap})",
            f"continuity recover {plan.server} --set {plan.set_id}",
        )
    if not chain.spans:
        return _Delivered(wanted, why=chain.gap, missing=True)
    end = plan.end or find_point(archive, chain.spans, WantedPoint())[0]
    spans = spans_to(chain, end)
    if len(spans) == 1 and end.offset <= position.offset:
        return _Delivered(wanted, why="rien n'a été écrit depuis le jeu")
    server.write_marker(DELIVERED, "")
    archive.deliver_logs(server, spans, REPLAY_FOLDER, timeout=LONG)
    made = _Delivered(
        wanted,
        marker=f"{position.gtid} {end.log.identity} {end.offset}",
        logs=len(spans),
        size=sum(span.end for span in spans) - position.offset,
        gtid=end.gtid,
        gtids=end.gtids,
        at=end.at,
        saw=" ; ".join([*filter(None, [saw]), *notes_of(archive, pieces_of(spans))]),
    )
    server.write_marker(DELIVERED, TypeAdapter(_Delivered).dump_json(made).decode())
    return made


def _go_on_without(note: StepNote, plan: RecoveryPlan, lost: ContinuityError) -> None:
    """Let the set's own data count when the archive is gone; a wanted point is never given up."""
    if plan.point:
        raise lost
    note.why = f"archive perdue, données du jeu seulement : {lost.cause}"


@step("changes")
def apply_changes(
    incident: Incident,
    note: StepNote,
    server: Server,
    plan: RecoveryPlan,
    chosen: RecoverySet,
    *,
    subject: str,
) -> None:
    """Bring one site's files from the snapshot to the plan's point.

    A site whose databases cannot be brought further keeps the files that belong to them.
    """
    archive = incident.estate.archive
    site = next(each.site for each in plan.sites if each.site.name == subject)
    if archive is None:
        note.skipped, note.why = True, "pas d'archive continue"
        return
    if site.databases and not _replayable(incident, server, chosen):
        note.skipped, note.why = True, "les fichiers restent au moment des bases"
        return
    since = find_ref(chosen, Part.SITE, subject).time

    def deliver() -> tuple[int, str, tuple[FilePiece, ...]]:
        until = _until(incident.estate, plan, chosen, with_databases=bool(site.databases))
        pieces = archive.listing(incident.estate.name, since).files
        wanted, problem = choose_changes(pieces, subject, since, until)
        with incident.slots:
            written = archive.deliver_files(
                server, wanted, removals_after=chosen.finished_at, timeout=LONG
            )
        return written, problem, wanted

    try:
        written, problem, wanted = with_what_is_left(deliver)
    except (*GONE, DamagedData) as lost:
        _go_on_without(note, plan, lost)
        return
    note.did = counted(written, "fichier rejoué", "fichiers rejoués")
    note.saw, note.why = " ; ".join(notes_of(archive, wanted)), problem


def _until(
    estate: Estate, plan: RecoveryPlan, chosen: RecoverySet, *, with_databases: bool
) -> datetime:
    """Return how far a site's files are brought: no further than its databases."""
    if plan.end and plan.end.at:
        return plan.end.at
    if not with_databases:
        return now()
    chain = chain_behind(estate, chosen)
    return chain.reaches if chain.gap and chain.reaches else now()


def _replayable(incident: Incident, server: Server, chosen: RecoverySet) -> bool:
    """Return whether logs can be replayed on what is installed here."""
    database, position = incident.estate.database, chosen.position
    if database is None or position is None or not position.identity:
        return False
    ready = restore_way(chosen.database_facts, database.installed_series(server))
    return ready.way is Way.PHYSICAL


@step("archive")
def resume_archive(incident: Incident, note: StepNote, server: Server) -> None:
    """Ship what changes on the new machine. A recovery set of it is still to be taken."""
    estate = incident.estate
    if estate.archive is None:
        note.skipped, note.why = True, "pas d'archive continue"
        return
    logs = log_source(estate, server)
    estate.archive.start(server, estate.name, logs, shipped_sites(estate))
    note.did = "archive continue reprise sur la nouvelle machine"
