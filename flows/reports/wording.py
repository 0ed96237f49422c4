"""French words for steps, durations and times, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flows.decisions.verdict import Verdict

PARIS = ZoneInfo("Europe/Paris")

STEP_TITLES = {
    "observe": "Constat",
    "plan": "Plan",
    "approve": "Accord",
    "lease": "Verrou",
    "fence": "Arrêt de l'ancien serveur",
    "sweep": "Ménage des anciens exercices",
    "cost": "Coût de l'exercice",
    "machine": "Nouvelle machine",
    "connect": "Première connexion",
    "host-key": "Clé d'hôte refaite",
    "accounts": "Comptes système",
    "isolate": "Isolement de la machine d'exercice",
    "packages": "Paquets",
    "engine": "Outil de restauration",
    "files": "Fichiers",
    "configuration": "Configuration",
    "database": "Base de données",
    "web": "Services",
    "cron": "Tâches planifiées",
    "rows": "Comptage des lignes",
    "replay": "Rejeu des journaux",
    "changes": "Fichiers modifiés depuis",
    "archive": "Archive continue",
    "address": "Adresse flottante",
    "data": "Contrôle des données",
    "smoke": "Contrôle des pages",
    "links": "Liens et connexion",
    "before": "Captures en production",
    "pictures": "Captures sur la machine d'exercice",
    "dns": "Bascule DNS",
    "records": "Enregistrements DNS",
    "answers": "Réponse des serveurs DNS",
    "visitors": "Contrôle en ligne",
    "verify": "Vérification finale",
    "destroy": "Destruction de la machine d'exercice",
    "journal": "Journal",
    "copy": "Copie",
    "end": "Fin",
    "scratch": "Seconde instance",
    "undo": "État présent mis de côté",
    "load": "Chargement",
    "compare": "Comparaison",
    "tidy": "Ménage",
    "slice": "Relecture du dépôt",
    "spot": "Comparaison avec le serveur",
    "clock": "Horloges",
    "bucket": "Test du stockage",
    "sets": "Jeux de sauvegarde",
    "removal": "Retrait d'anciens jeux",
    "locks": "Verrous",
    "facts": "Relevé du serveur",
    "canary": "Témoin",
    "stream": "Export",
    "ship-again": "Envoi des derniers journaux",
    "read-back": "Relecture des objets envoyés",
    "manifest": "Manifeste",
    "look": "Lecture de l'état",
    "join": "Liaison entre les deux machines",
    "follow": "Réplication de la base",
    "pull": "Recopie des fichiers",
    "rehearse": "Répétition de la comparaison",
    "close": "Page de maintenance",
    "last-writes": "Derniers changements",
    "match": "Comparaison des deux machines",
    "reopen": "Réouverture du serveur actuel",
    "take-over": "Passage de relais",
    "lead": "Visiteurs menés à la nouvelle machine",
    "retire": "Destruction de l'ancienne machine",
    "clients-detected": "Clients : incident constaté",
    "clients-recovering": "Clients : remise en service en cours",
    "clients-back": "Clients : de nouveau en ligne",
    "clients-closed": "Clients : incident clos",
    "clients-close": "Clôture pour les clients",
}


PHASES = {
    "Préparation": ("observe", "cost", "plan", "approve", "lease", "fence", "sweep", "before"),
    "Machine": ("machine", "connect", "host-key", "accounts", "isolate", "engine", "packages"),
    "Serveur": (
        "configuration",
        "database",
        "rows",
        "replay",
        "web",
        "data",
        "address",
        "cron",
        "archive",
    ),
    "Relève": (
        "join",
        "follow",
        "pull",
        "rehearse",
        "close",
        "last-writes",
        "match",
        "take-over",
        "lead",
        "reopen",
    ),
    "Clients": (
        "clients-detected",
        "clients-recovering",
        "clients-back",
        "clients-closed",
        "clients-close",
    ),
    "Bases du site": ("scratch", "undo", "load", "compare"),
    "Fin": ("pictures", "verify", "retire", "destroy", "tidy", "end"),
}
"""Steps of the whole server, grouped for a message that is read at a glance."""

SITE_WORDS = {
    "files": "fichiers",
    "changes": "rejeu",
    "smoke": "pages",
    "links": "liens",
    "dns": "DNS",
    "visitors": "en ligne",
}
"""A site's own steps, in one word each."""

VERDICTS = {
    Verdict.RECOVERED: "rétabli",
    Verdict.PARTLY: "partiellement rétabli",
    Verdict.FAILED: "non rétabli",
}


def step_title(step: str) -> str:
    """Return a step's French title: `dns-boutique` gives "Bascule DNS : boutique"."""
    if step in STEP_TITLES:
        return STEP_TITLES[step]
    name, _, subject = step.partition("-")
    title = STEP_TITLES.get(name, name)
    return f"{title} : {subject}" if subject else title


def duration(span: timedelta | None) -> str:
    """Write a duration as a person would say it; "inconnue" when there is none."""
    if span is None:
        return "inconnue"
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".", ",")
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
    if seconds < 172800:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f} min"
    return f"{seconds // 86400:.0f} jours"


def ago(span: timedelta) -> str:
    """Write how long ago something was, in the unit that suits it."""
    return f"il y a {duration(max(span, timedelta()))}"


def moment(at: datetime | None) -> str:
    """Write a time in UTC and in Paris; "inconnu" when there is none."""
    if at is None:
        return "inconnu"
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC ({utc.astimezone(PARIS):%H:%M:%S} à Paris)"


def clock(at: datetime) -> str:
    """Write a time of today as people in Paris say it."""
    return f"{at.astimezone(PARIS):%H:%M:%S}"


def answering_text(ports: Sequence[int]) -> str:
    """Say whether a server answers, and where: `répond encore (ports 22, 80)`."""
    if not ports:
        return "ne répond plus"
    return f"répond encore (port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))})"


def counted(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 page`, `1 096 fichiers`. `many` is for unusual plurals."""
    noun = one if count < 2 else many or f"{one}s"
    return f"{count:,} {noun}".replace(",", "\u202f")


def seconds(value: float) -> str:
    """Write a short time with two digits: `0,08 s`."""
    return "moins de 0,01 s" if value < 0.005 else f"{value:.2f} s".replace(".", ",")


def size(count: int) -> str:
    """Write a number of bytes with the unit that suits it."""
    value = float(count)
    for unit in ("o", "Ko", "Mo", "Go"):
        if value < 1000 or unit == "Go":
            return f"{value:.0f} {unit}" if unit == "o" else f"{value:.1f} {unit}".replace(".", ",")
        value /= 1000
    raise AssertionError("unreachable")
