"""Tell dead-man's switches how a job went; what cannot be told never fails the job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prefect import get_run_logger

from blocks.errors import ContinuityError
from blocks.monitors.base import Heartbeat
from blocks.registry import load, names
from blocks.servers.protected import ProtectedServer


class Switches:
    """The switches that watch a job over these servers.

    A switch that several servers share is told only by a run over all of them: its silence is the
    alarm, and a run over one server must not end it for the others.

    Attributes:
        deaf: Why a switch could not be told, by one of its servers.
    """

    def __init__(self, job: str, servers: Sequence[str]) -> None:
        self.deaf: dict[str, str] = {}
        self._shared = _covered(job, set(servers)) if job else {}

    def start(self, heading: str) -> None:
        """Say that the job begins."""
        for reference, servers in self._shared.items():
            self._send(reference, servers, lambda each, text: each.start(text), heading)

    def end(self, heading: str, failed: Mapping[str, str]) -> None:
        """Say success where every server went well, else what failed."""
        for reference, servers in self._shared.items():
            why = [f"{server} : {failed[server]}" for server in servers if server in failed]
            if why:
                text = f"{heading} en échec. " + " ; ".join(why)
                self._send(reference, servers, lambda each, text: each.fail(text), text)
            else:
                text = f"{heading} : {', '.join(servers)}"
                self._send(reference, servers, lambda each, text: each.success(text), text)

    def _send(
        self,
        reference: str,
        servers: Sequence[str],
        signal: Callable[[Heartbeat, str], None],
        text: str,
    ) -> None:
        try:
            signal(load(reference, Heartbeat), text)
        except ContinuityError as error:
            get_run_logger().warning("%s was not told: %s", reference, error)
            self.deaf[servers[0]] = str(error)


def _covered(job: str, run: set[str]) -> dict[str, list[str]]:
    """Return the switches whose servers are all part of this run, with these servers."""
    shared: dict[str, list[str]] = {}
    try:
        for name in names("protected-server"):
            declared = load(f"protected-server/{name}", ProtectedServer)
            reference = str(getattr(declared.heartbeats, job))
            if reference:
                shared.setdefault(reference, []).append(name)
    except ContinuityError as error:
        get_run_logger().warning("no heartbeat was told: %s", error)
        return {}
    return {reference: found for reference, found in shared.items() if run >= set(found)}
