"""Bring a server's content back on a new machine: what recovery and drill have in common."""

from __future__ import annotations

from prefect.futures import wait

from blocks.servers.base import Server
from blocks.types import RecoverySet
from flows.decisions.recovery_plan import Purpose, RecoveryPlan, SitePlan
from flows.tasks.archive_steps import apply_changes, replay_logs, resume_archive
from flows.tasks.drill_pages import check_links
from flows.tasks.first_login import enter
from flows.tasks.incident import Incident
from flows.tasks.machines import make_machine
from flows.tasks.proof import check_data, check_rows
from flows.tasks.rebuilt import Rebuilt, SiteEnd
from flows.tasks.restore import (
    isolate,
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
from flows.tasks.work import Future, submit


def rebuild(incident: Incident, plan: RecoveryPlan, chosen: RecoverySet) -> Rebuilt:
    """Make the machine, then restore side by side what does not depend on each other.

    machine -> its own host key -> accounts -> packages beside files -> configuration -> database
    beside services -> what the archive holds of later changes -> each site on its own: pages at the
    new address -> DNS -> pages as visitors see them; in a drill: pages -> links and login page.
    A site that fails keeps its DNS; the others go on. Returns when every step has ended.
    """
    drill = plan.purpose is Purpose.DRILL
    machine, server = enter(incident, make_machine(incident, plan))
    restore_accounts(incident, server, chosen)
    if drill:
        isolate(incident, server)
    engine = submit(prepare_engine, incident, server)
    packages = submit(restore_packages, incident, server, chosen)
    configuration = submit(
        restore_configuration, incident, server, chosen, packages, after=[engine, packages]
    )
    database = submit(restore_database, incident, server, plan, chosen, after=[configuration])
    web = submit(start_services, incident, server, plan, packages, after=[configuration])
    rows = submit(check_rows, incident, server, chosen, after=[database])
    replay = submit(replay_logs, incident, server, plan, chosen, after=[rows])
    data = submit(check_data, incident, server, chosen, after=[replay])
    files = {
        each.site.name: submit(
            restore_files, incident, server, chosen, subject=each.site.name, after=[engine]
        )
        for each in plan.sites
    }
    changes = {
        name: submit(
            apply_changes, incident, server, plan, chosen, subject=name, after=[packages, restored]
        )
        for name, restored in files.items()
    }
    common = {
        "engine": engine, "packages": packages, "configuration": configuration,
        "database": database, "rows": rows, "replay": replay, "web": web, "data": data,
    }  # fmt: skip
    sites = {}
    for each in plan.sites:
        needs = [changes[each.site.name], web] + ([data] if each.site.databases else [])
        sites[each.site.name] = _bring_back(incident, server, each, needs, drill=drill)
    wait([*common.values(), *sites.values()])
    if not drill:
        common["cron"] = submit(start_cron, incident, server, chosen, after=[data])
        common["archive"] = submit(resume_archive, incident, server, after=[data])
        wait([common["cron"], common["archive"]])
    ends = {name: _end(future) for name, future in sites.items()}
    return Rebuilt(server, ends, tuple(common), machine)


def _end(future: Future) -> SiteEnd:
    """Return how a site's last step ended; its result, if any, is when visitors saw it again."""
    if not future.state.is_completed():
        return SiteEnd(healthy=False)
    return SiteEnd(healthy=True, back_at=future.result())


def _bring_back(
    incident: Incident, server: Server, plan: SitePlan, needs: list[Future], *, drill: bool
) -> Future:
    """Queue one site's last steps; each runs only when the one before it ended well."""
    name = plan.site.name
    healthy = submit(smoke, incident, server, plan, subject=name, after=needs)
    if drill:
        return submit(check_links, incident, server, plan, subject=name, after=[healthy])
    flipped = submit(flip_dns, incident, server, plan, subject=name, after=[healthy])
    return submit(see_as_visitor, incident, server, plan, subject=name, after=[flipped])
