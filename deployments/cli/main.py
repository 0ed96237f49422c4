"""The command `continuity`."""

from __future__ import annotations

import sys

import typer

from blocks.errors import ContinuityError
from deployments.cli import (
    approve,
    archive,
    cost,
    estate,
    failback,
    look,
    readiness,
    report,
    repository,
    run,
    site,
)

commands = typer.Typer(
    help="Disaster recovery for a small hosting agency: backup, restore, DNS, proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
commands.add_typer(estate.commands, name="estate")
commands.add_typer(archive.commands, name="archive")
commands.add_typer(repository.commands, name="repository")
for command in (
    *(
        run.backup,
        run.verify,
        run.recover,
        run.drill,
        site.restore_site,
        failback.failback,
        failback.retire,
        approve.approve,
    ),
    *(look.sets, look.status, readiness.readiness, repository.retention, cost.cost, report.report),
):
    commands.command()(command)


def app() -> None:
    """Run the command line; an error that we know ends it with status 1 and what to do next."""
    try:
        commands()
    except ContinuityError as error:
        print(f"continuity: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    app()
