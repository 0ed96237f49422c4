"""Open an incident, keep its lease, and close it so that everybody knows how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run

from blocks.errors import ContinuityError
from blocks.records import Notice
from flows.decisions.abandoned import LAST_WORDS
from flows.reports.any_plan import told
from flows.reports.progress import live_notice
from flows.tasks.announcer import Announcer
from flows.tasks.incident import Estate, Incident, now, open_estate
from flows.tasks.leases import hold_everywhere


def incident_of_run(parameters: Mapping[str, object], run: object) -> str:
    """Return the incident of a flow run: the given one, else one that is the same at each start."""
    given = str(parameters.get("incident") or "")
    return given or f"inc-{parameters['server']}-{str(run).split('-', maxsplit=1)[0]}"


@contextmanager
def open_incident(server: str, given: str, heading: str) -> Iterator[Incident]:
    """Open the server's blocks and the incident's journal, and tell people while the block lasts.

    An error that no step has recorded is recorded here, so that the journal and Slack end with it.
    A suspended run (waiting for approval) leaves quietly.
    """
    estate = open_estate(server)
    identifier = incident_of_run({"server": server, "incident": given}, flow_run.id)
    incident = Incident(identifier, estate, f"{heading} {server}")
    incident.link = str(flow_run.ui_url or "")
    with announced(incident):
        try:
            yield incident
        except ContinuityError as error:
            _record_end(incident, str(error))
            raise
        except (KeyboardInterrupt, TerminationSignal):
            _record_end(incident, "arrêté par une personne")
            raise
        except Exception as error:
            _record_end(incident, f"{type(error).__name__}: {error}")
            raise


@contextmanager
def announced(incident: Incident) -> Iterator[None]:
    """Keep the incident's messages up to date while the block lasts."""
    notifiers = incident.estate.notifiers
    announcer = Announcer(notifiers, incident.journal, lambda: _notice(incident))
    incident.listeners.append(announcer.hear)
    incident.refresh = announcer.refresh
    incident.flush = announcer.flush
    announcer.start()
    try:
        yield
    finally:
        announcer.close()
        incident.message_failures = dict(announcer.failures)


@contextmanager
def hold_lease(incident: Incident, subject: str) -> Iterator[None]:
    """Keep every other run off the same subject (a server, a drill) while the block lasts.

    Raises:
        LeaseHeld: Another run holds it; who, and until when.
    """
    with ExitStack() as stack:
        with incident.step("lease") as note:
            held = stack.enter_context(hold_everywhere(incident.estate, subject, incident.id))
            note.why = "; ".join(f"sans le dépôt {n} : {why}" for n, why in held.missing.items())
        incident.check_lease = held.check
        yield


@contextmanager
def hold_backup_lease(estate: Estate, incident: str = "") -> Iterator[None]:
    """Keep two backups of one server apart. Raises `LeaseHeld`.

    An incident takes its own lease up again at once after its process was killed.
    """
    owner = incident or f"backup-{flow_run.id}"
    with hold_everywhere(estate, f"backup-{estate.name}", owner):
        yield


@contextmanager
def hold_verification_lease(estate: Estate) -> Iterator[None]:
    """Keep two verifications of one server apart. Raises `LeaseHeld`."""
    with hold_everywhere(estate, f"verification-{estate.name}", f"verification-{flow_run.id}"):
        yield


@contextmanager
def hold_server_lease(estate: Estate) -> Iterator[None]:
    """Keep recoveries away while sets are removed or rewound. Raises `LeaseHeld`."""
    with hold_everywhere(estate, estate.name, f"retention-{flow_run.id}"):
        yield


def finish(incident: Incident, words: str) -> None:
    """Let the message say how it ended well, where there is no outcome of a whole server."""
    incident.ended = words
    incident.refresh()


def _record_end(incident: Incident, why: str) -> None:
    """Write why the run ended, unless its last record says so already."""
    incident.stopped = True
    last = incident.records[-1] if incident.records else None
    if last is None or last.why != why:
        incident.fail(LAST_WORDS, why)
    incident.refresh()


def _notice(incident: Incident) -> Notice:
    plan = ""
    if incident.plan:
        asked = bool(incident.waiting) and not incident.stopped
        plan = told(incident.plan, incident.link, asked=asked)
    return live_notice(
        f"{incident.heading} — {incident.id}",
        incident.records,
        now(),
        plan=plan,
        outcome=incident.outcome,
        waiting=incident.waiting,
        stopped=incident.stopped,
        ended=incident.ended,
    )
