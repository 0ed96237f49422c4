"""`continuity restore-site`: one site's databases back to a moment, beside a running server."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from blocks import registry
from blocks.errors import NotFound
from blocks.servers.protected import ProtectedServer
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown
from deployments.cli.run import Approve, Incident, Operator, Point, Set, ask
from flows.reports.site_restore_text import site_restore_report
from flows.tasks.approval import ask_at_terminal


def restore_site(
    site: Annotated[str, typer.Argument(help="Name of the site, as in the estate file.")],
    at: Point,
    recovery_set: Set = "",
    incident: Incident = "",
    approve: Approve = "",
    operator: Operator = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Bring the databases of one site back to a moment; its server and other sites go on.

    Its files are not touched. Exit codes: 0 loaded, compared and its pages answer, 1 failed, 4 not
    approved, 5 another run holds the server.
    """
    from flows.site_restore import site_restore  # The flows take a second to import.

    ask_at_terminal.append(lambda plan, text: ask(plan, text, approve, operator))
    with connected(local=local, estate=estate), shown():
        report = site_restore(
            server=_server_of(site),
            site=site,
            at=at,
            incident=incident or f"site-{site}-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            recovery_set=recovery_set,
        )
        if sys.stdout.isatty():
            show(site_restore_report(report))
        else:
            print(json.dumps(report, indent=2, ensure_ascii=False))


def _server_of(site: str) -> str:
    """Return the server that a site is on. Raises `NotFound`."""
    known: list[str] = []
    for server in registry.names("protected-server"):
        declared = registry.load(f"protected-server/{server}", ProtectedServer)
        sites = [reference.rpartition("/")[2] for reference in declared.sites]
        if site in sites:
            return server
        known += sites
    raise NotFound(
        f"site {site}",
        f"is on no server; known: {', '.join(sorted(known)) or 'none'}",
        "continuity restore-site SITE --at POINT",
    )
