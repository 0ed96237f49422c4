"""Ask a person for a yes that quotes the plan's digest, wherever the person is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import cast

from prefect import suspend_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field, create_model

from blocks.errors import ApprovalMismatch
from flows.reports.any_plan import AnyPlan, page
from flows.tasks.incident import Incident, now

PLAN = "plan.json"
APPROVAL = "approval.json"
WAIT_SECONDS = 24 * 3600


class Approval(StrEnum):
    """Who lets a plan pass."""

    ASK = "ask"
    """A person, in Prefect's pages, with `continuity approve`, or at the terminal."""
    AUTOMATIC = "automatic"
    """The policy written in the deployment; used for drills."""


ask_at_terminal: list[Callable[[AnyPlan, str], tuple[str, str]]] = []
"""Set by the command line: shows the plan, returns (quoted digest, operator)."""


def show_plan(incident: Incident, plan: AnyPlan) -> None:
    """Put the plan where people look: an artifact in Prefect, a document in the journal."""
    create_markdown_artifact(
        key=f"plan-{incident.estate.name}",
        markdown=page(plan, now()),
        description=f"Plan {plan.digest}, incident {incident.id}",
    )


def approved_by(incident: Incident, plan: AnyPlan) -> str:
    """Return who approved exactly this plan before, "" if nobody did."""
    known = incident.journal.document(APPROVAL) or {}
    return str(known.get("operator", "")) if known.get("digest") == plan.digest else ""


def approved_document(incident: Incident) -> Mapping[str, object] | None:
    """Return the document of the plan that was approved last, None if none was.

    It lies beside the answer: the incident's newest plan may be one that still waits for its own.
    """
    known = incident.journal.document(APPROVAL)
    plan = known.get("plan") if known else None
    return cast("Mapping[str, object]", plan) if plan else None


def approve(incident: Incident, plan: AnyPlan, mode: Approval) -> str:
    """Return who approved the plan, and write it down with the plan.

    In a deployment the run is suspended: its process ends, and starts again from the top after the
    answer. Who is to answer is told before anybody is waited for.

    Raises:
        ApprovalMismatch: The answer was no, quotes another plan, or nobody can be asked here.
    """
    operator = approved_by(incident, plan)
    if operator:
        return operator
    with incident.step("approve") as note:
        operator = _ask(incident, plan, mode)
        note.did = f"approuvé par {operator}"
        note.data = {"digest": plan.digest, "operator": operator}
        incident.journal.put_document(
            APPROVAL,
            {
                "digest": plan.digest,
                "operator": operator,
                "at": now().isoformat(),
                "plan": asdict(plan),
            },
        )
    incident.waiting = ""
    return operator


def _ask(incident: Incident, plan: AnyPlan, mode: Approval) -> str:
    if mode is Approval.AUTOMATIC:
        return "la règle du déploiement"
    if not deployment.id and not ask_at_terminal:
        raise ApprovalMismatch(
            f"plan {plan.digest}",
            "nobody can be asked for approval here",
            f"{plan.again} (in a terminal)",
        )
    incident.waiting = f"accord attendu pour le plan {plan.digest}"
    incident.refresh()
    incident.flush()
    return _ask_in_prefect(plan) if deployment.id else _ask_here(plan)


def answer_type(digest: str) -> type[RunInput]:
    """Return the form of the answer; the server itself refuses one that quotes another digest."""
    return create_model(
        "Accord",
        __base__=RunInput,
        empreinte=(
            str,
            Field(pattern=f"^{digest}$", description="L'empreinte du plan lu, telle quelle."),
        ),
        operateur=(str, Field(min_length=2, title="Opérateur", description="Votre nom.")),
    )


def _ask_in_prefect(plan: AnyPlan) -> str:
    form = answer_type(plan.digest).with_initial_data(description=page(plan, now()))
    answer = suspend_flow_run(
        wait_for_input=form, timeout=WAIT_SECONDS, key=f"approve-{plan.digest}"
    )
    return str(getattr(answer, "operateur"))  # noqa: B009 - the form is made at run time


def _ask_here(plan: AnyPlan) -> str:
    quoted, operator = ask_at_terminal[-1](plan, page(plan, now()))
    if quoted.strip().lower() != plan.digest:
        raise ApprovalMismatch(
            f"plan {plan.digest}",
            f"the answer quotes {quoted.strip() or 'nothing'}",
            f"read the plan again: {plan.again}",
        )
    return operator
