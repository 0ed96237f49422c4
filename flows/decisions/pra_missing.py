"""Say what the recovery document cannot say, and what to write or type so that it can."""

from __future__ import annotations

from dataclasses import dataclass

from blocks.types import Duty
from flows.decisions.pra import Pra, PraServer


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing, and what mends it (French)."""

    what: str
    mend: str


def missing(pra: Pra) -> tuple[Missing, ...]:
    """Return all that a person has to fill in, in the order of the document."""
    found = [*_people(pra), *_suppliers(pra)]
    if pra.unread:
        what = "le journal n'a pas pu être lu : ni exercices passés, ni registre des changements"
        found.append(Missing(what, "`continuity status` dit pourquoi"))
    for server in pra.servers:
        found += _server(server)
    return tuple(found)


def _people(pra: Pra) -> list[Missing]:
    if not pra.people:
        what = "personne n'est nommé : ni rôles, ni arbre d'appel, ni contacts"
        return [Missing(what, "`agency.people` dans le fichier du parc")]
    held = {duty for each in pra.people for duty in each.duties}
    return [
        Missing(f"personne ne tient le rôle « {duty} »", "`agency.people`, clé `roles`")
        for duty in Duty
        if duty not in held
    ]


def _suppliers(pra: Pra) -> list[Missing]:
    if not pra.suppliers:
        what = "aucun fournisseur n'est nommé : ni support, ni numéro de client"
        return [Missing(what, "`agency.suppliers` dans le fichier du parc")]
    covered = {name for each in pra.suppliers for name in each.covers}
    used = {each.domain.provider for each in pra.servers}
    used |= {each.domain.provider for each in (*pra.repositories, *pra.archives)}
    return [
        Missing(
            f"aucun fournisseur ne couvre « {name} »", f"`agency.suppliers`, clé `covers: [{name}]`"
        )
        for name in sorted(used - covered - {""})
    ]


def _server(server: PraServer) -> list[Missing]:
    found = []
    if server.made is None:
        what = f"{server.name} n'a aucun jeu de sauvegarde utilisable : ni logiciels, ni plan"
        found.append(Missing(what, f"`continuity backup {server.name}`"))
    elif server.plan is None:
        what = f"le plan de reprise de {server.name} n'a pas pu être calculé"
        found.append(Missing(what, f"`continuity readiness {server.name}` dit pourquoi"))
    if not server.domain.declared:
        what = f"{server.name} : son hébergeur, son centre et son compte ne sont pas déclarés"
        found.append(Missing(what, f"`domain` du serveur {server.name}"))
    if not server.archives:
        what = f"{server.name} n'a pas d'archive continue : la suite du dernier jeu serait perdue"
        found.append(Missing(what, f"`archive` du serveur {server.name}"))
    if not server.origin:
        what = f"{server.name} : machine non déclarée chez l'hébergeur, à éteindre à la main"
        found.append(Missing(what, f"`origin` du serveur {server.name}"))
    unread = [site.name for site in server.sites if not site.records]
    if unread:
        what = f"aucun enregistrement DNS lu pour {', '.join(unread)}"
        found.append(Missing(what, f"`continuity readiness {server.name}` dit pourquoi"))
    return found
