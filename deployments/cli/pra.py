"""`continuity pra`: the recovery document, made from the estate and the backups as they are now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blocks.browsers.chromium import Chromium
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown

_FILE = "Write it to this file."


def pra(
    markdown: Annotated[Path | None, typer.Option(help=_FILE)] = None,
    html: Annotated[Path | None, typer.Option(help=_FILE)] = None,
    pdf: Annotated[Path | None, typer.Option(help=f"{_FILE} Wants Chromium.")] = None,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Write the recovery document (plan de reprise d'activité); without a file, show it here."""
    from flows.tasks.pra_keep import write_document

    with connected(local=local, estate=estate), shown():
        written = write_document()
    for file, text in ((markdown, written.markdown), (html, written.html)):
        if file:
            file.write_text(text, encoding="utf-8")
    if pdf:
        pdf.write_bytes(Chromium().pdf(written.html))
    if not (markdown or html or pdf):
        show(written.markdown)
