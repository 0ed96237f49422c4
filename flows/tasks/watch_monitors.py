"""Ask the monitors elsewhere what they see of a server's sites; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from urllib.parse import urlsplit

from blocks.errors import ConfigurationError, ContinuityError
from blocks.monitors.base import AlertSource
from blocks.registry import load
from flows.decisions.alert import PlaceLook
from flows.decisions.alert_monitors import said_by, silence
from flows.tasks.incident import Estate, now

PATIENCE = timedelta(seconds=10)
"""So long after it was asked a monitor that has not answered is blind."""


def monitors_of(estate: Estate) -> dict[str, AlertSource | ConfigurationError]:
    """Return the monitors that can be asked, by name; for one that cannot be had, why."""
    found: dict[str, AlertSource | ConfigurationError] = {}
    for reference in estate.declared.monitors:
        name = reference.split("/", 1)[1]
        try:
            monitor = load(reference, AlertSource)
        except ConfigurationError as error:
            found[name] = error
            continue
        if monitor.can_be_asked:
            found[name] = monitor
    return found


class Monitors:
    """All monitors of an estate, asked side by side from the moment this is made."""

    def __init__(self, estate: Estate) -> None:
        hosts = _hosts(estate)
        self._until = monotonic() + PATIENCE.total_seconds()
        monitors = monitors_of(estate)
        pool = ThreadPoolExecutor(max_workers=max(1, len(monitors)))
        self._asked = {
            _place(name): pool.submit(_ask, _place(name), monitor, hosts)
            for name, monitor in monitors.items()
        }
        pool.shutdown(wait=False)

    def told(self) -> tuple[PlaceLook, ...]:
        """Return what each says; one that takes longer than `PATIENCE` is blind."""
        return tuple(self._answer(place, asked) for place, asked in self._asked.items())

    def _answer(self, place: str, asked: Future[PlaceLook]) -> PlaceLook:
        try:
            return asked.result(timeout=max(0.0, self._until - monotonic()))
        except TimeoutError:
            return silence(place, "n'a pas répondu à temps")


def _ask(
    place: str, monitor: AlertSource | ConfigurationError, hosts: Mapping[str, str]
) -> PlaceLook:
    if isinstance(monitor, ConfigurationError):
        return silence(place, monitor.cause)
    try:
        return said_by(place, monitor.states(), hosts, now())
    except ContinuityError as error:
        return silence(place, f"{error.subject} : {error.cause}")


def _place(name: str) -> str:
    """Name the place so that it is taken for no witness of the same name."""
    return f"moniteur {name}"


def _hosts(estate: Estate) -> dict[str, str]:
    """Return the site of each host name of the server."""
    found: dict[str, str] = {}
    for name, site in estate.sites.items():
        pages = [urlsplit(page.url).hostname or "" for page in site.smoke]
        found |= dict.fromkeys([*site.domains, *pages], name)
    return found
