"""Tell what changed in the estate since the document's last version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from blocks.types import FailureDomain
from flows.decisions.pra import Pra, PraServer, PraSite, PraStore, Version
from flows.reports.wording import duration

Facts = Mapping[str, str]
"""What the estate says, a French line each: "serveur web1, adresse" and "192.0.2.10"."""


def estate_facts(pra: Pra) -> dict[str, str]:
    """Return what the estate says of servers, sites, targets and people; nothing measured."""
    found = {"agence": pra.agency}
    for person in pra.people:
        subject = f"personne {person.name}"
        found[f"{subject}, rôles"] = ", ".join(person.duties)
        found[f"{subject}, téléphone"] = person.phone
        found[f"{subject}, adresse de courriel"] = person.email
        found[f"{subject}, rang d'appel"] = str(person.order)
        found[f"{subject}, suppléants"] = ", ".join(person.deputies) or "aucun"
    for company in pra.suppliers:
        found[f"fournisseur {company.name}, support"] = company.support
        found[f"fournisseur {company.name}, contrat"] = company.contract
    for client in pra.clients:
        found[f"client {client.name}, courriel"] = ", ".join(client.emails)
    for server in pra.servers:
        found |= _server(server)
    for store in (*pra.repositories, *pra.archives):
        found |= _store(store, "archive" if store in pra.archives else "dépôt")
    return found


def digest(facts: Facts) -> str:
    """First 12 hexadecimal digits of the SHA-256 over the facts' canonical JSON."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def changes(before: Facts, after: Facts) -> tuple[str, ...]:
    """Return a line for each fact that came, went or is another one (French), sorted."""
    found = {name: f"ajouté : {name} ({after[name]})" for name in after.keys() - before.keys()}
    found |= {name: f"retiré : {name} ({before[name]})" for name in before.keys() - after.keys()}
    found |= {
        name: f"changé : {name}, « {before[name]} » devient « {after[name]} »"
        for name in after.keys() & before.keys()
        if after[name] != before[name]
    }
    return tuple(found[name] for name in sorted(found))


def record(
    known: tuple[Version, ...], before: Facts, after: Facts, now: datetime
) -> tuple[Version, ...]:
    """Return the change record with a version more, unless the facts are those of the last one."""
    named = digest(after)
    if known and known[-1].digest == named:
        return known
    said = changes(before, after) if known else ("première version",)
    return (*known, Version(now, named, said))


def _server(server: PraServer) -> dict[str, str]:
    subject = f"serveur {server.name}"
    targets = [
        f"{each.choice.provider} {each.choice.size} {each.choice.region}".strip()
        for each in server.targets
    ]
    found = {
        f"{subject}, adresse": server.address,
        f"{subject}, domaine de défaillance": place(server.domain),
        f"{subject}, cibles": ", puis ".join(targets),
        f"{subject}, dépôts": ", ".join(each.name for each in server.repositories),
        f"{subject}, archives": ", ".join(each.name for each in server.archives) or "aucune",
    }
    for site in server.sites:
        found |= _site(site, server.name)
    return found


def _site(site: PraSite, server: str) -> dict[str, str]:
    subject = f"site {site.name}"
    return {
        f"{subject}, titre": site.title,
        f"{subject}, serveur": server,
        f"{subject}, domaines": ", ".join(site.domains),
        f"{subject}, dossiers": ", ".join(site.roots),
        f"{subject}, bases": ", ".join(site.databases) or "aucune",
        f"{subject}, interruption promise": promise_text(site.promised_down),
        f"{subject}, perte promise": promise_text(site.promised_loss),
        f"{subject}, priorité": str(site.priority),
    }


def _store(store: PraStore, kind: str) -> dict[str, str]:
    where = f"{store.address.endpoint}/{store.address.folder}"
    return {
        f"{kind} {store.name}, adresse": where,
        f"{kind} {store.name}, domaine de défaillance": place(store.domain),
        f"{kind} {store.name}, verrou": duration(store.lock) if store.lock > timedelta() else "0",
    }


def promise_text(span: timedelta) -> str:
    """Write a promise as it is given: `60 s`, `48 h`, `7 jours`."""
    hours, rest = divmod(span, timedelta(hours=1))
    if rest or not hours:
        return duration(span)
    return f"{hours} h" if hours <= 72 else f"{hours // 24} jours"


def place(domain: FailureDomain) -> str:
    """Name a failure domain in one line."""
    parts = (domain.provider, domain.site, domain.account)
    return ", ".join(each for each in parts if each) or "non déclaré"
