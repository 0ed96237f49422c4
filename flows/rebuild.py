"""Bring a server's content back on a new machine: what recovery and drill have in common."""

from __future__ import annotations

from prefect.futures import wait

from blocks.types import RecoverySet
from flows.arrival import lead_visitors
from flows.decisions.recovery_plan import Purpose, RecoveryPlan
from flows.tasks.archive_steps import apply_changes, replay_logs, resume_archive
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
from flows.tasks.work import Future, submit


def rebuild(incident: Incident, plan: RecoveryPlan, chosen: RecoverySet) -> Rebuilt:
    """Make the machine, then restore side by side what does not depend on each other.

    machine -> its own host key -> accounts -> packages beside files -> configuration -> database
    beside services -> what the archive holds of later changes -> each site on its own: pages at the
    new address -> DNS, or the floating address for all of them -> pages as visitors see them; in a
    drill: pages -> links and login page.
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
    needs = {
        each.site.name: [changes[each.site.name], web, *([data] if each.site.databases else [])]
        for each in plan.sites
    }
    arrivals = lead_visitors(incident, server, machine, plan, needs, data)
    wait([*common.values(), *arrivals.sites.values()])
    if not drill:
        common["cron"] = submit(start_cron, incident, server, chosen, after=[data])
        common["archive"] = submit(resume_archive, incident, server, after=[data])
        wait([common["cron"], common["archive"]])
    ends = {name: _end(future) for name, future in arrivals.sites.items()}
    return Rebuilt(server, ends, tuple(common), machine, arrivals.floating)


def _end(future: Future) -> SiteEnd:
    """Return how a site's last step ended; its result, if any, is when visitors saw it again."""
    if not future.state.is_completed():
        return SiteEnd(healthy=False)
    return SiteEnd(healthy=True, back_at=future.result())
