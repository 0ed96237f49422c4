"""`continuity archive status|check|find`: how far it is, what it promises, what it holds."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blocks import registry
from blocks.errors import ConfigurationError, NotFound
from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.progress import shown
from deployments.cli.repository import end_with
from flows.decisions.archive_state import LIMIT, ArchiveCondition, ArchiveState
from flows.reports.archive_text import unread_notes
from flows.reports.wording import duration, moment
from flows.tasks.archive_find import Search, search
from flows.tasks.archive_look import archived_sets, wanted_point
from flows.tasks.incident import Estate, open_estate

commands = typer.Typer(help="The continuous archive.", no_args_is_help=True)
CONDITIONS = {
    ArchiveCondition.CURRENT: "à jour",
    ArchiveCondition.LATE: "EN RETARD",
    ArchiveCondition.BROKEN: "INTERROMPUE",
    ArchiveCondition.UNKNOWN: "INCONNUE",
    ArchiveCondition.DEGRADED: "UNE COPIE MANQUE",
}


@commands.command()
def status(
    as_json: Json = False,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Show how far each server's archive is. Exit codes: 0 all current, 3 not all."""
    from flows.tasks.archive_watch_steps import look

    with connected(local=local, estate=estate, quiet=as_json), shown(quiet=as_json):
        opened = [open_estate(name) for name in registry.names("protected-server")]
        states = [look.fn(each, LIMIT) for each in opened if each.archive]
    if as_json:
        print(json.dumps([_document(each) for each in states]))
    else:
        Console().print(_table(states))
    if any(each.condition is not ArchiveCondition.CURRENT for each in states):
        raise typer.Exit(3)


def _document(state: ArchiveState) -> dict[str, object]:
    return {
        "server": state.server,
        "condition": str(state.condition),
        "lag_seconds": state.lag.total_seconds() if state.lag else None,
        "reaches": state.reaches.isoformat() if state.reaches else None,
        "detail": state.detail,
        "places": {each.name: each.problem or "current" for each in state.places},
    }


def _table(states: list[ArchiveState]) -> Table:
    table = Table(title="Archive continue", title_justify="left")
    for column in (
        "Serveur",
        "État",
        "Retard",
        "Reprise possible jusqu'au",
        "Exemplaires",
        "Détail",
    ):
        table.add_column(column)
    for each in states:
        table.add_row(
            each.server,
            CONDITIONS[each.condition],
            duration(each.lag),
            moment(each.reaches),
            "\n".join(f"{p.name} : {p.problem or 'à jour'}" for p in each.places),
            each.detail,
        )
    return table


@commands.command()
def check(
    name: Annotated[str, typer.Argument(help="Name of the archive, as in the estate file.")],
    as_json: Json = False,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Try with every key what an attacker would try, on an object of our own.

    Exit codes: 0 immutability is proven, 1 it is not.
    """
    from flows.tasks.immutability import keep_archive_test

    with connected(local=local, estate=estate, quiet=as_json), shown(quiet=as_json):
        opened = [open_estate(each) for each in registry.names("protected-server")]
        using = [each for each in opened if each.archive and name in each.archive.archives]
        if not using:
            hint = "name an archive of the estate file: continuity estate validate"
            raise ConfigurationError(f"archive {name}", "no server uses it", hint)
        found = next(each.archive.archives[name] for each in using if each.archive)
        test = keep_archive_test(found, using)
    end_with(f"Archive {name}", test, as_json=as_json)


@commands.command()
def find(
    server: Annotated[str, typer.Argument(help="Name of the server.")],
    text: Annotated[str, typer.Argument(help='Part of a statement, such as "DROP TABLE".')],
    since: Annotated[
        str, typer.Option(help="Only what was written since then (Paris); default a day.")
    ] = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Find when a statement was written, to go back to just before it.

    Rows that were written as rows have no text and are not found; statements that change the
    tables themselves (DROP, ALTER, TRUNCATE) always have.
    """
    begin = wanted_point(since).before or datetime.now(UTC) - timedelta(days=1)
    with connected(local=local, estate=estate), shown():
        result = _search(open_estate(server), text, begin)
    for note in (*result.notes, *unread_notes(begin, result.read)):
        print(note, file=sys.stderr)
    for each in result.found:
        print(f"{each.gtid}\t{moment(each.at)}\t{' '.join(each.statement.split())[:160]}")
    if not result.found:
        raise _not_found(server, text, begin, result.read[-1][1] if result.read else None)
    newest = result.found[-1]
    back = f'--at "before {newest.gtid}"' + (f" --set {newest.from_set}" if newest.from_set else "")
    print(f"\nRevenir juste avant : continuity recover {server} {back}")
    print(f"Un site seul, sur place : continuity restore-site SITE {back}")


def _search(estate: Estate, text: str, begin: datetime) -> Search:
    if estate.archive is None:
        raise NotFound(
            f"archive of {estate.name}", "is not declared", "add `archive` to the server"
        )
    sets = archived_sets(estate)
    if not sets:
        raise NotFound(
            f"archive of {estate.name}",
            "no recovery set has an archive behind it",
            f"continuity backup {estate.name}",
        )
    return search(estate.archive, estate.name, sets, text, begin)


def _not_found(server: str, text: str, begin: datetime, reaches: datetime | None) -> NotFound:
    subject = f"'{text}' in the archive of {server}"
    if reaches is None:
        return NotFound(subject, "no binary log is left", "continuity archive status")
    return NotFound(
        subject,
        f"no statement from {begin:%Y-%m-%d %H:%M:%S} to {reaches:%Y-%m-%d %H:%M:%S} UTC has it",
        "try a shorter text, or an earlier --since",
    )
