"""What the receiver knows of the estate, and how it has Prefect look."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import httpx
from prefect import get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from blocks import registry
from blocks.errors import ConfigurationError, ContinuityError, Unavailable
from blocks.monitors.base import AlertSource
from blocks.servers.base import Server
from blocks.servers.protected import ProtectedServer
from blocks.sites.site import Site
from deployments.receiver.intake import Surroundings

FRESH_SECONDS = 60.0
"""So long after `continuity estate apply` a new monitor, secret or site counts at the latest."""
DEPLOYMENT = "watch/on-alert"


def look_around() -> Surroundings:
    """Read monitors and hosts from the blocks.

    Raises:
        ConfigurationError: A block is missing.
        Unavailable: Prefect's server does not answer.
    """
    try:
        return Surroundings(_sources(), _servers())
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise _unavailable(error) from error


class Cached:
    """What was read lately; when it cannot be read anew, what was read last goes on to count.

    One reads anew; the others do not wait for it.
    """

    def __init__(self, read: Callable[[], Surroundings], ticks: Callable[[], float]) -> None:
        self._read, self._ticks = read, ticks
        self._known: Surroundings | None = None
        self._until = 0.0
        self._lock = Lock()

    def __call__(self) -> Surroundings:
        """Return what the estate declares. Raises `ContinuityError` if it was never readable."""
        known = self._known
        if known is not None and not self._lock.acquire(blocking=False):
            return known
        if known is None:
            self._lock.acquire()
        try:
            return self._fresh()
        finally:
            self._lock.release()

    def _fresh(self) -> Surroundings:
        if self._known is None or self._ticks() >= self._until:
            try:
                self._known = self._read()
            except ContinuityError:
                if self._known is None:
                    raise
            self._until = self._ticks() + FRESH_SECONDS
        return self._known


def start_look(server: str, reason: str) -> None:
    """Have Prefect look at a server now.

    Raises:
        ConfigurationError: The deployment is missing.
        Unavailable: Prefect's server does not take it.
    """
    try:
        with get_client(sync_client=True) as client:
            found = client.read_deployment_by_name(DEPLOYMENT)
            parameters = {"server": server, "alert": reason}
            client.create_flow_run_from_deployment(found.id, parameters=parameters)
    except ObjectNotFound as error:
        hint = "continuity estate apply"
        raise ConfigurationError(f"deployment {DEPLOYMENT}", "does not exist", hint) from error
    except (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError) as error:
        raise _unavailable(error) from error


def _sources() -> dict[str, AlertSource]:
    kinds = [kind for kind in registry.block_types() if issubclass(kind, AlertSource)]
    slugs = [kind.get_block_type_slug() for kind in kinds]
    return {
        name: registry.load(f"{slug}/{name}", AlertSource)
        for slug in slugs
        for name in registry.names(slug)
    }


def _servers() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in registry.names("protected-server"):
        declared = registry.load(f"protected-server/{name}", ProtectedServer)
        found[registry.load(declared.server, Server).address] = name
        for reference in declared.sites:
            found |= dict.fromkeys(registry.load(reference, Site).domains, name)
    return found


def _unavailable(error: Exception) -> Unavailable:
    cause = f"does not answer as it should ({type(error).__name__})"
    return Unavailable("Prefect server", cause, "see that it runs: prefect version; then its log")
