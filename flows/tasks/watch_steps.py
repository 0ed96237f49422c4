"""Keep what is known of a server's alert, tell people, and ask for a recovery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.events import Event, Resource
from prefect.exceptions import PrefectHTTPStatusError
from pydantic import TypeAdapter, ValidationError

from blocks.errors import DamagedData, NotFound, Unavailable
from blocks.repositories.journal import Journal
from flows.decisions.abandoned import LAST_WORDS
from flows.decisions.alert import Assessment, Condition
from flows.decisions.alert_state import (
    OPEN_FOR,
    AlertState,
    Moves,
    OpenIncident,
    listening,
    settle,
    under_way,
)
from flows.decisions.recovery_plan import Purpose
from flows.decisions.timeline import Mark
from flows.reports.alert_text import OVER, REQUESTED, alert_notice, confirmed_text, headline
from flows.tasks.announcing import tell
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import Estate, now
from flows.tasks.leases import hold_everywhere, is_held_anywhere
from flows.tasks.losses import note_loss
from flows.tasks.opening import incident_of_run
from flows.tasks.work import work

SERVER_DOWN = "continuity.server.down"
RESOURCE = "continuity.server.{}"

_UNFINISHED = (StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED)
_state = TypeAdapter(AlertState)


@work("settle")
def conclude(
    estate: Estate, found: Assessment, owner: str, alert: Mark | None = None, *, subject: str
) -> Moves:
    """Keep what was concluded; tell people and ask for a recovery when that is due.

    The state is written before anybody is told or asked: a run killed in between says nothing
    twice. A request that came to nothing is made again by the next passes.

    Raises:
        LeaseHeld: Another pass settles the same server at this moment.
        Unavailable: Prefect's server does not answer.
    """
    if _is_quiet(kept := read_state(estate), found):
        return Moves(kept)
    with hold_everywhere(estate, f"watch-{subject}", owner):
        kept = read_state(estate)
        before = listening(kept, found, alert)
        known = recovery_under_way(estate) if _wants_to_ask(before, found) else ""
        busy = is_held_anywhere(estate, estate.name)
        moves = settle(before, found, known, busy=busy)
        _note(estate, before, moves, found)
        if moves.after != kept:
            estate.state.put(_key(estate), _state.dump_json(moves.after))
        if moves.tell:
            tell(subject, alert_notice(found, before, asked=moves.ask, under_way=known))
        if moves.ask:
            ask_for_recovery(found)
            note_loss(estate, moves.after.since or found.since, Mark(now(), REQUESTED))
    return moves


def _note(estate: Estate, before: AlertState, moves: Moves, found: Assessment) -> None:
    """Keep for the report what a pass adds to a loss, or that it is over."""
    if moves.after.condition is Condition.DOWN:
        confirmed = [Mark(now(), confirmed_text(found))] if moves.tell else []
        note_loss(estate, moves.after.since or found.since, *before.heard, *confirmed)
    elif before.condition is Condition.DOWN and before.since:
        note_loss(estate, before.since, Mark(now(), OVER), ended_at=now())


def read_state(estate: Estate) -> AlertState:
    """Return what is known of a server's alert. Raises `DamagedData`."""
    try:
        return _state.validate_json(estate.state.get(_key(estate)))
    except NotFound:
        return AlertState()
    except ValidationError as error:
        hint = "remove the object: the next pass writes it anew"
        raise DamagedData(_key(estate), "is no state of an alert", hint) from error


def recovery_under_way(estate: Estate) -> str:
    """Return the server's recovery that runs, waits or was broken off, "" if there is none."""
    return under_way(now(), _unfinished_runs(estate.name), _open_incidents(estate))


def ask_for_recovery(found: Assessment) -> None:
    """Send the event on which Prefect's automation prepares a recovery that waits for approval.

    Not by Prefect's own queue, which loses what it cannot send: the server has the event when this
    returns.

    Raises:
        Unavailable: Prefect's server did not take it.
    """
    event = Event(
        event=SERVER_DOWN,
        resource=Resource.model_validate(
            {
                "prefect.resource.id": RESOURCE.format(found.server),
                "prefect.resource.name": found.server,
            }
        ),
        payload={
            "server": found.server,
            "down_since": found.since.isoformat(),
            "seen_from": list(found.silent),
            "sentence": headline(found),
        },
    )
    with _prefect(found.server) as client:
        client.request("POST", "/events", json=[event.model_dump(mode="json")])


@contextmanager
def _prefect(server: str) -> Iterator[SyncPrefectClient]:
    try:
        with get_client(sync_client=True) as client:
            yield client
    except (PrefectHTTPStatusError, httpx.TransportError, RuntimeError) as error:
        cause = f"does not answer as it should ({type(error).__name__})"
        hint = f"continuity watch {server} --local; continuity recover {server} --local"
        raise Unavailable("Prefect server", cause, hint) from error


def _is_quiet(before: AlertState, found: Assessment) -> bool:
    """Return whether all is well, was well, and nothing is waited for: most passes end here."""
    return (
        found.condition is Condition.UP
        and before.condition is Condition.UP
        and before.candidate is Condition.UP
    )


def _wants_to_ask(before: AlertState, found: Assessment) -> bool:
    return found.condition is Condition.DOWN and not before.taken_up


def _key(estate: Estate) -> str:
    return f"alerts/{estate.name}/state.json"


def _unfinished_runs(server: str) -> list[str]:
    """Return the incidents of this server's recoveries that Prefect has not seen end."""
    with _prefect(server) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["disaster-recovery"])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_UNFINISHED)))
            ),
            limit=200,
        )
    ours = [run for run in runs if run.parameters.get("server") == server]
    return [incident_of_run(run.parameters, run.id) for run in ours]


def _open_incidents(estate: Estate) -> list[OpenIncident]:
    """Return the server's recoveries that wrote to their journal lately."""
    newest: defaultdict[str, datetime] = defaultdict(
        lambda: datetime.min.replace(tzinfo=now().tzinfo)
    )
    for each in estate.state.list("incidents/"):
        name = each.key.split("/")[1]
        newest[name] = max(newest[name], each.modified)
    lately = [name for name, at in newest.items() if now() - at <= OPEN_FOR]
    found = [(name, Journal(estate.state, name)) for name in lately]
    return [
        OpenIncident(name, newest[name], _is_over(journal))
        for name, journal in found
        if _is_recovery(journal, estate.name)
    ]


def _is_recovery(journal: Journal, server: str) -> bool:
    plan = journal.document(PLAN) or {}
    return (plan.get("server"), plan.get("purpose")) == (server, Purpose.RECOVERY)


def _is_over(journal: Journal) -> bool:
    if journal.document(REPORT):
        return True
    records = journal.records()
    return bool(records) and records[-1].step == LAST_WORDS
