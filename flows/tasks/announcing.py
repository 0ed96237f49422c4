"""Collect failures over several servers, and tell people once at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prefect import get_run_logger

from blocks.errors import ContinuityError
from blocks.notify.base import Notifier
from blocks.records import Notice
from blocks.registry import load
from blocks.servers.protected import ProtectedServer
from flows.tasks.heartbeats import Switches


class Failures:
    """What went wrong, by server."""

    def __init__(self) -> None:
        self.found: list[tuple[str, ContinuityError]] = []

    @contextmanager
    def of(self, server: str) -> Iterator[None]:
        """Keep a server's failure from stopping the next server."""
        try:
            yield
        except ContinuityError as error:
            get_run_logger().error("%s: %s", server, error)
            self.found.append((server, error))


@contextmanager
def tell_failures(heading: str, job: str = "", servers: Sequence[str] = ()) -> Iterator[Failures]:
    """Tell every concerned server's notifiers what failed, then raise the first failure.

    The dead-man's switches of this job are told of its start and how it ended for these servers.

    Raises:
        ContinuityError: The first failure, when there was one.
    """
    failures = Failures()
    switches = Switches(job, servers)
    switches.start(heading)
    try:
        yield failures
    except BaseException as stopped:
        switches.end(heading, dict.fromkeys(servers, type(stopped).__name__))
        raise
    switches.end(heading, {server: str(error) for server, error in failures.found})
    for server, cause in switches.deaf.items():
        tell(server, Notice(f"{heading} : le veilleur n'a pas pu être prévenu", cause, failed=True))
    for server, error in failures.found:
        tell(server, Notice(f"{heading} de {server} : échec", str(error), failed=True))
    if failures.found:
        raise failures.found[0][1]


def tell(server: str, notice: Notice) -> None:
    """Post to each notifier; one that fails is logged and keeps nobody from the others."""
    try:
        names = load(f"protected-server/{server}", ProtectedServer).notifiers
    except ContinuityError as error:
        get_run_logger().warning("nobody could be told: %s", error)
        return
    for name in names:
        try:
            load(name, Notifier).post(notice)
        except ContinuityError as error:
            get_run_logger().warning("%s was not told: %s", name, error)
