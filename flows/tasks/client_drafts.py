"""Write what clients can be told of an incident, and keep it until somebody says yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prefect.artifacts import create_markdown_artifact

from blocks.clients.client import Client
from blocks.errors import ContinuityError, NotFound
from blocks.registry import load
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.messages import ClientMessages
from blocks.status_pages.base import StatusPage
from blocks.types.clients import Draft, FirstMessage, Sending
from flows.decisions.client_news import (
    ClientSite,
    ClientView,
    Known,
    News,
    digest_of,
    known,
    newest,
    news,
)
from flows.reports.client_page import clients_page
from flows.reports.client_texts import message
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import Estate, Incident, now


@dataclass(frozen=True)
class Prepared:
    """Drafts with the news that they tell and how far each recipient's message is."""

    facts: Known
    told: tuple[News, ...]
    drafts: tuple[Draft, ...]
    states: dict[tuple[str, str], Sending]
    """By phase and address."""

    @property
    def digest(self) -> str:
        """Return the digest of the drafts; the same as long as not a word of them changes."""
        return digest_of(
            [
                {"client": d.client, "phase": d.phase, "subject": d.subject, "body": d.body,
                 "addresses": list(d.addresses)}
                for d in self.drafts
            ]
        )  # fmt: skip

    def waiting(self, *states: Sending) -> tuple[tuple[Draft, str], ...]:
        """Return the messages, as draft and recipient, that are as far as this."""
        return tuple(
            (draft, address)
            for draft in self.drafts
            for address in draft.addresses
            if self.states[(draft.phase, address)] in states
        )


def client_views(estate: Estate) -> tuple[ClientView, ...]:
    """Return the clients that have sites on this server."""
    found = []
    for reference in estate.declared.client_news.clients:
        client = load(reference, Client)
        names = [each.split("/", 1)[1] for each in client.sites]
        sites = tuple(
            ClientSite(name, site.title, tuple(site.domains), site.tier)
            for name, site in estate.sites.items()
            if name in names
        )
        automatic = client.first_message is FirstMessage.AUTOMATIC
        view = ClientView(
            reference.split("/", 1)[1], client.title, client.language, tuple(client.addresses),
            sites, automatic, dict(client.templates),
        )  # fmt: skip
        found += [view] if sites else []
    return tuple(found)


def facts_of(incident: Incident) -> Known:
    """Return what the incident's journal proves, and whether the server is backed up again."""
    return known(
        incident.id,
        incident.records,
        incident.journal.document(PLAN),
        incident.journal.document(REPORT),
        _protected_at(incident.estate),
    )


def prepare(incident: Incident, phase: str = "", clients: Sequence[ClientView] = ()) -> Prepared:
    """Write the drafts of this phase, or of each client's newest one, and show them.

    A draft of which one copy was claimed or sent stays as it is: everybody gets the same words.

    Raises:
        ConfigurationError: A client's own text cannot be filled in.
    """
    prepared = drafts_of(incident, phase, clients)
    box = ClientMessages(incident.estate.state, incident.id)
    for draft in prepared.drafts:
        if draft != box.draft(draft.phase, draft.client):
            box.put_draft(draft, now())
    if prepared.drafts:
        create_markdown_artifact(
            key=f"clients-{incident.estate.name}",
            markdown=clients_page(incident.id, prepared.drafts, prepared.states, prepared.digest),
            description=f"Messages aux clients, incident {incident.id}",
        )
    return prepared


def drafts_of(incident: Incident, phase: str = "", clients: Sequence[ClientView] = ()) -> Prepared:
    """Return the drafts without writing anything; see `prepare`."""
    facts = facts_of(incident)
    reached = news(clients or client_views(incident.estate), facts)
    told = tuple(n for n in reached if n.phase == phase) if phase else newest(reached)
    box = ClientMessages(incident.estate.state, incident.id)
    states = {
        (each.phase.value, address): box.state(each.phase, address)
        for each in told
        for address in each.client.addresses
    }
    drafts = tuple(_draft(incident.estate, box, each, states) for each in told)
    return Prepared(facts, told, drafts, states)


def required(prepared: Prepared, incident: str, phase: str) -> Prepared:
    """Return what was prepared. Raises `NotFound` when there is nothing to tell."""
    if not prepared.drafts:
        what = f"phase {phase} of {incident}" if phase else f"incident {incident}"
        cause = "nothing to tell clients: no client has a site there, or it is not that far"
        raise NotFound(what, cause, f"continuity clients show {incident}")
    return prepared


def _draft(
    estate: Estate, box: ClientMessages, told: News, states: dict[tuple[str, str], Sending]
) -> Draft:
    kept = box.draft(told.phase, told.client.name)
    begun = any(
        states.get((told.phase.value, each)) in (Sending.CLAIMED, Sending.SENT)
        for each in (kept.addresses if kept else ())
    )
    if kept and begun:
        return Draft(kept.client, kept.phase, kept.subject, kept.body, told.client.addresses)
    about = estate.declared.client_news
    subject, body = message(told, about.agency, about.contact, _status_url(estate))
    return Draft(told.client.name, told.phase.value, subject, body, told.client.addresses)


def _status_url(estate: Estate) -> str:
    reference = estate.declared.client_news.status_page
    return load(reference, StatusPage).url if reference else ""


def _protected_at(estate: Estate) -> datetime | None:
    """Return when the newest complete set was taken; None too if nobody can say now."""
    try:
        sets = Catalogue(estate.repository).list(estate.name).sets
    except ContinuityError:
        return None
    return sets[-1].consistent_at if sets else None
