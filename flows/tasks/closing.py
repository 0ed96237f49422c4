"""Let journal and messages tell the end of a run that could not tell it itself."""

from __future__ import annotations

from collections.abc import Iterator

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.decisions.abandoned import LAST_WORDS, WITHOUT_A_WORD, unsaid_end
from flows.tasks.incident import Incident, open_estate
from flows.tasks.opening import announced, incident_of_run

HEADINGS = {
    "disaster-recovery": "Reprise de {server}",
    "drill": "Exercice de reprise de {server}",
    "site-restore": "Retour de {site} sur {server}",
    "failback": "Retour de {server}",
    "retire": "Retrait d'anciennes machines de {server}",
}
AGAIN = {"disaster-recovery": "recover", "failback": "failback", "retire": "retire"}
LOOKED_AT = 20


def close_ended(run: FlowRun, flow: str) -> str:
    """Write the end of a run into its journal and its messages, unless they tell it already.

    Returns:
        What is told now (French), "" when nothing had to be.
    """
    server, state = str(run.parameters["server"]), run.state
    incident = Incident(
        incident_of_run(run.parameters, run.id),
        open_estate(server),
        HEADINGS[flow].format(**run.parameters),
    )
    if state is None:
        return ""
    why = unsaid_end(incident.records, state.type.value, state.timestamp)
    if why:
        if flow == "site-restore":
            why += f" ; pour poursuivre : {_site_again(run, incident.id)}"
        if flow in AGAIN:
            why += (
                f" ; pour poursuivre : continuity {AGAIN[flow]} {server} --incident {incident.id}"
            )
        with announced(incident):
            incident.fail(LAST_WORDS, why)
            incident.stopped = True
    return why


def _site_again(run: FlowRun, incident: str) -> str:
    site, at = run.parameters["site"], run.parameters["at"]
    return f'continuity restore-site {site} --at "{at}" --incident {incident}'


def ended_runs() -> Iterator[tuple[FlowRun, str]]:
    """Return the runs that Prefect's server may have ended, newest first, with their flow."""
    types = FlowRunFilterStateType(any_=[StateType(each) for each in WITHOUT_A_WORD])
    with get_client(sync_client=True) as client:
        for flow in HEADINGS:
            runs = client.read_flow_runs(
                flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
                flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=types)),
                sort=FlowRunSort.START_TIME_DESC,
                limit=LOOKED_AT,
            )
            yield from ((run, flow) for run in runs)
