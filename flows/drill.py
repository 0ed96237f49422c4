"""Practise the recovery of a server on an isolated machine that is always destroyed."""

from __future__ import annotations

from datetime import datetime

from prefect import flow
from prefect.runtime import flow_run

from flows.decisions.recovery_plan import Purpose
from flows.decisions.sweep import machines_to_sweep
from flows.rebuild import rebuild
from flows.tasks.approval import Approval, approve, show_plan
from flows.tasks.drill_limits import within_ceiling, within_hours
from flows.tasks.drill_pictures import picture_drill, picture_production
from flows.tasks.drill_report import show_drill
from flows.tasks.ending import raise_unless_recovered, verify, write_report
from flows.tasks.incident import Incident, now
from flows.tasks.look import observe
from flows.tasks.machines import destroy_machine, drill_machines, live_incidents, sweep
from flows.tasks.opening import hold_lease, open_incident
from flows.tasks.planning import decide, guard
from flows.tasks.work import side_by_side


def _run_name() -> str:
    return f"drill-{flow_run.parameters['server']}"


@flow(
    name="drill",
    flow_run_name=_run_name,
    task_runner=side_by_side(24),
    persist_result=False,
)
def drill(
    server: str,
    recovery_set: str = "",
    target: str = "",
    approval: Approval = Approval.AUTOMATIC,
    at: str = "",
    repository: str = "",
) -> dict[str, object]:
    """Practise the recovery of a server on an isolated machine that is always destroyed.

    Preconditions: the estate is applied, the repository holds a recovery set of the server.
    Changes: makes one machine that can speak with nothing but the repository and the package
    mirror; no DNS, nothing on the production server. The machine is destroyed at the end, also
    after a failure; what a killed drill left is destroyed by the hourly sweep or the next drill.
    Undo: nothing to undo.
    Stops: no usable set, no provider has room; before anything is made when it might cost more
    than its ceiling or nobody can tell; when its hours are used up.

    Args:
        server: Nom du serveur à reprendre pour l'exercice, tel que dans le fichier du parc (web1).
        recovery_set: Jeu de sauvegarde à restaurer ; vide pour le plus récent utilisable.
        target: Fournisseur à employer seul ; vide pour l'ordre prévu.
        at: Point où revenir (2026-11-23 10:26:18, 0-1-4711, before 0-1-4711) ; vide : au plus tard.
        repository: Dépôt à employer seul (copie) ; vide pour le premier qui peut servir.
        approval: Qui approuve (automatic : la politique écrite ici ; ask : une personne).
    """
    with open_incident(server, "", "Exercice de reprise de") as case:
        _sweep_leftovers(case)
        seen = within_ceiling(case, observe(case, recovery_set, target, at, repository))
        plan = decide(case, seen, Purpose.DRILL, None)
        guard(case, plan, seen)
        show_plan(case, plan)
        operator = approve(case, plan, approval)
        before = picture_production(case)
        began: datetime = now()
        with hold_lease(case, f"drill-{case.id}"):
            try:
                with within_hours(case):
                    rebuilt = rebuild(case, plan, seen.choice.chosen)
                    picture_drill(case, plan, rebuilt, before)
                    outcome = verify(case, plan, seen.choice.chosen, rebuilt, began)
            finally:
                destroy_machine(case)
        document = write_report(case, plan, outcome, operator)
        show_drill(case.estate, document)
        raise_unless_recovered(outcome, plan.again)
        return document


def _sweep_leftovers(case: Incident) -> None:
    """Destroy what earlier drills left, but not the machine of one that still runs."""
    found = drill_machines(case.estate)
    left = machines_to_sweep(found, live_incidents(case.estate, found), now())
    if left:
        sweep(case, left)
