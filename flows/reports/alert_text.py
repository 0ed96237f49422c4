"""What people read of a server's alert (French). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.records import Notice
from flows.decisions.alert import Assessment, Condition
from flows.decisions.alert_state import AlertState
from flows.reports.observed_text import in_french
from flows.reports.wording import counted, moment

OWN_PLACE = "ce poste"
"""Name of the vantage point that continuity itself runs on."""
LONGEST = 8
"""Failing pages that a message lists."""

HEADS = {
    Condition.UP: "tous les sites répondent",
    Condition.TROUBLE: "le serveur répond, des sites sont en erreur",
    Condition.DOWN: "ne répond plus",
    Condition.OWN_NETWORK: "panne vue d'un seul endroit",
    Condition.UNKNOWN: "état inconnu",
}


def headline(found: Assessment) -> str:
    """Say in one line what is concluded of a server."""
    text = f"{found.server} : {HEADS[found.condition]}"
    if found.condition is Condition.TROUBLE:
        return f"{text} ({', '.join(found.failing)})"
    if found.condition is Condition.DOWN:
        return f"{text}, vu de {_places(found.silent)}"
    return text


def explanation(found: Assessment) -> str:
    """Say what a conclusion means, and what nobody will do by itself."""
    match found.condition:
        case Condition.UP:
            return ""
        case Condition.DOWN:
            return (
                f"Aucun de ses sites ne répond depuis {_places(found.silent)}, deux fois de suite."
            )
        case Condition.TROUBLE:
            return (
                "Ce n'est pas un sinistre : pas de reprise. Regarder le serveur et les pages "
                "ci-dessous."
            )
        case Condition.OWN_NETWORK:
            odd = found.silent or _odd_places(found)
            return (
                f"Vu de {_places(odd)} seulement ; d'ailleurs, les sites répondent. "
                "C'est le réseau de ce point de vue, pas le serveur : rien n'est lancé."
            )
    return f"{_sentence(found.why)} Une panne n'est jamais conclue sans deux points de vue."


def what_next(found: Assessment) -> str:
    """Return what to type or do, "" when all is well."""
    match found.condition:
        case Condition.UP:
            return ""
        case Condition.DOWN:
            return f"continuity recover {found.server} --down-since {found.since:%Y-%m-%dT%H:%M:%S}"
        case Condition.TROUBLE:
            return f"continuity readiness {found.server}"
    return f"continuity watch {found.server}"


def seen(found: Assessment) -> Sequence[str]:
    """Return a line for each failing page and each place that saw nothing.

    Pages that say the same at a place are one line.
    """
    pages: dict[tuple[str, str], list[str]] = {}
    for place, url, said in found.details:
        pages.setdefault((place, in_french(said)), []).append(url)
    lines = [f"{place} — {', '.join(urls)} : {said}" for (place, said), urls in pages.items()]
    if len(lines) > LONGEST:
        left = counted(len(lines) - LONGEST, "autre page", "autres pages")
        lines = [*lines[:LONGEST], f"… et {left}"]
    return [*lines, *(f"{place} — ne voit rien : {in_french(why)}" for place, why in found.blind)]


def alert_notice(
    found: Assessment, before: AlertState, *, asked: bool = False, under_way: str = ""
) -> Notice:
    """Return the message that a change of a server's condition is told with."""
    if found.condition is Condition.UP:
        text = f"{headline(found)} de nouveau — alerte close"
        return Notice(text, f"Fin constatée : {moment(found.since)}.", final=True)
    body = [explanation(found)]
    if before.condition is Condition.DOWN:
        body.insert(0, "Le serveur répond de nouveau.")
    if found.condition is Condition.DOWN:
        body += [f"Panne constatée : {moment(found.since)}.", _recovery(asked, under_way)]
    body += [f"• {line}" for line in seen(found)]
    body.append(_to_type(found, asked=asked, under_way=under_way))
    return Notice(headline(found), "\n".join(body), failed=True)


def received_text(alert: str) -> str:
    """Say that an alert came; its reason is `monitor : host kind`, or what a person wrote."""
    monitor, _, what = alert.partition(" : ")
    host, _, kind = what.rpartition(" ")
    if not host:
        return f"Regard demandé ({alert})"
    words = {"down": "ne répond plus", "up": "répond de nouveau"}
    return f"Alerte reçue de {monitor} : {host} {words.get(kind, kind)}"


def confirmed_text(found: Assessment) -> str:
    """Say that a loss was confirmed, and from how many places."""
    places = counted(len(found.silent), "point de vue", "points de vue")
    return f"Panne confirmée de {places} : {_places(found.silent)}"


REQUESTED = "Reprise demandée à Prefect : elle attend un accord"
OVER = "Le serveur répond de nouveau : alerte close"


def _to_type(found: Assessment, *, asked: bool, under_way: str) -> str:
    """Say what to type: never a second recovery beside the one that is prepared."""
    command = what_next(found)
    if found.condition is not Condition.DOWN:
        return f"À taper : `{command}`"
    if under_way:
        again = f"continuity recover {found.server} --incident {under_way}"
        return f"Si elle attend : `continuity approve {under_way}`. Si elle est arrêtée : `{again}`"
    when = "Quand le plan est là" if asked else "Quand la reprise est préparée"
    return f"{when} : `continuity approve`. Si rien n'arrive dans les cinq minutes : `{command}`"


def _recovery(asked: bool, under_way: str) -> str:
    if under_way:
        return f"Une reprise existe déjà : {under_way}. Aucune autre n'est lancée."
    if asked:
        return (
            "Une reprise est préparée dans Prefect et attendra votre accord : rien ne change avant."
        )
    return "Un autre traitement tient le serveur ; la reprise sera préparée dès qu'il aura fini."


def _odd_places(found: Assessment) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for place, _, _ in found.details))


def _places(names: Sequence[str]) -> str:
    *others, last = [f"« {name} »" for name in names] or ["nulle part"]
    return f"{', '.join(others)} et {last}" if others else last


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
