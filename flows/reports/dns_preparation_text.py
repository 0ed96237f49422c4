"""A change of TTLs, or a way back of records, as people read it (French)."""

from __future__ import annotations

from datetime import datetime

from flows.decisions.dns_preparation import DnsPlan, RecordStep
from flows.reports.wording import clock, counted, duration


def dns_markdown(plan: DnsPlan, now: datetime) -> str:
    """Return the whole plan: each record as it is and as it will be."""
    title = f"Retour à avant {plan.back_to}" if plan.back_to else "Préparation DNS"
    lines = [f"# {title} : {plan.server}", "", f"Empreinte du plan : **`{plan.digest}`**", ""]
    if plan.records:
        lines += ["| Enregistrement | Aujourd'hui | Ensuite |", "|---|---|---|"]
        lines += [_row(each) for each in plan.records]
        lines += ["", f"{until(plan, now)}"]
    else:
        lines.append("Rien à changer : tout est déjà ainsi.")
    if plan.impossible:
        lines += ["", "Pas possible, ou inutile :", "", *(f"- {each}" for each in plan.impossible)]
    return "\n".join(lines) + "\n"


def dns_line(plan: DnsPlan) -> str:
    """Return the plan for Slack, in one line."""
    return f"Plan `{plan.digest}` : {counted(len(plan.records), 'enregistrement')} à changer"


def dns_notice(plan: DnsPlan, link: str) -> str:
    """Return the plan for Slack while somebody is asked about it."""
    lines = [
        f"*Plan `{plan.digest}`*",
        *(f"{each.name} {each.type} : {_was(each)} → {_becomes(each)}" for each in plan.records),
        f"Approuver : `continuity approve {plan.incident}`",
    ]
    if link:
        lines[-1] += f" ou <{link}|dans Prefect> (bouton Resume)"
    return "\n".join(lines)


def until(plan: DnsPlan, now: datetime) -> str:
    """Say until when resolvers may still hold what they were told before."""
    over = now + plan.longest
    return (
        f"L'ancien TTL le plus long est de {duration(plan.longest)} : il aura expiré partout le "
        f"{over:%d/%m/%Y} à {clock(over)}, si le changement est fait maintenant."
    )


def _row(step: RecordStep) -> str:
    return f"| `{step.name}` {step.type} | {_was(step)} | {_becomes(step)} |"


def _was(step: RecordStep) -> str:
    return f"{', '.join(step.old) or 'absent'}, TTL {step.old_ttl} s"


def _becomes(step: RecordStep) -> str:
    return f"{', '.join(step.new) or 'absent'}, TTL {step.ttl} s" if step.new else "retiré"
