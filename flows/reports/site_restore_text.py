"""The way back of one site's databases as people read it (French)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from flows.decisions.site_restore import SiteRestorePlan, TableChange, changes
from flows.decisions.verdict import Verdict
from flows.reports.wording import VERDICTS, counted, duration, moment

_SHOWN = 80


def site_restore_markdown(plan: SiteRestorePlan, now: datetime) -> str:
    """Return the whole plan: the point, what each table becomes, what is not touched."""
    at = plan.end.at or plan.set_time
    lines = [
        f"# Retour de {plan.title} ({plan.site}) sur {plan.server}",
        "",
        f"Empreinte du plan : **`{plan.digest}`** (incident `{plan.incident}`)",
        "",
        *_warnings(plan),
        "| Élément | Prévu |",
        "|---|---|",
        f"| Point demandé | {plan.point} |",
        f"| Dernière transaction gardée | `{plan.end.gtid}`, {moment(at)} (il y a {duration(now - at)}) |",
        f"| Jeu de sauvegarde | `{plan.set_id}`, puis rejeu des journaux archivés |",
        f"| Bases remplacées en entier | {', '.join(f'`{each}`' for each in plan.databases)} |",
        f"| Comptes fermés pendant le chargement | {', '.join(plan.accounts) or 'aucun'} |",
        f"| Serveur {plan.server} | reste en marche ; les autres bases et sites ne sont pas touchés |",
        "| Fichiers du site, comptes de base de données | pas touchés : seules les bases reviennent |",
        "| État présent | mis de côté dans le dépôt avant le chargement |",
        "",
        *_table(changes(plan)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def site_restore_notice(plan: SiteRestorePlan, link: str) -> str:
    """Return the plan for Slack with all that a person must know to approve it."""
    different = [each for each in changes(plan) if each.now != each.then]
    lines = [
        f"*Plan `{plan.digest}`*",
        f"Point : {plan.point} ; dernière transaction gardée `{plan.end.gtid}`",
        f"Bases remplacées : {', '.join(plan.databases)}",
        *(f"• `{each.name}` : {_rows(each.now)} → {_rows(each.then)}" for each in different[:10]),
        *([f"• et {len(different) - 10} autres tables"] if len(different) > 10 else []),
        *(f"Attention : {each}" for each in plan.warnings),
        f"Approuver : `continuity approve {plan.incident}`",
    ]
    if link:
        lines[-1] += f" ou <{link}|dans Prefect> (bouton Resume)"
    return "\n".join(lines)


def site_restore_line(plan: SiteRestorePlan, link: str) -> str:
    """Return the plan for Slack once nobody is asked about it any more."""
    known = f"Plan `{plan.digest}` · {plan.site} au point {plan.point}"
    return f"{known} · <{link}|suivre dans Prefect>" if link else known


def site_restore_document(
    plan: SiteRestorePlan,
    operator: str,
    closed: timedelta | None,
    undo: Mapping[str, object],
    to_check: tuple[str, ...],
    problem: str,
) -> dict[str, object]:
    """Return the report as data: what was loaded, for how long the site was closed, how to undo."""
    rows = sum(each.rows for each in plan.then)
    took = f", fermé {duration(closed)}" if closed is not None and plan.accounts else ""
    sentence = (
        f"{plan.site} est revenu à la transaction {plan.end.gtid} : "
        f"{counted(len(plan.then), 'table')}, {counted(rows, 'ligne')}, comparées{took}"
    )
    return {
        "incident": plan.incident,
        "server": plan.server,
        "site": plan.site,
        "verdict": str(Verdict.PARTLY if problem else Verdict.RECOVERED),
        "summary": sentence,
        "plan_digest": plan.digest,
        "approved_by": operator,
        "point": plan.point,
        "gtid": plan.end.gtid,
        "at": plan.end.at.isoformat() if plan.end.at else None,
        "recovery_set": plan.set_id,
        "databases": list(plan.databases),
        "tables": len(plan.then),
        "rows": rows,
        "closed_seconds": round(closed.total_seconds(), 3) if closed is not None else None,
        "undo": dict(undo),
        "to_check": list(to_check),
        "problem": problem,
    }


def site_restore_report(document: Mapping[str, object]) -> str:
    """Return the report as a page from its document."""
    undo = document["undo"]
    assert isinstance(undo, Mapping)  # noqa: S101 - made above
    listed = document["to_check"]
    checks = listed if isinstance(listed, list) else []
    lines = [
        f"# {document['site']} : {VERDICTS[Verdict(str(document['verdict']))]}",
        "",
        f"{document['summary']}.",
        "",
        *([f"**Pages du site : {document['problem']}**", ""] if document["problem"] else []),
        f"Incident `{document['incident']}`, plan `{document['plan_digest']}` approuvé par "
        f"{document['approved_by']}.",
        "",
        "## Annuler ce retour",
        "",
        f"- par l'archive : `{undo['command']}`",
        *(
            f"- par l'export de la base `{name}`, gardé 30 jours : instantané `{snapshot}`"
            for name, snapshot in _snapshots(undo)
        ),
        *(["", "## À vérifier", "", *(f"- {each}" for each in checks)] if checks else []),
    ]
    return "\n".join(lines) + "\n"


def _snapshots(undo: Mapping[str, object]) -> list[tuple[str, str]]:
    found = undo.get("snapshots")
    return [(str(k), str(v)) for k, v in found.items()] if isinstance(found, Mapping) else []


def _table(found: tuple[TableChange, ...]) -> list[str]:
    if not found:
        return ["Aucune table, ni à présent ni à ce point.", ""]
    same = [each for each in found if each.now == each.then]
    shown = [each for each in found if each.now != each.then]
    lines = ["## Ce que deviennent les tables", ""]
    if shown:
        lines += ["| Table | À présent | Après |", "|---|---|---|"]
        lines += [
            f"| `{each.name}` | {_rows(each.now)} | {_rows(each.then)} |" for each in shown[:_SHOWN]
        ]
        lines += [f"| et {len(shown) - _SHOWN} autres | | |"] if len(shown) > _SHOWN else []
        lines.append("")
    names = ", ".join(f"`{each.name}` ({each.then})" for each in same[:_SHOWN])
    if same:
        lines += [f"Autant de lignes qu'à présent, contenu du point voulu : {names}.", ""]
    return lines


def _rows(count: int | None) -> str:
    return "n'existe pas" if count is None else counted(count, "ligne")


def _warnings(plan: SiteRestorePlan) -> list[str]:
    if not plan.warnings:
        return []
    return ["**À savoir avant d'approuver**", "", *(f"- {each}" for each in plan.warnings), ""]
