"""`continuity report`: what is kept of an incident."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from blocks.browsers.chromium import Chromium
from blocks.errors import ConfigurationError
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.cost import offer
from deployments.cli.page import show
from deployments.cli.progress import shown
from deployments.prices import read_prices
from flows.decisions.aftermath import Aftermath
from flows.decisions.incident_cost import Prices
from flows.reports.post_incident import post_incident_markdown
from flows.reports.post_incident_html import post_incident_html
from flows.reports.timeline_svg import timeline_pictures
from flows.reports.wording import PARIS
from flows.tasks.aftermath import facts_of, newest_recovery, record_action
from flows.tasks.incident import now, open_estate

File = Path | None


def report(
    server: Annotated[str, typer.Argument(help="Name of the server.")],
    incident: Annotated[str, typer.Argument(help="Default the last recovery that ended.")] = "",
    markdown: Annotated[
        File, typer.Option("--markdown", "--output", "-o", help="Write Markdown, pictures beside.")
    ] = None,
    html: Annotated[File, typer.Option(help="Write one HTML file.")] = None,
    pdf: Annotated[File, typer.Option(help="Write a PDF (needs chromium).")] = None,
    out: Annotated[File, typer.Option(help="Write all three into this folder.")] = None,
    action: Annotated[
        str, typer.Option(help="What is to change: a finding's number, or text.")
    ] = "",
    owner: Annotated[str, typer.Option(help="Who answers for the action.")] = "",
    due: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Until when: 2026-12-15.")
    ] = None,
    machine: Annotated[str, typer.Option(help="Machine's offer, such as CX33.")] = "",
    storage: Annotated[str, typer.Option(help="Offer of the storage that was read.")] = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Write the post-incident report: promises, loss, timeline, cost, changes, GDPR sheet.

    A recovery without an outcome gives a provisional report. With --action: keep who changes what.
    """
    prices = read_prices()[0]
    offers = Prices(
        prices,
        now().astimezone(PARIS).date(),
        offer("machine", machine, prices.machines),
        offer("storage", storage, prices.storages),
    )
    if bool(action) != bool(owner and due) or (not action and (owner or due)):
        hint = f'continuity report {server} --action "…" --owner NAME --due 2026-12-15'
        raise ConfigurationError("action", "needs --action, --owner and --due together", hint)
    with connected(local=local, estate=estate), shown():
        opened = open_estate(server)
        wanted = incident or newest_recovery(opened)
        if action and due:
            record_action(opened, wanted, action, owner, due.date())
        facts = facts_of(opened, wanted, offers)
    if out:
        markdown, html, pdf = (out / f"rapport-{wanted}.{each}" for each in ("md", "html", "pdf"))
    _write(facts, markdown, html, pdf)
    if not (markdown or html or pdf):
        show(post_incident_markdown(facts))


def _write(facts: Aftermath, markdown: File, html: File, pdf: File) -> None:
    """Write what is wanted; the PDF last, so that a missing browser costs nothing else."""
    for each in (markdown, html, pdf):
        if each:
            each.parent.mkdir(parents=True, exist_ok=True)
    if markdown:
        pictures = {
            f"{markdown.stem}-{number}.svg": picture
            for number, picture in enumerate(timeline_pictures(facts.timeline), 1)
        }
        for name, picture in pictures.items():
            (markdown.parent / name).write_text(picture, encoding="utf-8")
        markdown.write_text(post_incident_markdown(facts, list(pictures)), encoding="utf-8")
    page = post_incident_html(facts) if html or pdf else ""
    if html:
        html.write_text(page, encoding="utf-8")
    if pdf:
        pdf.write_bytes(Chromium().pdf(page))
