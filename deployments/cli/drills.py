"""`continuity drills`: what past drills of a server measured, and the page of one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blocks.errors import NotFound
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown
from flows.decisions.recovery_plan import Purpose
from flows.decisions.trend import practices
from flows.reports.trend_text import trend_markdown
from flows.tasks.drill_report import drill_page, promised
from flows.tasks.ending import reports
from flows.tasks.incident import open_estate


def drills(
    server: Annotated[str, typer.Argument(help="Name of the server.")],
    incident: Annotated[str, typer.Argument(help="Drill for the page; default the last.")] = "",
    html: Annotated[
        Path | None, typer.Option(help="Write the page with pictures and trend to this file.")
    ] = None,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Show recovery time and data loss of past drills against their targets."""
    with connected(local=local, estate=estate), shown():
        opened = open_estate(server)
        known = practices(reports(opened, Purpose.DRILL))
        if not known:
            cause = "no drill of it came to an outcome"
            raise NotFound(f"drills of {server}", cause, f"continuity drill {server}")
        if html:
            html.write_text(drill_page(opened, incident), encoding="utf-8")
    show(trend_markdown(known, promised(opened)))
