"""Move a server that serves to a new machine: home after a recovery, or anywhere else."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.decisions.recovery_plan import Purpose
from flows.takeover import move, seed
from flows.tasks.approval import Approval, approve, show_plan
from flows.tasks.ending import raise_unless_recovered, write_report
from flows.tasks.failback_end import conclude_move
from flows.tasks.look import observe
from flows.tasks.opening import (
    finish,
    hold_backup_lease,
    hold_lease,
    incident_of_run,
    open_incident,
)
from flows.tasks.planning import approved_plan, decide, guard
from flows.tasks.work import side_by_side


def _run_name() -> str:
    return f"failback-{incident_of_run(flow_run.parameters, flow_run.id)}"


@flow(
    name="failback",
    flow_run_name=_run_name,
    task_runner=side_by_side(24),
    persist_result=False,
)
def failback(
    server: str,
    incident: str = "",
    recovery_set: str = "",
    target: str = "",
    approval: Approval = Approval.ASK,
    seed_only: bool = False,
) -> dict[str, object]:
    """Move a server that serves to a new machine: home after a recovery, or anywhere else.

    Preconditions: the server serves; a set of it was taken; its database writes binary logs; the
    target's MariaDB is of the same series; its zones can be read.
    Changes: makes one machine, which follows the server (a key and a database account for that are
    made and removed again); then closes the server for some seconds, brings over the last writes,
    compares everything, opens the new machine and moves the names. The old server is stopped and
    passes late visitors on; it is not destroyed.
    Undo: until the handover begins the old one opens again by itself, whatever happens; a handover
    that breaks off leaves the maintenance page until it is run again.
    Stops: a difference, a page that fails, plan not approved, another run holds the server.
    Run again with the same incident: goes on where it stopped.

    Args:
        server: Nom du serveur à déplacer, tel que dans le fichier du parc (web1).
        incident: Identifiant d'un retour à poursuivre ; vide pour un nouveau.
        recovery_set: Jeu de sauvegarde de départ ; vide pour le plus récent utilisable.
        target: Fournisseur où aller, par exemple nspawn-vps/lab ; vide pour l'ordre prévu.
        approval: Qui approuve le plan (ask : une personne ; automatic : la politique écrite ici).
        seed_only: Préparer la nouvelle machine, sans rien fermer ; relancer avec le même incident.
    """
    with open_incident(server, incident, "Retour de") as case:
        known = approved_plan(case, recovery_set, "")
        seen = observe(case, known.set_id if known else recovery_set, target)
        plan = decide(case, seen, Purpose.FAILBACK, known)
        guard(case, plan, seen)
        show_plan(case, plan)
        operator = approve(case, plan, approval)
        chosen = seen.choice.chosen
        with hold_lease(case, plan.server), hold_backup_lease(case.estate, case.id):
            seeded = seed(case, plan, chosen)
            if seed_only:
                finish(case, f"nouvelle machine prête ; pour déplacer : {plan.again}")
                return {"incident": case.id, "seeded": seeded.machine.address, "next": plan.again}
            rebuilt = move(case, plan, chosen, seeded)
            outcome = conclude_move(case, plan, rebuilt)
        document = write_report(case, plan, outcome, operator)
        raise_unless_recovered(outcome, plan.again)
        return document
