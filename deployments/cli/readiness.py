"""`continuity readiness`: whether everything would come back today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blocks import registry
from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.progress import shown
from flows.reports.readiness_figures import TITLES, figures
from flows.reports.readiness_html import readiness_html
from flows.reports.readiness_text import check_row, rows
from flows.tasks.incident import open_estate


def readiness(
    server: Annotated[str, typer.Argument(help="Name of the server; default all servers.")] = "",
    html: Annotated[
        Path | None, typer.Option(help="Also write the agency's page to this file.")
    ] = None,
    as_json: Json = False,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Say whether a recovery would work today. Exit codes: 0 every site is ready, 3 not all."""
    from flows.tasks.readiness_looks import readiness_of

    with connected(local=local, estate=estate, quiet=as_json), shown(quiet=as_json):
        names = [server] if server else registry.names("protected-server")
        documents = [readiness_of.fn(open_estate(name), subject=name) for name in names]
    if html:
        html.write_text(readiness_html(documents), encoding="utf-8")
    if as_json:
        print(json.dumps(documents))
    else:
        for document in documents:
            Console().print(_sites(document))
            Console().print(_checks(document))
    if not all(document["ready"] for document in documents):
        raise typer.Exit(3)


def _sites(document: dict[str, object]) -> Table:
    table = Table(title=f"Prêt à reprendre ? {document['server']}", title_justify="left")
    for column in ("Site", "Palier", "Note", "État", *TITLES):
        table.add_column(column)
    for each in rows(document, "sites"):
        state = "prêt" if each["ready"] else "PAS PRÊT"
        cells = (cell if kept else f"[red]{cell}[/red]" for cell, kept in figures(each))
        note = f"{each['score']} %"
        table.add_row(escape(str(each["title"])), str(each["tier"]), note, state, *cells)
    return table


def _checks(document: dict[str, object]) -> Table:
    table = Table(title="Contrôles", title_justify="left")
    table.add_column("", no_wrap=True)
    for column in ("Contrôle", "Site", "Constat", "À faire"):
        table.add_column(column)
    for each in rows(document, "checks"):
        table.add_row(*map(escape, check_row(each)))
    return table
