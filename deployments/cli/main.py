"""The command `continuity`."""

from __future__ import annotations

import sys

import typer

from blocks.errors import ContinuityError
from deployments.cli.on_demand import Entry, on_demand

COMMANDS = {
    "backup": Entry(
        "run:backup", "Take a recovery set of one server or of all, and print its name."
    ),
    "verify": Entry(
        "run:verify",
        "Prove that backups can be read and restored: rolling reading, spot check,"
        " scratch restore.",
    ),
    "recover": Entry(
        "run:recover",
        "Bring a lost server back on a new machine, after you approved the plan.",
    ),
    "drill": Entry(
        "run:drill",
        "Practise the recovery on an isolated machine that is destroyed afterwards; no DNS change.",
    ),
    "restore-site": Entry(
        "site:restore_site",
        "Bring the databases of one site back to a moment; its server and other sites go on.",
    ),
    "failback": Entry(
        "failback:failback",
        "Move a server that serves to a new machine, after you approved the plan; nothing is lost.",
    ),
    "retire": Entry(
        "failback:retire",
        "Destroy the machines that a server left behind, when nobody needs them, after your"
        " approval.",
    ),
    "dns": Entry("dns:commands", "TTLs before a move, and the way back."),
    "approve": Entry(
        "approve:approve",
        "Show the plan of a waiting recovery and let it go on, quoting the plan's digest.",
    ),
    "sets": Entry(
        "look:sets",
        "List a server's recovery sets, newest first: taken, proven, stale or failed, and why.",
    ),
    "status": Entry(
        "look:status",
        "Show each server's newest set, and every incident with how it ended.",
    ),
    "doctor": Entry(
        "doctor:doctor",
        "Try each credential of the estate file with a harmless call: who, what, missing, cost.",
    ),
    "readiness": Entry(
        "readiness:readiness",
        "Say whether a recovery would work today. Exit codes: 0 every site is ready, 3 not all.",
    ),
    "retention": Entry(
        "repository:retention",
        "Remove the sets that the rule no longer keeps, and renew the locks of all others.",
    ),
    "cost": Entry(
        "cost:cost",
        "Estimate tier 48h, tier 1h, one drill, one recovery, without VAT: live and dated prices.",
    ),
    "report": Entry(
        "report:report",
        "Write the post-incident report: promises, loss, timeline, cost, changes, GDPR sheet.",
    ),
    "pra": Entry(
        "pra:pra",
        "Write the recovery document (plan de reprise d'activité); without a file, show it here.",
    ),
    "alerts": Entry("alerts:commands", "Alerts of UptimeRobot and Pingdom: they make us look."),
    "watch": Entry(
        "watch:watch",
        "Look at a server's sites from every vantage point; say what it means and what to type.",
    ),
    "sweep": Entry(
        "sweep:sweep",
        "Destroy the machines of drills that no longer run; name machines that nothing explains.",
    ),
    "kit": Entry("kit:commands", "The emergency kit: a recovery from an empty machine."),
    "clients": Entry("clients:commands", "Messages to clients about an incident."),
    "drills": Entry(
        "drills:drills", "Show recovery time and data loss of past drills against their targets."
    ),
    "estate": Entry("estate:commands", "The estate file: what is protected, and how."),
    "archive": Entry("archive:commands", "The continuous archive."),
    "repository": Entry("repository:commands", "The bucket: what it promises, and how to go back."),
}
"""Every command; most import Prefect, so each is imported when it is used, not to be listed."""

commands = typer.Typer(
    cls=on_demand(COMMANDS), no_args_is_help=True, pretty_exceptions_enable=False
)


@commands.callback()
def continuity() -> None:
    """Disaster recovery for a small hosting agency: backup, restore, DNS, proof."""


def app() -> None:
    """Run the command line; an error that we know ends it with status 1 and what to do next."""
    try:
        commands()
    except ContinuityError as error:
        print(f"continuity: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    app()
