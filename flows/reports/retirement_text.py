"""The destruction of machines that a server left behind, as people read it (French)."""

from __future__ import annotations

from datetime import datetime

from blocks.types import Machine
from flows.decisions.retirement import RetirementPlan
from flows.reports.wording import ago


def retirement_markdown(plan: RetirementPlan, now: datetime) -> str:
    """Return the whole plan: what is destroyed, what proves that nobody needs it, what stays."""
    lines = [
        f"# Destruction d'anciennes machines de {plan.server}",
        "",
        f"Empreinte du plan : **`{plan.digest}`** (incident `{plan.incident}`)",
        "",
        "**À savoir avant d'approuver** : leur disque est effacé, il n'y a pas de retour.",
        "",
        "| Machine détruite | Fournisseur | Adresse | Créée |",
        "|---|---|---|---|",
        *(_row(each, now) for each in plan.retired),
        "",
        "Constaté à l'instant : aucun nom ne mène à ces machines ; toutes les pages répondent par le "
        f"DNS, servies par {plan.address} ; le jeu `{plan.set_id}` a été pris depuis que le serveur "
        "y est.",
    ]
    if plan.kept:
        lines += ["", "Gardées :", ""]
        lines += [f"- {each.machine.name} : {each.why_not}" for each in plan.kept]
    return "\n".join(lines) + "\n"


def _row(machine: Machine, now: datetime) -> str:
    return (
        f"| `{machine.name}` | {machine.provider} | {machine.address} | "
        f"{ago(now - machine.created_at)} |"
    )


def retirement_notice(plan: RetirementPlan, link: str) -> str:
    """Return the plan for Slack with all that a person must know to approve it."""
    lines = [
        f"*Plan `{plan.digest}`*",
        *(f"Détruire `{each.name}` ({each.provider}, {each.address})" for each in plan.retired),
        f"Le serveur est à {plan.address}, jeu `{plan.set_id}`",
        f"Approuver : `continuity approve {plan.incident}`",
    ]
    if link:
        lines[-1] += f" ou <{link}|dans Prefect> (bouton Resume)"
    return "\n".join(lines)
