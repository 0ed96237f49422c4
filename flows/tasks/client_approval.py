"""Ask a person for a yes that quotes the digest of the drafts, wherever the person is."""

from __future__ import annotations

from collections.abc import Callable

from prefect import suspend_flow_run
from prefect.runtime import deployment

from blocks.errors import ApprovalMismatch
from blocks.types.clients import Sending
from flows.decisions.client_delivery import Uncertain
from flows.reports.client_page import clients_page
from flows.tasks.approval import WAIT_SECONDS, answer_type
from flows.tasks.client_drafts import Prepared
from flows.tasks.incident import Incident

ask_here: list[Callable[[str, str], tuple[str, str]]] = []
"""Set by the command line: shows a page, returns (quoted digest, operator). Takes digest, page."""


def approve_drafts(incident: Incident, prepared: Prepared, wish: Uncertain) -> str:
    """Return who approved exactly these messages; "" when there is nothing to approve.

    Raises:
        ApprovalMismatch: The answer quotes other drafts, or nobody can be asked here.
    """
    states = [Sending.OPEN] + ([] if wish is Uncertain.LEAVE else [Sending.CLAIMED])
    if not prepared.waiting(*states):
        return ""
    page = clients_page(incident.id, prepared.drafts, prepared.states, prepared.digest)
    if deployment.id:
        return _ask_in_prefect(prepared.digest, page)
    if not ask_here:
        raise _refused(incident.id, prepared.digest, "nobody can be asked here")
    quoted, operator = ask_here[-1](prepared.digest, page)
    if quoted.strip().lower() != prepared.digest:
        raise _refused(
            incident.id, prepared.digest, f"the answer quotes {quoted.strip() or 'nothing'}"
        )
    return operator


def _ask_in_prefect(digest: str, page: str) -> str:
    form = answer_type(digest).with_initial_data(description=page)
    answer = suspend_flow_run(wait_for_input=form, timeout=WAIT_SECONDS, key=f"clients-{digest}")
    return str(getattr(answer, "operateur"))  # noqa: B009 - the form is made at run time


def _refused(incident: str, digest: str, cause: str) -> ApprovalMismatch:
    return ApprovalMismatch(f"messages {digest}", cause, f"continuity clients send {incident}")
