"""`continuity backup|verify|recover|drill`: the same flows as the deployments, from a terminal."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from blocks.types import Frequency
from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown
from flows.decisions.verification_plan import Load
from flows.reports.any_plan import AnyPlan
from flows.reports.outcome_report import outcome_markdown
from flows.reports.verification_text import verification_markdown
from flows.tasks.approval import Approval, ask_at_terminal

Server = Annotated[str, typer.Argument(help="Name of the server, as in the estate file.")]
Set = Annotated[str, typer.Option("--set", help="Recovery set; default the newest usable one.")]
Point = Annotated[
    str,
    typer.Option(
        "--at",
        help='Go back to a point: "2026-11-23 10:26:18" (Paris, what was written before it), '
        '0-1-4711 (a transaction and all before it) or "before 0-1-4711".',
    ),
]
Incident = Annotated[str, typer.Option(help="Go on with this incident.")]
Approve = Annotated[
    str, typer.Option(help="Digest of the plan you have read; asked for if not given.")
]
Operator = Annotated[str, typer.Option(help="Who approves.")]
Target = Annotated[str, typer.Option(help="Use only this provider block.")]


def backup(
    server: Annotated[str, typer.Argument(help="Name of the server; default all servers.")] = "",
    frequency: Annotated[
        Frequency, typer.Option(help="daily: sites that are due daily; weekly: all.")
    ] = Frequency.DAILY,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Take a recovery set of one server or of all, and print its name."""
    from flows.backup import backup as run  # The flows take a second to import.

    with connected(local=local, estate=estate), shown():
        for made in run(server, frequency):
            print(made)


def recover(
    server: Server,
    incident: Incident = "",
    recovery_set: Set = "",
    down_since: Annotated[
        datetime | None, typer.Option(help="When it went down (UTC); default now.")
    ] = None,
    target: Target = "",
    at: Point = "",
    approve: Approve = "",
    operator: Operator = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Bring a lost server back on a new machine, after you approved the plan.

    The report is a page at a terminal, JSON for a file or a pipe.
    Exit codes: 0 recovered, 1 failed, 3 partly recovered, 4 not approved, 5 another run holds it.
    """
    from flows.disaster_recovery import disaster_recovery

    ask_at_terminal.append(lambda plan, text: ask(plan, text, approve, operator))
    now = datetime.now(UTC)
    with connected(local=local, estate=estate), shown():
        report = disaster_recovery(
            server=server,
            incident=incident or f"inc-{server}-{now:%Y%m%d-%H%M%S}",
            recovery_set=recovery_set,
            down_since=down_since.replace(tzinfo=UTC) if down_since else None,
            target=target,
            at=at,
        )
        tell(report)


def drill(
    server: Server,
    recovery_set: Set = "",
    target: Target = "",
    at: Point = "",
    repository: Annotated[str, typer.Option(help="Use only this repository.")] = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Practise the recovery on an isolated machine that is destroyed afterwards; no DNS change."""
    from flows.drill import drill as run

    with connected(local=local, estate=estate), shown():
        report = run(
            server=server,
            recovery_set=recovery_set,
            target=target,
            approval=Approval.AUTOMATIC,
            at=at,
            repository=repository,
        )
        tell(report)


def verify(
    server: Annotated[str, typer.Argument(help="Name of the server; default all servers.")] = "",
    load: Annotated[
        Load, typer.Option(help="Restore a set to prove it: due, when it is time; always; never.")
    ] = Load.DUE,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Prove that backups can be read and restored: rolling reading, spot check, scratch restore.

    Exit codes: 0 all proven, 1 not proven (the last line says what is missing), 5 another run
    holds it.
    """
    from flows.verification import verification as run

    with connected(local=local, estate=estate), shown():
        documents = run(server, load)
        if not sys.stdout.isatty():
            print(json.dumps(documents, indent=2, ensure_ascii=False))
            return
        for document in documents:
            show(verification_markdown(document))


def tell(report: Mapping[str, object]) -> None:
    """Print the report: a page for a person at a terminal, JSON for a file or a pipe."""
    if sys.stdout.isatty() and "verdict" in report:
        show(outcome_markdown(report))
    else:
        print(json.dumps(report, indent=2, ensure_ascii=False))


def ask(plan: AnyPlan, text: str, quoted: str, operator: str) -> tuple[str, str]:
    """Show the plan; return the digest the person quotes, and the person's name."""
    show(f"\n{text}")
    name = operator or getpass.getuser()
    if quoted:
        return quoted, name
    if not sys.stdin.isatty():
        return "", name
    return input(f"Empreinte du plan pour approuver ({plan.digest}) : "), name
