"""What retention did, and what a bucket's self-test found, as people read it (French)."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.types import BucketCheck, CheckState, SelfTest
from flows.decisions.immutability import Immutability
from flows.decisions.lock_audit import LockAudit
from flows.reports.wording import counted, moment, size

CHECKS = {
    BucketCheck.VERSIONING: "Les versions sont gardées",
    BucketCheck.DEFAULT_LOCK: "Un objet neuf est verrouillé",
    BucketCheck.RANGE: "Lecture d'une partie d'un objet",
    BucketCheck.MULTIPART: "Envoi en plusieurs morceaux",
    BucketCheck.CONDITIONAL: "Écritures conditionnelles (verrous entre exécutions)",
    BucketCheck.OVERWRITE: "Écraser laisse l'ancienne version",
    BucketCheck.HIDE: "Effacer par le nom laisse la version",
    BucketCheck.DESTROY: "Aucune clé ne détruit une version",
    BucketCheck.SHORTEN: "Aucune clé ne raccourcit un verrou",
    BucketCheck.LENGTHEN: "La clé du ménage, et elle seule, prolonge un verrou",
    BucketCheck.LIFECYCLE: "La clé du serveur ne change aucune règle d'expiration",
}
STATES = {
    CheckState.HELD: "tenu",
    CheckState.NOT_HELD: "NON TENU",
    CheckState.UNTESTED: "non testé",
}


def self_test_rows(test: SelfTest) -> list[tuple[str, str, str]]:
    """Return what was tested, how it ended and what was seen, a row each."""
    return [(CHECKS[each.check], STATES[each.state], each.evidence) for each in test.results]


def retention_sentence(what: str, audit: LockAudit, lengthened: int, gone: Sequence[str]) -> str:
    """Say in one sentence what one run did to `what`, such as `web1, dépôt principal`."""
    removed = counted(len(gone), "jeu retiré", "jeux retirés")
    until = f"{audit.earliest:%Y-%m-%d}" if audit.earliest else "aucune date"
    return (
        f"{what} : {removed} ; {counted(audit.objects, 'objet')} sous verrou"
        f" ({size(audit.bytes)}), {counted(lengthened, 'verrou prolongé', 'verrous prolongés')},"
        f" première échéance {until}"
    )


def retention_page(server: str, sections: Sequence[str]) -> str:
    """Return the page of one run, a section for each repository."""
    return "\n".join([f"# Conservation de {server}", "", *sections])


def failed_section(repository: str, error: Exception) -> str:
    """Return what the page says of a repository in which nothing could be done."""
    return f"## Dépôt {repository} : ÉCHEC\n\n{error}\n"


def retention_section(
    repository: str,
    test: SelfTest,
    verdict: Immutability,
    audit: LockAudit,
    lengthened: int,
    hidden: int,
    gone: Sequence[str],
    stopped: str,
) -> str:
    """Say of one repository what was removed, what is locked until when, what was tested."""
    lines = [f"## Dépôt {repository}", ""]
    lines += [f"**Rien n'a été retiré.** {stopped}", ""] if stopped else []
    lines += [f"Jeux retirés : {', '.join(gone) or 'aucun'}.", ""]
    lines += [
        "| Verrous | |",
        "|---|---|",
        f"| objets dont un jeu gardé a besoin | {audit.objects} ({size(audit.bytes)}) |",
        f"| sans verrou au début du contrôle | {audit.unlocked} |",
        f"| prolongés | {lengthened} |",
        f"| première échéance | {moment(audit.earliest) if lengthened or not audit.unlocked else 'aucun verrou'} |",
        f"| écrasés après coup | {len(audit.overwritten)} |",
        f"| cachés ou absents | {len(audit.missing)} |",
        f"| anciennes versions encore stockées, donc facturées | {size(hidden)} |",
        "",
        f"**{verdict.sentence.capitalize()}**",
        "",
        f"Testé le {moment(test.at)} : `{test.place}`",
        "",
        "| Promesse | Résultat | Ce qui a été vu |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in self_test_rows(test)),
    ]
    return "\n".join(lines) + "\n"
