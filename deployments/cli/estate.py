"""`continuity estate`: check the estate file and bring Prefect in line with it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.table import Table

from blocks.archives.base import Archive
from blocks.errors import ContinuityError
from blocks.repositories.base import Repository
from blocks.types import SelfTest, Tier
from deployments.estate import Estate
from deployments.estate_adopt import adopted, write
from deployments.estate_file import default_path, json_schema, load, read

commands = typer.Typer(help="The estate file: what is protected, and how.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(help="The estate file; default $CONTINUITY_ESTATE, else ./estate.yaml."),
]


@commands.command()
def validate(file: File = None) -> None:
    """Print every mistake in the file with its line and a hint."""
    reading = read(file or default_path())
    for mistake in reading.mistakes:
        print(f"{reading.path}:{mistake.line}: {mistake}")
    if reading.estate is None:
        raise typer.Exit(1)
    Console().print(_summary(reading.estate))


@commands.command()
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@commands.command()
def apply(
    file: File = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove blocks that the file no longer names.")
    ] = False,
) -> None:
    """Save the file's blocks, deployments and automations in Prefect; can be repeated."""
    from deployments import register  # Importing Prefect's client takes a second.
    from deployments.register_changes import Action, Change

    def tell(change: Change) -> None:
        if change.action is not Action.UNCHANGED:
            print(f"{change.action:<9} {change.kind} {change.name}")

    wanted = load(file or default_path())
    changes = register.apply(wanted, prune=prune, tell=tell)
    count = Counter(change.action for change in changes)
    if count[Action.LEFT]:
        print("left: no longer in the file; to remove them: continuity estate apply --prune")
    changed = count[Action.CREATED] + count[Action.CHANGED] + count[Action.REMOVED]
    print(f"{changed or 'nothing'} changed, {count[Action.UNCHANGED]} as they were")
    _test_buckets(wanted)
    _keep_document()


def _keep_document() -> None:
    """Write the recovery document anew; what keeps it from being written is told, and no more."""
    from flows.tasks.pra_keep import keep_document

    try:
        written = keep_document.fn()
    except ContinuityError as error:
        print(f"PRA could not be written: {error}", file=sys.stderr)
        return
    latest = written.pra.versions[-1]
    print(f"PRA : version {len(written.pra.versions)} du parc, empreinte {latest.digest}")
    for name, why in written.lost.items():
        print(f"PRA is not kept in {name}: {why}", file=sys.stderr)


@commands.command()
def adopt(
    server: Annotated[str, typer.Argument(help="Name of the server that moved.")],
    incident: Annotated[
        str, typer.Option(help="Recovery or move that led there; default the newest.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--estate", help="The estate file; default as elsewhere.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Without a Prefect server.")] = False,
) -> None:
    """Write into the file that a server is now the machine that a recovery or a move made.

    Address, host key and origin change, and nothing else (a floating address that leads to the
    machine stays, one that does not is no longer declared); the file as it was is kept beside it.
    """
    from deployments.cli.connection import connected
    from flows.tasks.floating import leads_to
    from flows.tasks.incident import open_estate
    from flows.tasks.successor import successor

    path = file or default_path()
    with connected(local=local, estate=path, quiet=True):
        estate = open_estate(server)
        machine = successor(estate, incident)
        floating = leads_to(estate, machine)
    text = adopted(path, server, machine, floating)
    before = path.read_text(encoding="utf-8").splitlines()
    for line in unified_diff(before, text.splitlines(), str(path), str(path), n=1, lineterm=""):
        print(line)
    kept = write(path, text)
    address = floating or machine.address
    print(f"{server} is {machine.name} at {address} now; the file as it was: {kept}")
    print(f"next: continuity estate apply; continuity backup {server}")


def _test_buckets(estate: Estate) -> None:
    """Try every bucket; what is found is shown and kept, and stops nothing."""
    from flows.tasks.immutability import keep_archive_test, keep_self_test
    from flows.tasks.incident import open_estate

    for form in estate.repositories:
        repository = cast("Repository", form.block())
        _show_test(f"Dépôt {form.name}", partial(keep_self_test, repository))
    opened = [open_estate(server.name) for server in estate.servers]
    for form in estate.archives:
        using = [each for each in opened if each.archive and form.name in each.archive.archives]
        archive = cast("Archive", form.block())
        _show_test(f"Archive {form.name}", partial(keep_archive_test, archive, using))


def _show_test(subject: str, test: Callable[[], SelfTest]) -> None:
    from deployments.cli.repository import table
    from flows.decisions.immutability import judge

    try:
        found = test()
    except ContinuityError as error:
        print(f"{subject} could not be tested: {error}", file=sys.stderr)
        return
    verdict = judge(found)
    if verdict.proven:
        print(f"{subject} : {verdict.sentence}")
    else:
        Console().print(table(subject, found, verdict))


def _summary(estate: Estate) -> Table:
    table = Table(title=f"{estate.agency.name}: {len(estate.sites)} sites", title_justify="left")
    for column in ("Server", "Address", "Sites", "1h / 48h", "Databases", "Copies", "Targets"):
        table.add_column(column)
    for server in estate.servers:
        sites = [site for site in estate.sites if site.server == server.name]
        tiers = Counter(site.tier for site in sites)
        table.add_row(
            server.name,
            server.address,
            str(len(sites)),
            f"{tiers[Tier.HOUR_1]} / {tiers[Tier.HOURS_48]}",
            str(len({name for site in sites for name in site.databases})),
            ", ".join((server.repository, *server.copies)),
            ", ".join(target.provider for target in server.targets),
        )
    return table
