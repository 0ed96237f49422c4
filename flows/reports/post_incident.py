"""What is kept of an incident: for the team, the clients and the register of breaches (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from blocks.records import StepRecord, StepState
from blocks.types import Tier
from flows.decisions.aftermath import Breach, SitePromise, failures
from flows.decisions.verdict import Verdict
from flows.reports.outcome_report import STATES
from flows.reports.wording import VERDICTS, duration, moment, step_title

WORDS = {Tier.HOURS_48: "48 h", Tier.HOUR_1: "1 h"}
KEPT = {True: "tenue", False: "**NON TENUE**", None: "pas encore dit"}


def post_incident_markdown(
    report: Mapping[str, object],
    approval: Mapping[str, object],
    records: Sequence[StepRecord],
    promises: Sequence[SitePromise],
    loss_limit: timedelta,
    breach: Breach,
) -> str:
    """Return the report of an incident that is over.

    Args:
        report: What `outcome_document` returned.
        approval: Who approved which plan, and when; may be empty.
        records: The incident's journal, at least one.
        promises: Of each site.
        loss_limit: How much may be lost.
        breach: Its times, for the register.
    """
    verdict = VERDICTS[Verdict(str(report["verdict"]))]
    lines = [
        f"# Rapport d'incident : {report['server']}, {verdict}",
        "",
        str(report["summary"]),
        "",
        f"Incident `{report['incident']}`.",
        "",
        "## Promesses et résultat",
        "",
        "| Site | Promesse | Hors ligne | |",
        "|---|---|---|---|",
        *(
            f"| {each.title} | {WORDS[each.tier]} au plus | "
            f"{duration(each.down) if each.down is not None else 'pas rétabli'} | "
            f"{KEPT[each.kept]} |"
            for each in promises
        ),
        "",
        _loss(report, loss_limit),
        "",
        "## Décisions",
        "",
        *_decisions(report, approval),
        "",
        "## Déroulement",
        "",
        "| Heure | Étape | | Durée | Détail |",
        "|---|---|---|---|---|",
        *(_line(each) for each in _ended(records)),
        "",
        "## À changer",
        "",
        *_changes(report, records, promises),
        "",
        "## Fiche RGPD : violation de disponibilité",
        "",
        *_register(report, breach),
    ]
    return "\n".join(lines) + "\n"


def _loss(report: Mapping[str, object], limit: timedelta) -> str:
    lost = report["rpo_seconds"]
    if not isinstance(lost, int | float):
        return f"Données perdues : inconnu (promesse : {duration(limit)} au plus)."
    span = timedelta(seconds=lost)
    kept = "tenue" if span <= limit else "**NON TENUE**"
    return f"Données perdues : {duration(span)}, pour {duration(limit)} au plus : promesse {kept}."


def _decisions(report: Mapping[str, object], approval: Mapping[str, object]) -> list[str]:
    at = approval.get("at")
    when = f", le {moment(datetime.fromisoformat(str(at)))}" if at else ""
    return [
        f"- Plan `{report['plan_digest']}` approuvé par {report['approved_by']}{when}.",
        f"- Jeu restauré : `{report['recovery_set']}`, "
        f"données du {moment(_time(report['data_as_of']))}.",
    ]


def _ended(records: Sequence[StepRecord]) -> list[StepRecord]:
    """Return what ended, in the order of its beginning: the journal has the order of its end."""
    ended = [each for each in records if each.state is not StepState.STARTED]
    return sorted(ended, key=lambda each: each.started_at)


def _line(record: StepRecord) -> str:
    spent = record.ended_at - record.started_at if record.ended_at else None
    detail = " ; ".join(each for each in (record.saw, record.did, record.why) if each)
    return (
        f"| {moment(record.started_at)} | {step_title(record.step)} | {STATES[record.state]} | "
        f"{duration(spent)} | {detail.replace('|', '/')} |"
    )


def _changes(
    report: Mapping[str, object], records: Sequence[StepRecord], promises: Sequence[SitePromise]
) -> list[str]:
    found = [f"Promesse non tenue pour {p.title}." for p in promises if p.kept is False]
    found += [
        f"« {step_title(step)} » a échoué au moins une fois : {why}"
        for step, why in failures(records).items()
    ]
    for key in ("problems", "to_do", "to_check"):
        listed = report[key]
        found += [str(each) for each in listed] if isinstance(listed, list) else []
    if not found:
        return ["Rien n'est ressorti du journal."]
    table = ["| Constat | Responsable | Pour le |", "|---|---|---|"]
    return table + [f"| {each.replace('|', '/')} | | |" for each in dict.fromkeys(found)]


def _register(report: Mapping[str, object], breach: Breach) -> list[str]:
    lost = (
        f"données écrites entre {moment(breach.lost_since)} et {moment(breach.began_at)}"
        if breach.lost_since
        else "aucune connue"
        if report["data_as_of"]
        else "inconnue"
    )
    listed = report["sites"]
    sites = [str(each["title"]) for each in listed] if isinstance(listed, list) else []
    return [
        "À consigner dans tous les cas au registre des violations (RGPD, article 33.5), dossier par "
        "dossier si les sites ont des responsables de traitement différents.",
        "",
        "| | |",
        "|---|---|",
        "| Nature | perte de disponibilité ; ce journal ne dit rien de la confidentialité ni de "
        "l'intégrité avant l'incident |",
        f"| Traitements touchés | {', '.join(sites)} |",
        f"| Début | {moment(breach.began_at)} |",
        f"| Connue au plus tard | {moment(breach.known_at)} (première étape du journal) |",
        f"| Fin | {moment(breach.ended_at)} |",
        f"| Perte définitive | {lost} |",
        f"| Mesures prises | {report['summary']} |",
        "| Clients (responsables de traitement) | à informer dans les meilleurs délais, "
        "article 33.2 |",
        f"| CNIL, s'il y a un risque pour les personnes | avant {moment(breach.notify_by)}, "
        "article 33.1 ; c'est le responsable de traitement qui notifie |",
        "| Personnes et données concernées | chaque responsable de traitement les indique |",
    ]


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
