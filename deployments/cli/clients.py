"""`continuity clients`: read, send and close what clients are told of an incident."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from blocks import registry
from blocks.errors import ContinuityError, NotFound
from blocks.repositories.journal import Journal
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown
from flows.decisions.client_delivery import Uncertain
from flows.decisions.client_news import CLOSED_BY_HAND, Phase
from flows.reports.client_page import clients_page
from flows.tasks.approval import PLAN
from flows.tasks.client_approval import ask_here
from flows.tasks.client_drafts import drafts_of
from flows.tasks.incident import Estate, Incident, open_estate

commands = typer.Typer(help="Messages to clients about an incident.", no_args_is_help=True)

IncidentName = Annotated[str, typer.Argument(help="The incident, as `continuity status` names it.")]
PhaseName = Annotated[
    Phase | None, typer.Option(help="Default: the phase that each client's sites are in.")
]


@commands.command("show")
def show_messages(
    incident: IncidentName,
    phase: PhaseName = None,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Show what clients would be told now, and what was sent. Changes nothing."""
    with connected(local=local, estate=estate), shown():
        case = _case(incident)
        found = drafts_of(case, str(phase or ""))
        show(clients_page(incident, found.drafts, found.states, found.digest))


@commands.command()
def send(
    incident: IncidentName,
    phase: PhaseName = None,
    uncertain: Annotated[
        Uncertain,
        typer.Option(help="Messages of which nobody knows whether they went out."),
    ] = Uncertain.LEAVE,
    approve: Annotated[
        str, typer.Option(help="Digest of the messages you have read; asked for if not given.")
    ] = "",
    operator: Annotated[str, typer.Option(help="Who approves.")] = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Send the messages to clients, after you quoted their digest; each goes out once.

    Exit codes: 0 all sent, 1 something was not sent or is uncertain, 4 not approved.
    """
    from flows.client_news import client_news  # The flows take a second to import.

    ask_here.append(lambda digest, page: _ask(digest, page, approve, operator))
    with connected(local=local, estate=estate), shown():
        server = _server_of(incident).name
        done = client_news(server, incident, str(phase or ""), uncertain)
        print(f"{done['sent']} messages sont envoyés.")


@commands.command()
def close(
    incident: IncidentName,
    why: Annotated[str, typer.Option(help="A sentence for the clients; may be left out.")] = "",
    operator: Annotated[str, typer.Option(help="Who closes it.")] = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Close an incident for clients: their last message can then be sent."""
    with connected(local=local, estate=estate), shown():
        with _case(incident).step(CLOSED_BY_HAND) as note:
            note.did, note.why = f"clos par {operator or getpass.getuser()}", why
        print(f"continuity clients send {incident}")


def _case(incident: str) -> Incident:
    return Incident(incident, _server_of(incident), f"Messages aux clients, {incident}")


def _server_of(incident: str) -> Estate:
    """Return the server whose recovery this incident is. Raises `NotFound`."""
    unread = ""
    for name in registry.names("protected-server"):
        estate = open_estate(name)
        try:
            plan = Journal(estate.state, incident).document(PLAN) or {}
        except ContinuityError as error:
            unread = str(error)
            continue
        if plan.get("server") == name and "purpose" in plan:
            return estate
    cause = f"no server's journal has its plan{f'; {unread}' if unread else ''}"
    raise NotFound(f"incident {incident}", cause, "continuity status")


def _ask(digest: str, page: str, quoted: str, operator: str) -> tuple[str, str]:
    show(f"\n{page}")
    name = operator or getpass.getuser()
    if quoted or not sys.stdin.isatty():
        return quoted, name
    return input(f"Empreinte des messages pour les envoyer ({digest}) : "), name
