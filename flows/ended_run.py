"""Say how a recovery or drill ended that Prefect's server ended: nobody else can."""

from __future__ import annotations

from uuid import UUID

from prefect import flow, get_client, get_run_logger

from flows.tasks.closing import HEADINGS, close_ended


@flow(name="ended-run", flow_run_name="ended-run-{run}", persist_result=False)
def ended_run(run: str) -> str:
    """Bring the journal and the live message of a run up to date after its end.

    Started by an automation when a run was cancelled, crashed, or waited for approval in vain: its
    process is gone by then. Changes: one journal record and the live message, or nothing when they
    tell the end already.

    Args:
        run: Identifiant, dans Prefect, de l'exécution qui a pris fin.
    """
    with get_client(sync_client=True) as client:
        found = client.read_flow_run(UUID(run))
        name = client.read_flow(found.flow_id).name
    said = close_ended(found, name) if name in HEADINGS else ""
    get_run_logger().info("%s: %s", found.name, said or "told already")
    return said
