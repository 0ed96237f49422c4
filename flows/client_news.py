"""Tell clients how an incident stands, once somebody has read the messages and said yes."""

from __future__ import annotations

from prefect import flow

from flows.decisions.client_delivery import Uncertain
from flows.tasks.announcing import tell_failures
from flows.tasks.client_approval import approve_drafts
from flows.tasks.client_drafts import prepare, required
from flows.tasks.client_sending import send_news, verify_sent
from flows.tasks.incident import Incident, open_estate


@flow(name="client-news", flow_run_name="clients-{incident}", persist_result=False)
def client_news(
    server: str,
    incident: str,
    phase: str = "",
    uncertain: Uncertain = Uncertain.LEAVE,
) -> dict[str, object]:
    """Tell clients how an incident stands, once somebody has read the messages and said yes.

    Preconditions: the incident has a plan; clients and a relay are declared.
    Changes: one mail a recipient and phase, one entry of the status page a phase. Nothing before a
    person quoted the digest of the drafts.
    Undo: mail cannot be taken back; the status page's repository keeps its history.
    Stops: nothing to tell, not approved. A recipient that is refused keeps nobody from the others.
    Run again: sends what is missing. What was begun by a run that was killed stays « incertain »,
    and goes out again only when `uncertain` says so.

    Args:
        server: Nom du serveur de l'incident.
        incident: Identifiant de l'incident.
        phase: detected, recovering, back ou closed ; vide pour la phase où en est chaque client.
        uncertain: Envois incertains (leave : les laisser ; again : renvoyer ; delivered : partis).
    """
    with tell_failures(f"Messages aux clients ({incident})") as failures, failures.of(server):
        case = Incident(incident, open_estate(server), f"Messages aux clients, {incident}")
        prepared = required(prepare(case, phase), incident, phase)
        operator = approve_drafts(case, prepared, uncertain)
        send_news(case, prepared, uncertain, operator, subject=str(prepared.told[-1].phase))
        return verify_sent(case, prepared)
    raise AssertionError("unreachable: a failure is raised above")
