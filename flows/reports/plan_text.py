"""The plan as people read it before they approve it (French)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flows.decisions.database_way import DatabaseWay
from flows.decisions.floating import Floating, place_text
from flows.decisions.recovery_plan import Purpose, RecoveryPlan, TargetChoice
from flows.reports.wording import counted, duration, moment, size

NEW = "adresse de la nouvelle machine"


def plan_markdown(plan: RecoveryPlan, now: datetime) -> str:
    """Return the whole plan for Prefect's pages: set and age, target, sites in order, DNS changes."""
    drill = plan.purpose is Purpose.DRILL
    title = "Exercice de reprise" if drill else "Plan de reprise"
    lines = [
        f"# {title} de {plan.server}",
        "",
        f"Empreinte du plan : **`{plan.digest}`** (incident `{plan.incident}`)",
        "",
        *warning_lines(plan),
        "| Élément | Prévu |",
        "|---|---|",
        f"| Jeu de sauvegarde | `{plan.set_id}` |",
        f"| Données au | {moment(_data_at(plan))} |",
        f"| Âge des données | {duration(now - _data_at(plan))} |",
        f"| Rejeu après le jeu | {_replay(plan)} |",
        f"| Nouvelle machine | {targets_text(plan)} |",
        f"| Base de données | {ways_text(plan.targets, plan.readiness)} |",
        *([f"| Coût de l'exercice | {plan.cost} |"] if plan.cost else []),
        *([f"| Adresse flottante | {floating_text(plan.floating)} |"] if plan.floating else []),
        f"| Ancien serveur | {plan.lost_address}{', arrêté avant toute bascule' if plan.fence else ''} |",
        "",
        "## Sites, dans l'ordre",
        "",
        "| Rang | Site | Promesse | Pages |",
        "|---|---|---|---|",
        *(
            f"| {each.site.priority} | {each.site.title} | {each.site.tier.replace('h', ' h')} | "
            f"{len(each.site.smoke)} |"
            for each in plan.sites
        ),
        "",
        *dns_lines(plan),
    ]
    return "\n".join(lines).rstrip() + "\n"


def targets_text(plan: RecoveryPlan) -> str:
    """Say where the new machine may be made, in their order."""
    return " puis ".join(
        f"`{target.provider}` {size_text(target)}"
        + (f", {target.region}" if target.region else "")
        + (f", Debian {target.release}" if target.release else "")
        for target in plan.targets
    )


def size_text(target: TargetChoice) -> str:
    """Say which size is ordered: the one that is named, else what it must have at least."""
    if target.size:
        return target.size
    needs = target.needs
    parts = [
        *([counted(needs.cores, "cœur")] if needs.cores else []),
        *([f"{size(needs.memory)} de mémoire"] if needs.memory else []),
        *([f"{size(needs.disk)} de disque"] if needs.disk else []),
    ]
    return f"la moins chère qui suffit ({', '.join(parts)} au moins)" if parts else "par défaut"


def floating_text(floating: Floating) -> str:
    """Say what becomes of a floating address, and what if it cannot follow."""
    place = place_text(floating.provider, floating.region)
    return (
        f"{floating.address} déplacée si la machine est faite chez {place} : DNS inchangé ; "
        "sinon, ou si le déplacement échoue, DNS"
    )


def plan_line(plan: RecoveryPlan, link: str) -> str:
    """Return the plan for Slack once nobody is asked about it any more."""
    known = f"Plan `{plan.digest}` · jeu `{plan.set_id}`"
    return f"{known} · <{link}|suivre dans Prefect>" if link else known


def plan_notice(plan: RecoveryPlan, link: str) -> str:
    """Return the plan for Slack with all that a person must know to approve it."""
    records = [
        f"• `{move.name}` {move.type} {', '.join(move.old)} → {NEW if move.type == 'A' else 'supprimé'}"
        for each in plan.sites
        for move in each.moves
    ]
    sites = ", ".join(each.site.name for each in plan.sites)
    lines = [
        f"*Plan `{plan.digest}`*",
        f"Jeu `{plan.set_id}`, données du {moment(_data_at(plan))}",
        *([f"Rejeu : {_replay(plan)}"] if plan.reaches else []),
        f"Nouvelle machine : {plan.targets[0].provider} {size_text(plan.targets[0])}",
        f"Sites dans l'ordre : {sites}",
        *([f"Adresse flottante : {floating_text(plan.floating)}"] if plan.floating else []),
        *([f"DNS{_otherwise(plan)} :", *records] if records else []),
        *(f"Attention : {warning}" for warning in plan.warnings),
    ]
    lines.append(f"Approuver : `continuity approve {plan.incident}`")
    if link:
        lines[-1] += f" ou <{link}|dans Prefect> (bouton Resume)"
    return "\n".join(lines)


def _data_at(plan: RecoveryPlan) -> datetime:
    return max(plan.set_time, plan.reaches) if plan.reaches else plan.set_time


def _replay(plan: RecoveryPlan) -> str:
    if plan.end is not None:
        return f"jusqu'à la transaction `{plan.end.gtid}` incluse (demandé : {plan.point})"
    if plan.reaches is not None:
        return "journaux et fichiers archivés depuis, jusqu'au dernier"
    return "aucun"


def ways_text(targets: Sequence[TargetChoice], ways: Sequence[DatabaseWay]) -> str:
    """Say how the databases come back, by target where they differ."""
    reasons = [each.reason for each in ways]
    if len(set(reasons)) == 1:
        return reasons[0]
    pairs = zip(targets, reasons, strict=True)
    return " ; ".join(f"{target.provider} : {reason}" for target, reason in pairs)


def dns_lines(plan: RecoveryPlan) -> list[str]:
    """Return the exact changes of DNS as a section."""
    moves = [(each.site, move) for each in plan.sites for move in each.moves]
    if not moves:
        return ["## DNS", "", "Aucun enregistrement n'est modifié.", ""]
    return [
        f"## Modifications DNS exactes{_otherwise(plan)}",
        "",
        "| Nom | Type | Avant | Après | TTL |",
        "|---|---|---|---|---|",
        *(
            f"| `{move.name}` | {move.type} | {', '.join(move.old)} | "
            f"{NEW if move.type == 'A' else 'supprimé'} | {move.ttl} s |"
            for _, move in moves
        ),
        "",
    ]


def _otherwise(plan: RecoveryPlan) -> str:
    """Say when names change: IPv6 addresses, which are the lost server's own, always go."""
    if plan.floating is None:
        return ""
    kept = any(move.type == "AAAA" for each in plan.sites for move in each.moves)
    return f" si l'adresse ne suit pas{' (les AAAA partent toujours)' if kept else ''}"


def warning_lines(plan: RecoveryPlan) -> list[str]:
    """Return what stands first: Prefect's form shows only as much as the screen is high."""
    if not plan.warnings:
        return []
    return ["**À savoir avant d'approuver**", "", *(f"- {each}" for each in plan.warnings), ""]
