"""Lower the TTLs of a server's names before a move, or put its records back as they were."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.decisions.dns_preparation import DnsPlan
from flows.reports.dns_preparation_text import until
from flows.tasks.approval import Approval, approve, show_plan
from flows.tasks.dns_steps import ask_all, change_records, decide_ttls, decide_way_back, look
from flows.tasks.incident import Incident, now
from flows.tasks.opening import finish, hold_lease, incident_of_run, open_incident


def _run_name() -> str:
    return f"dns-{incident_of_run(flow_run.parameters, flow_run.id)}"


@flow(name="dns-preparation", flow_run_name=_run_name, persist_result=False)
def dns_preparation(
    server: str, ttl: int = 60, incident: str = "", approval: Approval = Approval.AUTOMATIC
) -> dict[str, object]:
    """Lower the TTLs of the names that lead to a server, so that a later move is seen at once.

    Preconditions: the zones can be read, and our keys may change them.
    Changes: the TTL of the A and AAAA records of declared domains that lead there; no address.
    Undo: `continuity dns restore SERVER --incident ID`, the journal holds what was there.
    Stops: somebody edited a record in between, no name leads there, another run holds the server.

    Args:
        server: Nom du serveur, tel que dans le fichier du parc (web1).
        ttl: TTL voulu, en secondes (60) ; ce qui est déjà plus court reste.
        incident: Identifiant d'une préparation à poursuivre ; vide pour une nouvelle.
        approval: Qui approuve le plan (ask : une personne ; automatic : la politique écrite ici).
    """
    with open_incident(server, incident, "Préparation DNS de") as case, hold_lease(case, server):
        plan = decide_ttls(case, look(case), ttl)
        return _carried_out(case, plan, approval)


@flow(name="dns-restore", flow_run_name=_run_name, persist_result=False)
def dns_restore(
    server: str, back_to: str, incident: str = "", approval: Approval = Approval.ASK
) -> dict[str, object]:
    """Put the records that an incident or a preparation changed back: addresses and TTLs.

    Preconditions: its journal says what it changed; no record was edited since.
    Changes: exactly those records. Visitors are led to where they led before: is it there?
    Undo: the same with this run's own incident.
    Stops: somebody edited one of them since, plan not approved, another run holds the server.

    Args:
        server: Nom du serveur, tel que dans le fichier du parc (web1).
        back_to: Identifiant de l'incident ou de la préparation dont les changements sont défaits.
        incident: Identifiant d'un retour à poursuivre ; vide pour un nouveau.
        approval: Qui approuve le plan (ask : une personne ; automatic : la politique écrite ici).
    """
    with open_incident(server, incident, "Retour DNS de") as case, hold_lease(case, server):
        plan = decide_way_back(case, look(case), back_to)
        return _carried_out(case, plan, approval)


def _carried_out(case: Incident, plan: DnsPlan, approval: Approval) -> dict[str, object]:
    show_plan(case, plan)
    operator = ""
    left: tuple[str, ...] = ()
    if plan.records:
        operator = approve(case, plan, approval)
        left = change_records(case, plan)
        ask_all(case, plan)
    words = until(plan, now()) if plan.records else "Rien à changer : tout est déjà ainsi."
    finish(case, words)
    return {
        "incident": case.id,
        "changed": [f"{each.name} {each.type}" for each in plan.records],
        "left": [*plan.impossible, *(f"{name} : TTL du fournisseur" for name in left)],
        "expires": (now() + plan.longest).isoformat(timespec="seconds"),
        "in_french": words,
        "approved_by": operator,
    }
