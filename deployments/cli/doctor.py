"""`continuity doctor`: whether what is in the estate file is good, thing by thing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blocks.errors import ConfigurationError
from deployments.cli.connection import EstateFile, Json
from deployments.estate_file import default_path, load
from flows.decisions.doctor import RED, Diagnosis, Health, all_good
from flows.reports.doctor_text import cost_lines, details, doctor_document, row, summary

WIDTH = 100
"""Columns of the table, so that it also fits a ticket or a mail."""
COLUMNS = {
    "": 1,
    "Chose": 17,
    "Qui": 19,
    "Peut": 20,
    "Manque, ou pas vu": 22,
    "Coût (h · mois)": 15,
}
"""Titles and widths; what does not fit is told below the table."""
LEGEND = "✓ bon   ! un doute   ✗ refusé ou incomplet   ? pas de réponse   · non essayé"
COLOURS = {
    Health.GOOD: "green",
    Health.DOUBT: "yellow",
    Health.BAD: "red",
    Health.SILENT: "red",
    Health.UNTRIED: "dim",
}


class Section(StrEnum):
    """The sections of the estate file that hold credentials."""

    PROVIDERS = "providers"
    REPOSITORIES = "repositories"
    ARCHIVES = "archives"
    ZONES = "zones"
    NOTIFIERS = "notifiers"
    PROBE = "probe"
    WITNESSES = "witnesses"
    ALERTS = "alerts"
    HEARTBEATS = "heartbeats"
    SERVERS = "servers"
    CLIENT_MAIL = "client_mail"
    STATUS_PAGE = "status_page"


def doctor(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of things in the file; default all of them.")
    ] = None,
    section: Annotated[
        list[Section] | None, typer.Option(help="Only this section of the file; may be repeated.")
    ] = None,
    deadline: Annotated[
        float, typer.Option(min=1, help="Seconds that each thing gets to answer.")
    ] = 20,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Try each credential of the estate file with a harmless call: who, what, missing, cost.

    Nothing is changed, sent or ordered, and no Prefect server is needed. Exit codes: 0 nothing is
    red (doubts are allowed), 3 something was refused, lacks what it needs or does not answer, 1
    the estate file cannot be used.
    """
    from deployments.doctor_estate import catalogues, subjects
    from flows.tasks.doctor import diagnose
    from flows.tasks.incident import now

    read = load(estate or default_path(), secrets=False)
    known = subjects(read)
    sections = set(section or Section)
    wanted = [
        each
        for each in known
        if each.thing.section in sections and (not names or each.thing.name in names)
    ]
    _require(names or [], [each.thing.name for each in wanted], known_names=[
        each.thing.name for each in known
    ])  # fmt: skip
    needs_sets = {Section.PROVIDERS, Section.REPOSITORIES} & {each.thing.section for each in wanted}
    found = diagnose(wanted, catalogues(read) if needs_sets else {}, deadline)
    if as_json:
        print(json.dumps(doctor_document(found, now()), ensure_ascii=False))
    else:
        _show(found, everything=bool(names))
    if not all_good(found):
        raise typer.Exit(3)


def _require(names: Sequence[str], found: Sequence[str], known_names: Sequence[str]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        hint = f"name one of: {', '.join(dict.fromkeys(known_names))}"
        raise ConfigurationError(f"'{missing[0]}'", "is not there in the estate file", hint)


def _show(found: Sequence[Diagnosis], *, everything: bool) -> None:
    """Show the table, then what is not good, then what things cost."""
    console = Console(width=None if Console().is_terminal else WIDTH, highlight=False)
    console.print(_table(found))
    console.print(f"[dim]{LEGEND}[/]\n")
    told = [each for each in found if everything or each.health in (*RED, Health.DOUBT)]
    for each in sorted(told, key=lambda each: each.health not in RED):
        headline, *lines = details(each)
        console.print(f"[{COLOURS[each.health]}]{escape(headline)}[/]")
        for line in lines:
            console.print(escape(line), soft_wrap=True)
    costs = [line for each in found for line in cost_lines(each)]
    if costs:
        console.print("\nCe que ça coûterait, hors taxes :")
        for line in costs:
            console.print(escape(f"    {line}"), soft_wrap=True)
    console.print(f"\n{summary(found)}")


def _table(found: Sequence[Diagnosis]) -> Table:
    table = Table(
        title="Le fichier du parc, essayé", title_justify="left", box=None, padding=(0, 1, 0, 0)
    )
    for title, width in COLUMNS.items():
        table.add_column(title, no_wrap=True, overflow="ellipsis", width=width)
    section = ""
    for each in found:
        if each.thing.section != section:
            section = each.thing.section
            table.add_row("", f"[bold]{section}[/]")
        mark, *cells = row(each)
        table.add_row(f"[{COLOURS[each.health]}]{mark}[/]", *map(escape, cells))
    return table
