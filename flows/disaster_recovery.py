"""Bring a lost server back on a new machine and lead its visitors there."""

from __future__ import annotations

from datetime import datetime

from prefect import flow
from prefect.runtime import flow_run

from blocks.types import RecoverySet
from flows.decisions.recovery_plan import Purpose, RecoveryPlan
from flows.rebuild import rebuild
from flows.tasks.aftermath import show_aftermath
from flows.tasks.approval import Approval, approve, show_plan
from flows.tasks.client_sending import tell_clients
from flows.tasks.ending import raise_unless_recovered, verify, write_report
from flows.tasks.incident import Incident
from flows.tasks.look import observe, serves
from flows.tasks.machines import fence
from flows.tasks.opening import hold_lease, incident_of_run, open_incident
from flows.tasks.planning import approved_plan, decide, guard
from flows.tasks.work import side_by_side


def _run_name() -> str:
    return f"recover-{incident_of_run(flow_run.parameters, flow_run.id)}"


@flow(
    name="disaster-recovery",
    flow_run_name=_run_name,
    task_runner=side_by_side(24),
    persist_result=False,
)
def disaster_recovery(
    server: str,
    incident: str = "",
    recovery_set: str = "",
    down_since: datetime | None = None,
    target: str = "",
    approval: Approval = Approval.ASK,
    at: str = "",
) -> dict[str, object]:
    """Bring a lost server back on a new machine and lead its visitors there.

    Preconditions: the estate is applied, the repository holds a recovery set of the server.
    Changes: stops the old server if it answers; makes one machine; restores onto it; then leads
    the server's floating address there, if it has one and the machine is in its reach; otherwise
    changes the address records of each site that is healthy there. Nothing before the plan is
    approved, but for the first message to clients where policy lets it go by itself and the old
    server is silent.
    Undo: put the old addresses back (they are in the plan), or assign the floating address to the
    old machine at its provider; then destroy the new one.
    Stops: no usable set, plan not approved, old server cannot be stopped, no provider has room,
    another recovery holds the server. A site that fails its checks keeps its DNS, the others go on.
    Run again with the same incident: goes on where it stopped, and makes nothing twice.

    Args:
        server: Nom du serveur perdu, tel que dans le fichier du parc (web1).
        incident: Identifiant d'un incident à poursuivre ; vide pour un nouvel incident.
        recovery_set: Jeu de sauvegarde à restaurer ; vide pour le plus récent utilisable.
        down_since: Début de la panne, pour mesurer sa durée et les pertes ; None pour maintenant.
        target: Fournisseur à employer seul, par exemple nspawn-vps/lab ; vide pour l'ordre prévu.
        approval: Qui approuve le plan (ask : une personne ; automatic : la politique écrite ici).
        at: Point où revenir (2026-11-23 10:26:18, 0-1-4711, before 0-1-4711) ; vide : au plus tard.
    """
    with open_incident(server, incident, "Reprise de") as case:
        known = approved_plan(case, recovery_set, at)
        seen = observe(
            case, known.set_id if known else recovery_set, target, known.point if known else at
        )
        plan = decide(case, seen, Purpose.RECOVERY, known)
        guard(case, plan, seen)
        show_plan(case, plan)
        tell_clients(case, down=not serves(seen))
        operator = approve(case, plan, approval)
        tell_clients(case)
        return _apply_and_verify(case, plan, seen.choice.chosen, down_since, operator)


def _apply_and_verify(
    case: Incident,
    plan: RecoveryPlan,
    chosen: RecoverySet,
    down_since: datetime | None,
    operator: str,
) -> dict[str, object]:
    with hold_lease(case, plan.server):
        fence(case)
        rebuilt = rebuild(case, plan, chosen)
        outcome = verify(case, plan, chosen, rebuilt, down_since or case.began_at)
    document = write_report(case, plan, outcome, operator)
    show_aftermath(case)
    tell_clients(case)
    raise_unless_recovered(outcome, plan.again)
    return document
