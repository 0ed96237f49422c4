"""Let a new machine stand in the place of a server that serves: what the move consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from prefect.futures import wait

from blocks.servers.base import Server
from blocks.types import Machine, RecoverySet
from flows.decisions.recovery_plan import RecoveryPlan
from flows.tasks.archive_steps import resume_archive
from flows.tasks.first_login import enter
from flows.tasks.following_steps import follow, is_seeded, join_source, pull_files, rehearse
from flows.tasks.incident import Incident
from flows.tasks.machines import make_machine
from flows.tasks.proof import check_rows
from flows.tasks.rebuilt import Rebuilt, SiteEnd
from flows.tasks.restore import (
    prepare_engine,
    restore_accounts,
    restore_configuration,
    restore_database,
    restore_files,
    restore_packages,
    start_cron,
    start_services,
)
from flows.tasks.sites import flip_dns, see_as_visitor, smoke
from flows.tasks.takeover_steps import (
    bring_last_writes,
    close,
    has_moved,
    lead_visitors,
    match,
    reopened_on_failure,
    shut_down,
    take_over,
)
from flows.tasks.work import Future, submit


@dataclass(frozen=True, slots=True)
class Seeded:
    """The new machine, which follows the server; `rehearsed` is what a comparison takes."""

    server: Server
    machine: Machine
    rehearsed: timedelta


def seed(incident: Incident, plan: RecoveryPlan, chosen: RecoverySet) -> Seeded:
    """Make the machine, restore the set onto it, then let it follow. The old server serves on."""
    machine, server = enter(incident, make_machine(incident, plan))
    if has_moved(incident):
        return Seeded(server, machine, timedelta())
    if not is_seeded(server, plan):
        _restore(incident, server, plan, chosen)
    join_source(incident, server)
    follow(incident, server, plan, chosen)
    pull_files(incident, server, plan)
    return Seeded(server, machine, rehearse(incident, server, plan))


def _restore(incident: Incident, server: Server, plan: RecoveryPlan, chosen: RecoverySet) -> None:
    restore_accounts(incident, server, chosen)
    engine = submit(prepare_engine, incident, server)
    packages = submit(restore_packages, incident, server, chosen)
    files = [
        submit(restore_files, incident, server, chosen, subject=each.site.name, after=[engine])
        for each in plan.sites
    ]
    configuration = submit(
        restore_configuration, incident, server, chosen, packages, after=[engine, packages]
    )
    database = submit(restore_database, incident, server, plan, chosen, after=[configuration])
    rows = submit(check_rows, incident, server, chosen, after=[database])
    web = submit(start_services, incident, server, plan, packages, after=[configuration])
    for each in (engine, packages, *files, configuration, database, rows, web):
        each.result()


def move(incident: Incident, plan: RecoveryPlan, chosen: RecoverySet, seeded: Seeded) -> Rebuilt:
    """Close the old server, prove the new one equal, open it, and lead everybody there.

    Whatever fails before the handover opens the old one again; after its begin there is no way
    back, and a run that broke off there goes on when it is run again.
    """
    server = seeded.server
    if not has_moved(incident):
        with reopened_on_failure(incident):
            close(incident, chosen, seeded.rehearsed)
            gtid = bring_last_writes(incident, server, plan)
            match(incident, server, plan, gtid)
            healthy = [
                submit(smoke, incident, server, each, subject=each.site.name) for each in plan.sites
            ]
            for each in healthy:
                each.result()
            take_over(incident, server)
    else:
        take_over(incident, server)
    lead = submit(lead_visitors, incident, server, plan)
    sites = {
        each.site.name: _lead_there(incident, server, plan, each.site.name) for each in plan.sites
    }
    common = {
        "lead": lead,
        "cron": submit(start_cron, incident, server, chosen),
        "archive": submit(resume_archive, incident, server),
        "fence": submit(shut_down, incident, server, after=[lead]),
    }
    wait([*common.values(), *sites.values()])
    ends = {name: _end(future) for name, future in sites.items()}
    return Rebuilt(server, ends, tuple(common), seeded.machine)


def _lead_there(incident: Incident, server: Server, plan: RecoveryPlan, name: str) -> Future:
    site = next(each for each in plan.sites if each.site.name == name)
    flipped = submit(flip_dns, incident, server, site, subject=name)
    return submit(see_as_visitor, incident, server, site, subject=name, after=[flipped])


def _end(future: Future) -> SiteEnd:
    if not future.state.is_completed():
        return SiteEnd(healthy=False)
    return SiteEnd(healthy=True, back_at=future.result())
