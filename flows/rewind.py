"""Bring a repository back to what it was at a moment, after somebody wrote over its objects."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime

from prefect import flow

from flows.decisions.rewind import require_approval
from flows.reports.rewind_text import rewind_sentence
from flows.tasks.incident import now, open_estate
from flows.tasks.opening import hold_backup_lease, hold_server_lease
from flows.tasks.rewind_steps import apply, approved_before, observe, verify
from flows.tasks.work import side_by_side


@flow(
    name="rewind",
    flow_run_name="rewind-{server}",
    task_runner=side_by_side(4),
    persist_result=False,
)
def rewind(server: str, to: datetime, approved: str = "", repository: str = "") -> str:
    """Make the versions as of a moment the newest again, so that stock restic works.

    Preconditions: the bucket keeps versions; the server's key was changed, or the attacker goes on.
    Changes: copies old versions inside the store; hides what was added to index, snapshots, keys
    and manifests since, and restic's locks. Destroys nothing.
    Undo: a rewind to a moment just before this one.
    Stops: when a backup, a recovery or retention holds the server; when the plan is not the one
    that was approved. Killed at any point and started with the same digest, it goes on.

    Args:
        server: Nom du serveur dont le dépôt a été abîmé.
        to: L'heure dont on veut retrouver l'état.
        approved: Empreinte du plan approuvé, telle que montrée par `continuity repository rewind`.
        repository: Dépôt du serveur à ramener en arrière (copie) ; vide pour le premier.
    """
    whole = open_estate(server)
    estate = whole.only(repository or whole.repository_name)
    with ExitStack() as stack:
        stack.enter_context(hold_server_lease(whole))
        stack.enter_context(hold_backup_lease(whole))
        plan = observe(estate, to)
        if plan.empty:
            return rewind_sentence(plan)
        require_approval(plan, approved, approved_before(estate))
        began = now()
        apply(estate, plan)
        verify(estate, to, began)
    return rewind_sentence(plan)
