"""Close the old server, prove that the new one holds all of it, and let that one serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from time import monotonic, sleep

from blocks.errors import ContinuityError, VerificationFailed
from blocks.servers.base import Server
from blocks.types import RecoverySet
from flows.decisions.failback import content_problems, file_problems, reopen_after
from flows.decisions.recovery_plan import RecoveryPlan
from flows.reports.failback_text import MAINTENANCE_PAGE
from flows.reports.wording import clock, counted, duration
from flows.tasks.following_steps import both_contents, roots_of
from flows.tasks.incident import Incident, StepNote, now
from flows.tasks.restore import LATER, OWN_STEP
from flows.tasks.steps import step

MOVED = "moved"
"""Marker of the old server: the incident after which it may never open again."""
SHUT = "shut"
"""Marker of the old server: the incident that stopped it for good."""
CATCH_UP = timedelta(minutes=2)
FILES = timedelta(minutes=30)
LEADS_WITHIN = timedelta(seconds=30)
AGENT = "archive-agent"


def has_moved(incident: Incident) -> bool:
    """Return whether this incident has come past the point from which there is no way back."""
    if incident.done("take-over"):
        return True
    return incident.estate.server.read_marker(MOVED) == incident.id


@contextmanager
def reopened_on_failure(incident: Incident) -> Iterator[None]:
    """Let the old server serve again whenever what is done meanwhile fails."""
    try:
        yield
    except BaseException:
        # The journal tells of an opening that failed; the first error is the one to show.
        with suppress(ContinuityError), incident.step("reopen") as note:
            incident.estate.server.end_maintenance()
            note.did = f"{incident.estate.server.address} sert de nouveau, rien n'a bougé"
        raise


@step("close", retries=0)
def close(
    incident: Incident, note: StepNote, chosen: RecoverySet, rehearsed: timedelta
) -> datetime:
    """Show visitors a page, stop jobs, and let nobody write; return when that began.

    The server opens by itself if nothing more is heard: the one who closed it may have died.
    """
    source, database = incident.estate.server, incident.estate.database
    limit, at = reopen_after(rehearsed), now()
    source.begin_maintenance(_stopped(chosen), MAINTENANCE_PAGE, reopen_after=limit)
    if database is not None:
        source.add_undo(database.release_line(source))
        database.hold_writes(source)
    note.did = f"fermé depuis {clock(at)} ; rouvrirait de lui-même au bout de {duration(limit)}"
    note.data = {"closed_at": at.isoformat()}
    return at


def _stopped(chosen: RecoverySet) -> list[str]:
    """Return what works on the sites there; the database stays, and who ships its logs."""
    facts = chosen.server_facts
    kept = (*OWN_STEP, AGENT)
    found = [each for each in (*facts.services, *LATER, *facts.timers) if each not in kept]
    return list(dict.fromkeys(found))


@step("last-writes")
def bring_last_writes(
    incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan
) -> str:
    """Bring over what was written until the door was closed; return the last transaction."""
    source, database = incident.estate.server, incident.estate.database
    gtid = database.catch_up(server, source, timeout=CATCH_UP) if database else ""
    changed = server.pull(source, roots_of(incident, plan), timeout=FILES)
    note.did = f"base jusqu'à {gtid}, " if gtid else ""
    note.did += counted(changed, "entrée recopiée", "entrées recopiées")
    return gtid


@step("match", retries=0)
def match(
    incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan, gtid: str
) -> None:
    """Require the new machine to hold every table and file as the old one does.

    Raises:
        VerificationFailed: Something differs, or somebody wrote meanwhile.
    """
    source, roots = incident.estate.server, roots_of(incident, plan)
    with ThreadPoolExecutor(max_workers=2) as pool:
        files = pool.submit(server.differences, source, roots, contents=False, timeout=FILES)
        both = both_contents(incident, server)
    problems = list(file_problems(files.result()))
    if both is not None:
        there, here = both
        problems += content_problems(there, here)
        if there.gtid != gtid and there.gtid:
            problems.append(f"l'ancien serveur a écrit après la fermeture ({gtid} → {there.gtid})")
        rows = sum(each.rows for each in here.tables)
        note.saw = f"{counted(len(here.tables), 'table')}, {counted(rows, 'ligne')} identiques ; "
    if problems:
        note.saw = ""
        raise VerificationFailed(
            f"new machine {server.address}",
            "; ".join(problems),
            f"the old server serves again; run it again: {plan.again}",
        )
    note.saw += f"fichiers de {counted(len(plan.sites), 'site')} identiques"


@step("take-over")
def take_over(incident: Incident, note: StepNote, server: Server) -> None:
    """Let the new machine be written to, after the old one can never open again by itself.

    Raises:
        VerificationFailed: The old one was open meanwhile.
    """
    source, database = incident.estate.server, incident.estate.database
    if source.read_marker(MOVED) != incident.id:
        source.keep_closed()
        source.write_marker(MOVED, incident.id)
    if database is not None:
        database.take_over(server, source)
    note.did = f"{server.address} reçoit les écritures ; {source.address} ne rouvrira plus"


@step("lead")
def lead_visitors(
    incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan
) -> datetime:
    """Let the old address pass visitors on to the new machine; return when pages answered there.

    Raises:
        VerificationFailed: They do not answer; DNS is moved all the same.
    """
    source, probe = incident.estate.server, incident.estate.probe
    source.lead_on(server.address)
    checks = [check for each in plan.sites for check in each.site.smoke]
    deadline = monotonic() + LEADS_WITHIN.total_seconds()
    while True:
        bad = [r for r in (probe.check(each, source.address) for each in checks) if not r.passed]
        if not bad:
            break
        if monotonic() > deadline:
            raise VerificationFailed(
                f"old server {source.address}",
                f"does not pass visitors on: {bad[0].check.url}: {bad[0].observed}",
                "they reach the new machine as their DNS follows",
            )
        sleep(0.2)
    at, closed = now(), closed_at(incident)
    note.saw = f"{counted(len(checks), 'page')} conformes par l'ancienne adresse"
    note.data = {"opened_at": at.isoformat()}
    if closed:
        note.did = f"écritures arrêtées pendant {duration(at - closed)}"
        note.data["write_stop_seconds"] = (at - closed).total_seconds()
    return at


def closed_at(incident: Incident) -> datetime | None:
    """Return when the door that stayed closed was closed."""
    return _moment(incident.done("close"), "closed_at")


def opened_at(incident: Incident) -> datetime | None:
    """Return when pages first answered through the old address, None if they did not."""
    return _moment(incident.done("lead"), "opened_at")


def _moment(record: object, name: str) -> datetime | None:
    data = getattr(record, "data", None)
    said = data.get(name) if isinstance(data, Mapping) else None
    return datetime.fromisoformat(str(said)) if said else None


@step("fence")
def shut_down(incident: Incident, note: StepNote, server: Server) -> None:
    """Stop and mask everything on the old server but what passes visitors on."""
    source, database = incident.estate.server, incident.estate.database
    if source.read_marker(SHUT) == incident.id:
        note.skipped, note.why = True, "déjà arrêté"
        return
    if database is not None:
        database.shut_out(source)
    server.part(source)
    source.fence()
    source.write_marker(SHUT, incident.id)
    note.did = "services arrêtés et masqués ; la machine reste, avec ses données"
