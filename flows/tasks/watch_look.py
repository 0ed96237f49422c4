"""Look at a server's sites from every vantage point; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from time import sleep
from urllib.parse import urlsplit

from blocks.errors import ConfigurationError, ContinuityError, Unreachable
from blocks.monitors.base import Probe
from blocks.registry import load
from blocks.types import SmokeCheck, SmokeResult
from flows.decisions.alert import (
    Assessment,
    PageSeen,
    PlaceLook,
    Round,
    Sight,
    assess,
    needs_confirmation,
    wants_monitors,
)
from flows.reports.alert_text import OWN_PLACE
from flows.tasks.incident import Estate, now
from flows.tasks.watch_monitors import Monitors
from flows.tasks.work import work

Page = tuple[str, SmokeCheck]


@work("look", retries=0)
def look_twice(estate: Estate, pause: timedelta, *, subject: str) -> Assessment:
    """Look as a task of the watch; see `assess_server`."""
    return assess_server(estate, pause)


def assess_server(estate: Estate, pause: timedelta) -> Assessment:
    """Look; if anything fails, look again after the pause, and conclude from both.

    Where nothing answers, the monitors elsewhere are asked meanwhile. They are not waited for: who
    has not answered when we have looked twice is blind.
    """
    probes, blind = _vantage_points(estate)
    first = _round(estate, probes, blind)
    if not needs_confirmation(estate.name, first):
        return assess(estate.name, first)
    monitors = Monitors(estate) if wants_monitors(first) else None
    sleep(pause.total_seconds())
    second = _round(estate, probes, blind)
    told = monitors.told() if monitors else ()
    return assess(estate.name, *(replace(e, places=(*e.places, *told)) for e in (first, second)))


def _vantage_points(estate: Estate) -> tuple[dict[str, Probe], list[PlaceLook]]:
    """Return the probes by the names of their places; one that cannot be had is blind."""
    probes, blind = {OWN_PLACE: estate.probe}, []
    for reference in estate.declared.witnesses:
        name = reference.split("/", 1)[1]
        try:
            probes[name] = load(reference, Probe)
        except ConfigurationError as error:
            blind.append(PlaceLook(name, blind=error.cause))
    return probes, blind


def _round(estate: Estate, probes: Mapping[str, Probe], blind: list[PlaceLook]) -> Round:
    began = now()
    with ThreadPoolExecutor(max_workers=len(probes)) as pool:
        looks = pool.map(lambda item: _place(item[0], item[1], estate), probes.items())
        return Round(began, (*looks, *blind))


def _place(name: str, probe: Probe, estate: Estate) -> PlaceLook:
    pages = [(site, page.value()) for site, each in estate.sites.items() for page in each.smoke]
    try:
        # The first one alone: a place that cannot be reached says so once, not once a page.
        seen = [_page(probe, page, estate) for page in pages[:1]]
        with ThreadPoolExecutor(max_workers=4) as pool:
            seen += pool.map(lambda page: _page(probe, page, estate), pages[1:])
    except ContinuityError as error:
        return PlaceLook(name, blind=f"{error.subject} : {error.cause}")
    return PlaceLook(name, tuple(seen))


def _page(probe: Probe, page: Page, estate: Estate) -> PageSeen:
    site, check = page
    name = urlsplit(check.url).hostname or ""
    try:
        addresses = probe.resolve(name)
    except Unreachable as error:
        if error.subject != name:
            raise
        return PageSeen(site, check.url, Sight.UNSEEN, f"{name} {error.cause}")
    if not addresses:
        said = f"{name} has no IPv4 address in the DNS"
        return PageSeen(site, check.url, Sight.UNNAMED, said)
    result = probe.check(check, addresses[0])
    if result.passed or result.answered:
        sight = Sight.PASSED if result.passed else Sight.WRONG
        return PageSeen(site, check.url, sight, result.observed)
    return _silent(probe, site, result, estate)


def _silent(probe: Probe, site: str, seen: SmokeResult, estate: Estate) -> PageSeen:
    """Nothing answers where the DNS leads: if the server itself does, the DNS is what is wrong."""
    check, declared = seen.check, estate.server.address
    if seen.address != declared and probe.check(check, declared).answered:
        said = f"le DNS mène à {seen.address}, où rien ne répond ; {declared} répond"
        return PageSeen(site, check.url, Sight.WRONG, said)
    return PageSeen(site, check.url, Sight.SILENT, f"{seen.address} : {seen.observed}")
