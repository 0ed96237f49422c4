"""The move of a server that serves, as people read it (French), and the page visitors see."""

from __future__ import annotations

from datetime import datetime

from flows.decisions.recovery_plan import RecoveryPlan
from flows.reports.plan_text import NEW, dns_lines, targets_text, warning_lines, ways_text
from flows.reports.wording import duration, moment

MAINTENANCE_PAGE = """\
<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Maintenance en cours</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<style>body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f5f6f8;
color:#1d2733;font:1.1rem/1.6 system-ui,sans-serif}main{max-width:32rem;padding:2rem;text-align:center}
h1{font-size:1.6rem;font-weight:600}p{color:#4a5868}</style></head>
<body><main><h1>Maintenance en cours</h1>
<p>Ce site change de serveur. Il revient dans quelques secondes, sans que rien ne soit perdu ; cette
page se recharge toute seule.</p>
<p lang="en">This site is moving to another server and will be back in a few seconds.</p>
</main></body></html>
"""


def failback_markdown(plan: RecoveryPlan, now: datetime) -> str:
    """Return the whole plan: from where to where, how, in which order, and the DNS changes."""
    lines = [
        f"# Retour de {plan.server} sur une nouvelle machine",
        "",
        f"Empreinte du plan : **`{plan.digest}`** (incident `{plan.incident}`)",
        "",
        *warning_lines(plan),
        "| Élément | Prévu |",
        "|---|---|",
        f"| Serveur actuel | {plan.lost_address}, continue de servir pendant la préparation |",
        f"| Nouvelle machine | {targets_text(plan)} |",
        f"| Point de départ | jeu `{plan.set_id}` du {moment(plan.set_time)}, il y a "
        f"{duration(now - plan.set_time)} |",
        "| Puis | la nouvelle machine suit l'actuelle : base de données répliquée, fichiers recopiés |",
        f"| Base de données | {ways_text(plan.targets, plan.readiness)} |",
        "| Arrêt des écritures | quelques secondes : page de maintenance, derniers changements, "
        "comparaison complète, ouverture |",
        "| Si la comparaison échoue | le serveur actuel rouvre aussitôt, le DNS n'a pas bougé |",
        "| Serveur actuel, après | arrêté et verrouillé ; il mène encore à la nouvelle machine les "
        "visiteurs dont le DNS est ancien |",
        "",
        "## Sites",
        "",
        "| Rang | Site | Pages |",
        "|---|---|---|",
        *(
            f"| {each.site.priority} | {each.site.title} | {len(each.site.smoke)} |"
            for each in plan.sites
        ),
        "",
        *dns_lines(plan),
    ]
    return "\n".join(lines).rstrip() + "\n"


def failback_notice(plan: RecoveryPlan, link: str) -> str:
    """Return the plan for Slack with all that a person must know to approve it."""
    records = [
        f"• `{move.name}` {move.type} {', '.join(move.old)} → "
        f"{NEW if move.type == 'A' else 'supprimé'}"
        for each in plan.sites
        for move in each.moves
    ]
    lines = [
        f"*Plan `{plan.digest}`*",
        f"De {plan.lost_address}, qui sert, à une nouvelle machine : "
        f"{plan.targets[0].provider} {plan.targets[0].size}".rstrip(),
        "Arrêt des écritures : quelques secondes, après la préparation",
        f"Sites : {', '.join(each.site.name for each in plan.sites)}",
        *(["DNS :", *records] if records else []),
        *(f"Attention : {warning}" for warning in plan.warnings),
    ]
    lines.append(f"Approuver : `continuity approve {plan.incident}`")
    if link:
        lines[-1] += f" ou <{link}|dans Prefect> (bouton Resume)"
    return "\n".join(lines)
