"""Destroy the machines that a server left behind, when it is proven that nobody needs them."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.tasks.approval import Approval, approve, show_plan
from flows.tasks.opening import finish, hold_lease, incident_of_run, open_incident
from flows.tasks.retirement_steps import decide, destroy, look


def _run_name() -> str:
    return f"retire-{incident_of_run(flow_run.parameters, flow_run.id)}"


@flow(name="retire", flow_run_name=_run_name, persist_result=False)
def retire(server: str, incident: str = "", approval: Approval = Approval.ASK) -> dict[str, object]:
    """Destroy the machines that a server left behind, when it is proven that nobody needs them.

    Preconditions: the estate names the machine that serves now; a set of it was taken since; all
    pages answer through DNS; no name leads to the machines that are to go.
    Changes: destroys machines that recoveries and moves of this server made, with their disks.
    Undo: none.
    Stops: anything of the above is not so, plan not approved, another run holds the server.

    Args:
        server: Nom du serveur, tel que dans le fichier du parc (web1).
        incident: Identifiant d'un retrait à poursuivre ; vide pour un nouveau.
        approval: Qui approuve le plan (ask : une personne ; automatic : la politique écrite ici).
    """
    with open_incident(server, incident, "Retrait d'anciennes machines de") as case:
        plan = decide(case, look(case))
        show_plan(case, plan)
        operator = approve(case, plan, approval)
        with hold_lease(case, server):
            destroy(case, plan)
        finish(case, f"{', '.join(each.name for each in plan.retired)} : plus là")
        return {
            "incident": case.id,
            "destroyed": [each.id for each in plan.retired],
            "kept": [each.machine.id for each in plan.kept],
            "approved_by": operator,
        }
