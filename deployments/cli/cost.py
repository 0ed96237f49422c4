"""`continuity cost`: what each promise, a drill and a recovery cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from blocks import registry
from blocks.errors import ConfigurationError, NotFound
from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.progress import shown
from deployments.live_prices import ask_prices
from deployments.prices import read_prices
from flows.decisions.cost import GB, Choice, Need, P, cheapest, estimates, machine_month, named
from flows.decisions.live_prices import with_live
from flows.decisions.machine_needs import restored_size
from flows.decisions.readiness import newest
from flows.reports.cost_page import basis_text, cost_html, cost_markdown, cost_tables, live_text
from flows.reports.cost_text import cost_document
from flows.reports.wording import PARIS
from flows.tasks.incident import now, open_estate
from flows.tasks.look import usable_copies

STORED, WRITTEN = Decimal(2), Decimal("0.02")
"""A repository holds so many times the data; so much of the data is written anew each day."""


def cost(
    data: Annotated[
        float, typer.Option(min=0, help="GB of each server; default what the newest sets hold.")
    ] = 0,
    servers: Annotated[int, typer.Option(min=1, help="How many servers, with --data.")] = 1,
    stored: Annotated[
        float, typer.Option(min=0, help="GB in one repository; default twice the data.")
    ] = 0,
    machine: Annotated[str, typer.Option(help="Machine, such as CX33; default cheapest.")] = "",
    storage: Annotated[str, typer.Option(help="First storage, such as B2.")] = "",
    copy: Annotated[str, typer.Option(help="Storage of the copy.")] = "",
    drill_hours: Annotated[int, typer.Option(min=1, help="Hours that a drill pays for.")] = 1,
    html: Annotated[Path | None, typer.Option(help="Also write the page to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write Markdown to this file.")] = None,
    as_json: Json = False,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Estimate tier 48h, tier 1h, one drill, one recovery, without VAT: live and dated prices."""
    prices, study = read_prices()
    today, told, silent = now().astimezone(PARIS).date(), dict[str, Any](), tuple[str, ...]()
    amounts = [Decimal(str(data))] * servers
    if not data:
        with connected(local=local, estate=estate, quiet=as_json), shown(quiet=as_json):
            amounts = [data_of(name) for name in registry.names("protected-server")]
            told, silent = ask_prices()
    prices = with_live(prices, told, today)
    if not amounts:
        raise ConfigurationError("estate", "has no server", "continuity cost --data 50")
    whole = sum(amounts, Decimal(0))
    need = Need(len(amounts), max(amounts), Decimal(str(stored)) or whole * STORED, whole * WRITTEN)
    usual = cheapest(prices, need)
    if usual is None:
        hint = "add offers to prices.yaml"
        raise ConfigurationError("prices", f"no machine with {need.disk:.0f} GB of disk", hint)
    choice = Choice(
        offer("machine", machine, prices.machines) or usual.machine,
        offer("storage", storage, prices.storages) or usual.storage,
        offer("copy", copy, prices.storages) or usual.copy,
    )
    if machine_month(choice.machine, need) is None:
        cause = f"is too small for {need.disk:.0f} GB of disk"
        raise ConfigurationError(choice.machine.title, cause, "continuity cost")
    if choice.storage.provider == choice.copy.provider:
        cause = f"both repositories would be at {choice.copy.provider}"
        raise ConfigurationError("copy", cause, "continuity cost --storage ONE --copy ANOTHER")
    found = estimates(choice, need, prices, drill_hours=drill_hours)
    document = cost_document(choice, need, prices, found, study, today, silent)
    for file, page in ((html, cost_html), (markdown, cost_markdown)):
        if file:
            file.write_text(page(document), encoding="utf-8")
    if as_json:
        print(json.dumps(document))
    else:
        _show(document)


def data_of(server: str) -> Decimal:
    """Return the GB that a recovery of this server would bring back.

    Raises:
        NotFound: No repository holds a usable set.
    """
    made = newest(each for copy in usable_copies(open_estate(server)) for each in copy.usable())
    if made is None:
        hint = f"continuity backup {server}, or continuity cost --data 50"
        raise NotFound(f"set of {server}", "none, so its size is not known", hint)
    return Decimal(restored_size(made)) / GB


def offer(option: str, wanted: str, prices: Sequence[P]) -> P | None:
    """Return the offer that an option names, None without a name. Raises `ConfigurationError`."""
    if not wanted:
        return None
    found = named(prices, wanted)
    if found is None:
        known = ", ".join(f'"{each.title}"' for each in prices)
        raise ConfigurationError(
            f"--{option} {wanted}", "no such offer, or several", f"one of {known}"
        )
    return found


def _show(document: Mapping[str, object]) -> None:
    console = Console()
    for title, heads, lines in cost_tables(document):
        table = Table(title=title, title_justify="left")
        for column in heads:
            table.add_column(column)
        for line in lines:
            table.add_row(*line.cells, style="bold" if line.sum else None)
        console.print(table)
    for said in (basis_text(document), live_text(document)):
        console.print(said, highlight=False)
