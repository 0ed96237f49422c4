"""`continuity watch`: what every vantage point sees of a server now."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer

from blocks import registry
from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.progress import shown
from flows.decisions.alert import Assessment, Condition
from flows.reports.alert_text import explanation, headline, seen, what_next
from flows.tasks.incident import open_estate


def watch(
    server: Annotated[str, typer.Argument(help="Name of the server; default all servers.")] = "",
    confirm_seconds: Annotated[
        float, typer.Option(min=0, max=120, help="Time between the two looks.")
    ] = 10,
    as_json: Json = False,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Look at a server's sites from every vantage point; say what it means and what to type.

    Changes nothing and asks for nothing. Exit codes: 0 all sites answer, 3 anything else.
    """
    from flows.tasks.watch_look import assess_server

    pause = timedelta(seconds=confirm_seconds)
    with connected(local=local, estate=estate, quiet=as_json), shown():
        names = [server] if server else registry.names("protected-server")
        found = [assess_server(open_estate(name), pause) for name in names]
    if as_json:
        print(json.dumps([_document(each) for each in found]))
    else:
        print("\n\n".join(_page(each) for each in found))
    if any(each.condition is not Condition.UP for each in found):
        raise typer.Exit(3)


def _page(found: Assessment) -> str:
    lines = [headline(found), explanation(found), *(f"  {line}" for line in seen(found))]
    command = what_next(found)
    lines += [f"À taper : {command}"] if command else []
    return "\n".join(line for line in lines if line)


def _document(found: Assessment) -> dict[str, object]:
    return {
        "server": found.server,
        "condition": str(found.condition),
        "since": found.since.isoformat(),
        "failing": list(found.failing),
        "silent": list(found.silent),
        "seeing": list(found.seeing),
        "blind": dict(found.blind),
        "next": what_next(found),
    }
