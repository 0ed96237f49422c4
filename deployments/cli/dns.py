"""`continuity dns prepare|restore`: lower TTLs before a move, put records back after one."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from deployments.cli.connection import EstateFile, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown
from deployments.cli.run import Approve, Operator, Server, ask, tell
from flows.reports.any_plan import AnyPlan
from flows.tasks.approval import Approval, ask_at_terminal

commands = typer.Typer(help="TTLs before a move, and the way back.", no_args_is_help=True)
Yes = Annotated[bool, typer.Option("--yes", help="Approve the plan as it is shown.")]


@commands.command()
def prepare(
    server: Server,
    ttl: Annotated[int, typer.Option(help="Seconds that resolvers may keep an answer.")] = 60,
    yes: Yes = False,
    approve: Approve = "",
    operator: Operator = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Lower the TTLs of the names that lead to a server; no address changes.

    Exit codes: 0 lowered or low already, 1 failed, 4 not approved, 5 another run holds the server.
    """
    from flows.dns_preparation import dns_preparation as run  # The flows take a second to import.

    ask_at_terminal.append(_answer(yes, approve, operator))
    with connected(local=local, estate=estate), shown():
        incident = _identifier("dns-prepare", server)
        tell(run(server=server, ttl=ttl, incident=incident, approval=Approval.ASK))


@commands.command()
def restore(
    server: Server,
    incident: Annotated[str, typer.Option(help="Incident or preparation to take back.")],
    yes: Yes = False,
    approve: Approve = "",
    operator: Operator = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Put the records that an incident changed back, after you approved the plan.

    Exit codes: 0 as before, 1 refused (somebody edited one since), 4 not approved, 5 another run
    holds the server.
    """
    from flows.dns_preparation import dns_restore as run  # As above.

    ask_at_terminal.append(_answer(yes, approve, operator))
    with connected(local=local, estate=estate), shown():
        tell(
            run(
                server=server,
                back_to=incident,
                incident=_identifier("dns-restore", server),
                approval=Approval.ASK,
            )
        )


def _identifier(kind: str, server: str) -> str:
    return f"{kind}-{server}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _answer(yes: bool, quoted: str, operator: str) -> Callable[[AnyPlan, str], tuple[str, str]]:
    def answer(plan: AnyPlan, text: str) -> tuple[str, str]:
        if not yes:
            return ask(plan, text, quoted, operator)
        show(f"\n{text}")
        return plan.digest, operator or getpass.getuser()

    return answer
