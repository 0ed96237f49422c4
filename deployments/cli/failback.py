"""`continuity failback|retire`: move a server that serves, then destroy what it left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.progress import shown
from deployments.cli.run import Approve, Incident, Operator, Server, Set, Target, ask, tell
from flows.tasks.approval import ask_at_terminal


def failback(
    server: Server,
    incident: Incident = "",
    recovery_set: Set = "",
    target: Target = "",
    seed_only: Annotated[
        bool, typer.Option("--seed-only", help="Prepare the new machine; close nothing yet.")
    ] = False,
    approve: Approve = "",
    operator: Operator = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Move a server that serves to a new machine, after you approved the plan; nothing is lost.

    Exit codes: 0 moved, 1 failed (the old server serves again), 3 moved in part, 4 not approved,
    5 another run holds it.
    """
    from flows.failback import failback as run  # The flows take a second to import.

    ask_at_terminal.append(lambda plan, text: ask(plan, text, approve, operator))
    with connected(local=local, estate=estate), shown():
        report = run(
            server=server,
            incident=incident or f"ret-{server}-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            recovery_set=recovery_set,
            target=target,
            seed_only=seed_only,
        )
        tell(report)


def retire(
    server: Server,
    incident: Incident = "",
    approve: Approve = "",
    operator: Operator = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Destroy the machines that a server left behind, when nobody needs them, after your approval.

    Exit codes: 0 destroyed, 1 refused (what is missing is named), 4 not approved, 5 another run
    holds the server.
    """
    from flows.retire import retire as run

    ask_at_terminal.append(lambda plan, text: ask(plan, text, approve, operator))
    with connected(local=local, estate=estate), shown():
        tell(
            run(
                server=server,
                incident=incident or f"retire-{server}-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            )
        )
