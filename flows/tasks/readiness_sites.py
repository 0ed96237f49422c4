"""Look at what clients see of the sites: names, pages, certificates and their renewal."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from blocks.errors import ContinuityError
from blocks.monitors.base import AlertSource
from blocks.servers.renewals import renewals_of
from blocks.types import MonitorState, Part
from flows.decisions.readiness import Check
from flows.decisions.readiness_monitors import hosts_of, judge_accounts, judge_watching
from flows.decisions.readiness_records import judge_records
from flows.decisions.readiness_renewal import Returning, judge_renewal
from flows.decisions.readiness_site import judge_certificates, judge_names, judge_pages
from flows.decisions.recovery_plan import SiteSpec
from flows.tasks.harmless import answer_of
from flows.tasks.incident import now
from flows.tasks.readiness_scene import Looks, Scene
from flows.tasks.restore import find_ref
from flows.tasks.watch_monitors import monitors_of


def sites(scene: Scene) -> Looks:
    """Return the looks at each site, at the zones' other records, at renewals, and at monitors."""
    return [
        *((f"site {each.name}", partial(_site, scene, each)) for each in scene.sites),
        ("autres noms", partial(_records, scene)),
        ("renouvellement", partial(_renewals, scene)),
        ("surveillance", partial(_watching, scene)),
    ]


def _site(scene: Scene, spec: SiteSpec) -> Sequence[Check]:
    estate = scene.estate
    pages = [estate.probe.check_through_dns(each) for each in spec.smoke]
    moved = [domain for site in scene.sites for domain in site.domains]
    return (
        *judge_names(spec, scene.names, estate.server.address, moved),
        judge_pages(spec, pages),
        *judge_certificates(spec, pages, now()),
    )


def _records(scene: Scene) -> Sequence[Check]:
    return judge_records(scene.names, scene.sites, scene.estate.server.address)


def _renewals(scene: Scene) -> Sequence[Check]:
    """Compare what the living server renews with what the newest set would bring back of it."""
    if not any(page.url.startswith("https:") for site in scene.sites for page in site.smoke):
        return ()
    kept, back = renewals_of(scene.estate.server), _returning(scene)
    return [check for site in scene.sites for check in judge_renewal(site, kept, back, now())]


def _watching(scene: Scene) -> Sequence[Check]:
    """Ask each monitor elsewhere that there is a token for; nothing without one."""
    monitors = monitors_of(scene.estate)
    if not monitors:
        return ()
    with ThreadPoolExecutor(max_workers=len(monitors)) as pool:
        answers = dict(zip(monitors, pool.map(_states, monitors.values()), strict=True))
    declared = {host for site in scene.sites for host in hosts_of(site)}
    return (
        judge_accounts(answers, scene.estate.server.address),
        *(judge_watching(site, answers, declared) for site in scene.sites),
    )


def _states(
    monitor: AlertSource | ContinuityError,
) -> tuple[MonitorState, ...] | ContinuityError:
    if isinstance(monitor, ContinuityError):
        return monitor
    return answer_of(monitor.states)


def _returning(scene: Scene) -> Returning:
    estate = scene.estate
    made, repository = scene.required()
    ref = find_ref(made, Part.CONFIGURATION, estate.name)
    return Returning(
        server=estate.name,
        files={each.path for each in repository.files(estate.name, ref.id)},
        roots={root for site in estate.sites.values() for root in site.roots},
        configuration=estate.declared.configuration,
        packages=made.server_facts.packages,
        timers=made.server_facts.timers,
    )
