"""`continuity report`: what is kept of an incident that is over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blocks.errors import NotFound
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown
from flows.decisions.recovery_plan import Purpose
from flows.tasks.aftermath import report_of
from flows.tasks.ending import reports
from flows.tasks.incident import open_estate


def report(
    server: Annotated[str, typer.Argument(help="Name of the server.")],
    incident: Annotated[str, typer.Argument(help="Default the last recovery that ended.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the Markdown to this file.")
    ] = None,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Write the post-incident report: promises, loss, decisions, timeline, GDPR sheet."""
    with connected(local=local, estate=estate), shown():
        opened = open_estate(server)
        wanted = incident or next(reversed(reports(opened, Purpose.RECOVERY)), "")
        if not wanted:
            hint = "continuity status"
            raise NotFound(f"report of {server}", "no recovery of it came to an outcome", hint)
        text = report_of(opened, wanted)
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        show(text)
