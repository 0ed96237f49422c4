"""`continuity repository|retention`: what the bucket keeps, whom it obeys, how to go back."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from blocks import registry
from blocks.errors import ApprovalMismatch, ConfigurationError
from blocks.repositories.base import Repository
from blocks.repositories.profiles import Profile
from blocks.servers.protected import ProtectedServer
from blocks.types import CheckState, SelfTest
from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.page import show
from deployments.cli.policy import policy
from deployments.cli.progress import shown
from flows.decisions.bucket_advice import advice
from flows.decisions.immutability import Immutability, judge
from flows.reports.retention_text import self_test_rows
from flows.reports.rewind_text import rewind_markdown
from flows.tasks.immutability import keep_self_test
from flows.tasks.incident import open_estate

commands = typer.Typer(help="The bucket: what it promises, and how to go back.",
                       no_args_is_help=True)  # fmt: skip
Name = Annotated[str, typer.Argument(help="Name of the repository, as in the estate file.")]
commands.command()(policy)
COLOURS = {CheckState.HELD: "green", CheckState.NOT_HELD: "red", CheckState.UNTESTED: "yellow"}


@commands.command()
def check(
    name: Name,
    as_json: Json = False,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Try with every key what an attacker would try, on an object of our own.

    Exit codes: 0 immutability is proven, 1 it is not.
    """
    with connected(local=local, estate=estate, quiet=as_json), shown(quiet=as_json):
        repository = _repository(name)
        test = keep_self_test(repository)
    profile = getattr(getattr(repository, "store", None), "profile", None)
    end_with(f"Dépôt {name}", test, as_json=as_json, profile=profile)


def end_with(
    subject: str, test: SelfTest, *, as_json: bool, profile: Profile | None = None
) -> NoReturn:
    """Show what a self-test found and end the command: 0 immutability is proven, 1 it is not."""
    verdict, told = judge(test), advice(test, profile)
    if as_json:
        print(json.dumps({"proven": verdict.proven, "sentence": verdict.sentence, "advice": told,
                          "checks": {r.check: r.state for r in test.results}}))  # fmt: skip
    else:
        Console().print(table(subject, test, verdict))
        for each in told:
            print(f"À faire : {each}")
    raise typer.Exit(0 if verdict.proven else 1)


def table(subject: str, test: SelfTest, verdict: Immutability) -> Table:
    """Return what a self-test found, for a terminal."""
    made = Table(title=f"{subject} : {verdict.sentence}", title_justify="left")
    for column in ("Promesse", "Résultat", "Ce qui a été vu"):
        made.add_column(column)
    for row, result in zip(self_test_rows(test), test.results, strict=True):
        made.add_row(row[0], f"[{COLOURS[result.state]}]{row[1]}[/]", row[2])
    return made


@commands.command()
def rewind(
    name: Name,
    to: Annotated[datetime, typer.Option(help="The moment (UTC) whose state is wanted.")],
    server: Annotated[str, typer.Option(help="Only this server; default all of them.")] = "",
    approve: Annotated[
        str, typer.Option(help="Digest of the plan you have read; asked for if not given.")
    ] = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Make the objects what they were at a moment, after an attacker wrote over them.

    Shows the plan first; nothing is ever destroyed. A killed run goes on with the same digest.
    Exit codes: 0 done, 1 failed, 4 not approved, 5 another run holds the server.
    """
    from flows.rewind import rewind as run  # The flows take a second to import.
    from flows.tasks.rewind_steps import plan_of

    moment = to.replace(tzinfo=UTC)
    with connected(local=local, estate=estate), shown():
        for each in _servers(name, server):
            plan = plan_of(open_estate(each).only(name), moment)
            show(rewind_markdown(plan))
            if not plan.empty:
                print(run(each, moment, approve or _ask(plan.digest), name))


def retention(
    server: Annotated[str, typer.Argument(help="Name of the server; default all servers.")] = "",
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """Remove the sets that the rule no longer keeps, and renew the locks of all others."""
    from flows.retention import retention as run

    with connected(local=local, estate=estate), shown():
        for sentence in run(server):
            print(sentence)


def _ask(digest: str) -> str:
    if not sys.stdin.isatty():
        raise ApprovalMismatch("plan", "nobody can be asked", f"repeat with --approve {digest}")
    return input(f"{getpass.getuser()}, empreinte du plan pour approuver ({digest}) : ")


def _repository(name: str) -> Repository:
    for _, declared in _protected():
        for reference in (declared.repository, *declared.copies):
            if _name(reference) == name:
                return registry.load(reference, Repository)
    return registry.load(f"restic-repository/{name}", Repository)


def _servers(name: str, only: str) -> list[str]:
    found = [
        server
        for server, declared in _protected()
        if name in map(_name, (declared.repository, *declared.copies)) and only in ("", server)
    ]
    if not found:
        hint = "name a repository of the estate file: continuity estate validate"
        raise ConfigurationError(f"repository {name}", "no such server uses it", hint)
    return found


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _protected() -> Iterator[tuple[str, ProtectedServer]]:
    for server in registry.names("protected-server"):
        yield server, registry.load(f"protected-server/{server}", ProtectedServer)
