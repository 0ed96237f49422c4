"""`continuity approve`: let a waiting recovery go on, from a terminal."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.flow_runs import resume_flow_run

from blocks.errors import ApprovalMismatch, ConfigurationError, ContinuityError
from blocks.repositories.journal import Journal
from deployments.cli.page import show
from deployments.cli.progress import exit_code
from flows.reports.any_plan import AnyPlan, page, read_plan
from flows.tasks.approval import PLAN
from flows.tasks.closing import HEADINGS
from flows.tasks.incident import now, open_estate
from flows.tasks.opening import incident_of_run

_WITH_A_PLAN = FlowFilter(name=FlowFilterName(any_=list(HEADINGS)))
"""Other flows wait too: messages to clients are approved where they are read."""


def approve(
    incident: Annotated[
        str, typer.Argument(help="Incident or flow run; default the only one that waits.")
    ] = "",
    digest: Annotated[
        str, typer.Option(help="Digest of the plan you have read; asked for if not given.")
    ] = "",
    operator: Annotated[str, typer.Option(help="Your name.")] = "",
) -> None:
    """Show the plan of a waiting recovery and let it go on, quoting the plan's digest.

    Exit codes: 0 approved, 1 nothing waits or Prefect refuses, 4 wrong digest.
    """
    try:
        _approve(incident, digest, operator or getpass.getuser())
    except ContinuityError as error:
        print(error, file=sys.stderr)
        raise SystemExit(exit_code(error)) from None


def _approve(incident: str, digest: str, operator: str) -> None:
    with get_client(sync_client=True) as client:
        run = _waiting_run(client, incident)
    plan = _plan_of(run)
    show(page(plan, now()))
    quoted = digest or input(f"Empreinte du plan pour approuver ({plan.digest}) : ")
    if quoted.strip().lower() != plan.digest:
        raise ApprovalMismatch(
            f"plan {plan.digest}", f"you quoted {quoted!r}", "read the plan, quote its digest"
        )
    resume_flow_run(run.id, run_input={"empreinte": plan.digest, "operateur": operator})
    print(f"approved: {plan.incident} goes on; follow it with: continuity status")


def _waiting_run(client: SyncPrefectClient, wanted: str) -> FlowRun:
    suspended = FlowRunFilter(
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Suspended"]))
    )
    waiting = client.read_flow_runs(flow_filter=_WITH_A_PLAN, flow_run_filter=suspended, limit=50)
    fitting = [
        run
        for run in waiting
        if not wanted or wanted in (str(run.id), run.name, incident_of_run(run.parameters, run.id))
    ]
    if len(fitting) != 1:
        names = ", ".join(incident_of_run(run.parameters, run.id) for run in waiting) or "nothing"
        raise ConfigurationError(
            f"approval of {wanted or 'the waiting recovery'}",
            f"{len(fitting)} runs fit; waiting: {names}",
            "continuity approve INCIDENT",
        )
    return fitting[0]


def _plan_of(run: FlowRun) -> AnyPlan:
    incident = incident_of_run(run.parameters, run.id)
    estate = open_estate(str(run.parameters["server"]))
    document = Journal(estate.state, incident).document(PLAN)
    if document is None:
        raise ConfigurationError(
            f"incident {incident}", "has no plan in its journal", "continuity status"
        )
    return read_plan(document)
