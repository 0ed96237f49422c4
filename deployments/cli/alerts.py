"""`continuity alerts serve|log|address`: what monitors elsewhere send us."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blocks.errors import NotFound, Unreachable
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.progress import shown

commands = typer.Typer(
    help="Alerts of UptimeRobot and Pingdom: they make us look.", no_args_is_help=True
)
State = Annotated[Path, typer.Option(help="File that keeps what was received.")]
DEFAULT_STATE = Path("/var/lib/continuity/alerts.db")
VERDICTS = {
    "looking": "regard lancé",
    "merged": "regard déjà en cours",
    "noted": "noté, rien à regarder",
    "forged": "REFUSÉ : expéditeur inconnu",
    "too-many": "REFUSÉ : trop de messages",
    "too-large": "REFUSÉ : trop gros",
    "too-slow": "REFUSÉ : trop lent",
    "wrong-type": "REFUSÉ : type inconnu",
    "unreadable": "REFUSÉ : illisible",
    "stale": "REFUSÉ : trop ancien",
    "unknown-host": "REFUSÉ : hôte inconnu",
    "replayed": "REFUSÉ : déjà reçu",
    "unavailable": "à renvoyer : Prefect n'a pas répondu",
}


@commands.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8070,
    state: State = DEFAULT_STATE,
    proxy: Annotated[
        str, typer.Option(help="Address of the reverse proxy whose X-Forwarded-For is believed.")
    ] = "",
) -> None:
    """Receive alerts until told to end. Each makes Prefect look at the server that it is about.

    Wants a Prefect server with the estate applied. Speaks HTTP only: put a reverse proxy with TLS
    in front of it (docs/alertes.md).
    """
    from deployments.receiver.application import Receiver
    from deployments.receiver.estate_view import Cached, look_around, start_look
    from deployments.receiver.intake import Intake
    from deployments.receiver.record import Record
    from deployments.receiver.server import server
    from flows.tasks.incident import now

    with connected(local=False, estate=None, quiet=True) as prefect, shown():
        if not prefect:
            hint = "export PREFECT_API_URL=http://ADDRESS:4200/api, and see that it answers"
            raise Unreachable("Prefect server", "none answers, so nobody could look", hint)
        logging.basicConfig(format="%(asctime)s %(message)s", force=True)
        logging.getLogger("continuity.alerts").setLevel(logging.INFO)
        known = Cached(look_around, time.monotonic)
        print(f"monitors: {', '.join(sorted(known().sources)) or 'none in the estate file'}")
        intake = Intake(known, Record(state), start_look, now, time.monotonic)
        server(Receiver(intake).application(), host, port, proxy).run()


@commands.command()
def log(
    most: Annotated[int, typer.Option(min=1, max=10_000, help="Lines to show.")] = 30,
    state: State = DEFAULT_STATE,
) -> None:
    """Show what monitors sent, newest first, and what came of it."""
    from deployments.receiver.record import Record

    if not state.exists():
        hint = "name the receiver's file: continuity alerts log --state FILE"
        raise NotFound(f"record {state}", "does not exist", hint)
    table = Table(title="Alertes reçues", title_justify="left")
    table.add_column("Reçue (UTC)", no_wrap=True)
    for column in ("Surveillance", "De", "Hôte", "Serveur", "Suite donnée"):
        table.add_column(column, overflow="fold")
    for each in Record(state).entries(most):
        table.add_row(
            f"{each.at:%Y-%m-%d %H:%M:%S}", each.monitor, each.source, each.host, each.server,
            VERDICTS[each.verdict],
        )  # fmt: skip
    Console().print(table)


@commands.command()
def address(
    monitor: Annotated[str, typer.Argument(help="Name of the monitor, as in the estate file.")],
    base: Annotated[str, typer.Option(help="Address of the reverse proxy: https://HOST.")],
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Print the address to enter at the monitor. It holds the secret: keep it from others."""
    from deployments.receiver.estate_view import look_around

    with connected(local=local, estate=estate, quiet=True), shown():
        sources = look_around().sources
    if monitor not in sources:
        known = ", ".join(sorted(sources)) or "none"
        raise NotFound(f"monitor {monitor}", f"is not declared; known: {known}", "add it to alerts")
    print(f"{base.rstrip('/')}/alerts/{monitor}/{sources[monitor].secret.get_secret_value()}")
