"""What the report of an incident says, in rows that Markdown and HTML both lay out (French)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from blocks.records import StepRecord, StepState
from blocks.types import Tier
from flows.decisions.aftermath import CNIL_WITHIN, Aftermath, Breach, failures
from flows.decisions.cost import Estimate
from flows.decisions.incident_cost import Spent
from flows.decisions.verdict import Verdict
from flows.reports.cost_text import amount_text, source_text_of
from flows.reports.outcome_report import STATES
from flows.reports.wording import VERDICTS, duration, moment, step_title

WORDS = {Tier.HOURS_48: "48 h", Tier.HOUR_1: "1 h"}
KEPT = {True: "tenue", False: "NON TENUE", None: "pas encore dit"}
UNPRICED = "non chiffré ici : la commande `continuity report` le chiffre d'après prices.yaml"


def verdict_text(facts: Aftermath) -> str:
    """Say how the incident ended."""
    said = facts.report.get("verdict")
    return VERDICTS[Verdict(str(said))] if said else "sans résultat à ce jour"


def promise_rows(facts: Aftermath) -> list[tuple[str, str, str, str]]:
    """Return site, promise, time offline, whether it was kept."""
    return [
        (
            each.title,
            f"{WORDS[each.tier]} au plus",
            duration(each.down) if each.down is not None else "pas rétabli",
            KEPT[each.kept],
        )
        for each in facts.promises
    ]


def loss_row(facts: Aftermath) -> tuple[str, str, str, str]:
    """Return the loss of data beside its promise, in the columns of `promise_rows`."""
    lost = facts.report["rpo_seconds"]
    promise = f"{duration(facts.loss_limit)} au plus"
    if not isinstance(lost, int | float):
        return "Données perdues", promise, "inconnu", KEPT[None]
    span = timedelta(seconds=lost)
    return "Données perdues", promise, duration(span), KEPT[span <= facts.loss_limit]


def decision_lines(facts: Aftermath) -> list[str]:
    """Say who decided what, when."""
    report, approval = facts.report, facts.approval
    if not report["approved_by"]:
        return ["Aucun plan n'a été approuvé."]
    at = approval.get("at")
    when = f", le {moment(datetime.fromisoformat(str(at)))}" if at else ""
    found = [f"Plan `{report['plan_digest']}` approuvé par {report['approved_by']}{when}."]
    as_of = _time(report["data_as_of"])
    stand = f"données du {moment(as_of)}" if as_of else "âge des données non prouvé"
    return [*found, f"Jeu restauré : `{report['recovery_set']}`, {stand}."]


def step_rows(facts: Aftermath) -> list[tuple[str, str, str, str, str]]:
    """Return what ended, in the order of its beginning: the journal has the order of its end."""
    ended = [each for each in facts.records if each.state is not StepState.STARTED]
    return [_step(each) for each in sorted(ended, key=lambda each: each.started_at)]


def _step(record: StepRecord) -> tuple[str, str, str, str, str]:
    spent = record.ended_at - record.started_at if record.ended_at else None
    detail = " ; ".join(each for each in (record.saw, record.did, record.why) if each)
    title, state = step_title(record.step), STATES[record.state]
    return moment(record.started_at), title, state, duration(spent), detail


def cost_rows(each: Spent) -> tuple[str, str, str, str]:
    """Return what, how much of it, its amount, where the price is from."""
    line = each.line
    if line.low is None or line.high is None:
        return line.what, each.quantity, "inconnu", each.unknown
    source = source_text_of(line.price) if line.price else "étude de continuité"
    source += " (ANCIEN)" if each.old else ""
    return line.what, each.quantity, amount_text((line.low, line.high), line.currency), source


def findings(facts: Aftermath) -> list[str]:
    """Return what came to light and calls for a change, each once."""
    report = facts.report
    found = [f"Promesse non tenue pour {p.title}." for p in facts.promises if p.kept is False]
    if loss_row(facts)[3] == KEPT[False]:
        found.append("Promesse non tenue : plus de données perdues que permis.")
    found += [
        f"« {step_title(step)} » a échoué au moins une fois : {why}"
        for step, why in failures(facts.records).items()
    ]
    for key in ("problems", "to_do", "to_check"):
        listed = report[key]
        found += [str(each) for each in listed] if isinstance(listed, list) else []
    return list(dict.fromkeys(found))


def change_rows(facts: Aftermath) -> list[tuple[str, str, str, str]]:
    """Return number, what, owner, date; a finding that nobody took up has neither of the two."""
    taken = {each.what: each for each in facts.actions}
    noted = findings(facts)
    every = [*noted, *(what for what in taken if what not in noted)]
    return [
        (str(number), what, taken[what].owner, f"{taken[what].due:%d/%m/%Y}")
        if what in taken
        else (str(number), what, "à désigner", "à fixer")
        for number, what in enumerate(every, 1)
    ]


def clock_text(breach: Breach, at: datetime) -> str:
    """Say how far the 72 hours of the law have run."""
    left = breach.notify_by - at
    passed = _hours(at - breach.known_at)
    if left < timedelta():
        return f"délai de 72 h DÉPASSÉ depuis {_hours(-left)} ({passed} écoulées)"
    return f"il reste {_hours(left)} sur 72 h ({passed} écoulées)"


def clock_part(breach: Breach, at: datetime) -> float:
    """Return the part of the 72 hours that has passed, 0 to 1."""
    return min(max((at - breach.known_at) / CNIL_WITHIN, 0.0), 1.0)


def register_rows(facts: Aftermath) -> list[tuple[str, str]]:
    """Return the sheet for the register of breaches."""
    report, breach = facts.report, facts.breach
    lost = (
        f"données écrites entre {moment(breach.lost_since)} et {moment(breach.began_at)}"
        if breach.lost_since
        else "aucune connue"
        if report["data_as_of"]
        else "inconnue"
    )
    ended = moment(breach.ended_at) if breach.ended_at else "pas encore : un site n'est pas rétabli"
    return [
        (
            "Nature",
            "perte de disponibilité ; ce journal ne dit rien de la confidentialité ni de "
            "l'intégrité avant l'incident",
        ),
        ("Traitements touchés", ", ".join(each.title for each in facts.promises)),
        ("Début", moment(breach.began_at)),
        ("Connue au plus tard", f"{moment(breach.known_at)} (première trace au journal)"),
        ("Fin", ended),
        ("Perte définitive", lost),
        ("Mesures prises", str(report["summary"])),
        (
            "Clients (responsables de traitement)",
            "à informer dans les meilleurs délais, article 33.2",
        ),
        (
            "CNIL, s'il y a un risque pour les personnes",
            f"avant {moment(breach.notify_by)}, article 33.1 ; c'est le responsable de traitement "
            "qui notifie",
        ),
        (
            "Délai de la CNIL à l'heure de ce rapport",
            clock_text(breach, facts.written_at),
        ),
        (
            "Personnes et données concernées",
            "chaque responsable de traitement les indique",
        ),
    ]


REGISTER = (
    "À consigner dans tous les cas au registre des violations (RGPD, article 33.5), dossier par "
    "dossier si les sites ont des responsables de traitement différents."
)


def mark_lines(facts: Aftermath) -> Sequence[str]:
    """Return the events beside the steps, numbered as in the picture."""
    return [f"{moment(each.at)} : {each.text}" for each in facts.timeline.marks]


def _hours(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def totals_text(found: Sequence[Spent]) -> str:
    """Return the sum of what is known, a currency at a time; "au moins" if something is not."""
    estimate = Estimate("", tuple(each.line for each in found))
    said = " + ".join(amount_text(amount, sign) for sign, amount in estimate.totals().items())
    return said if estimate.complete else f"au moins {said}"
