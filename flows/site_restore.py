"""Bring one site's databases back to a moment, beside a server that goes on."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.tasks.approval import Approval, approve, show_plan
from flows.tasks.opening import hold_backup_lease, hold_lease, incident_of_run, open_incident
from flows.tasks.site_restore_end import raise_unless_answering, write_report, wrong_pages
from flows.tasks.site_restore_look import decide, look_back
from flows.tasks.site_restore_steps import (
    compare,
    load,
    raise_scratch,
    save_present,
    scratch_removed,
)


def _run_name() -> str:
    return f"restore-site-{incident_of_run(flow_run.parameters, flow_run.id)}"


@flow(name="site-restore", flow_run_name=_run_name, persist_result=False)
def site_restore(
    server: str,
    site: str,
    at: str,
    incident: str = "",
    recovery_set: str = "",
    approval: Approval = Approval.ASK,
) -> dict[str, object]:
    """Bring one site's databases back to a moment, beside a server that goes on.

    Preconditions: server and database run; the repository holds a physical copy from before that
    moment, and the archive reaches it; the server's disk has room for the copy.
    Changes: a second MariaDB beside the service, removed in the end; after approval the site's
    databases, replaced whole (its own accounts are closed meanwhile). Files, database accounts and
    other databases stay as they are.
    Undo: the present state is kept in the repository before; the report gives both ways back.
    Stops: the point cannot be reached (the furthest is named), the set has dumps only or is of
    another MariaDB series, no room, another run holds the server, plan not approved. When the load
    breaks off, the site's accounts stay closed: run again with the same incident.

    Args:
        server: Nom du serveur, tel que dans le fichier du parc (web1) ; il reste en marche.
        site: Nom du site dont les bases reviennent (boutique).
        at: Point où revenir (2026-11-23 10:26:18, 0-1-4711, before 0-1-4711).
        incident: Identifiant d'un incident à poursuivre ; vide pour un nouvel incident.
        recovery_set: Jeu de sauvegarde de départ ; vide pour le plus récent qui précède ce point.
        approval: Qui approuve le plan (ask : une personne ; automatic : la politique écrite ici).
    """
    with open_incident(server, incident, f"Retour de {site} sur") as case, hold_lease(case, server):
        seen = look_back(case, site, at, recovery_set)
        with scratch_removed(case):
            plan = decide(case, seen, raise_scratch(case, seen))
            show_plan(case, plan)
            operator = approve(case, plan, approval)
            with hold_backup_lease(case.estate, case.id):
                save_present(case, plan)
                load(case, plan)
                compare(case, plan)
        document = write_report(case, plan, operator, wrong_pages(case, plan))
        raise_unless_answering(plan, document)
        return document
