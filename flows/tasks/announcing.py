"""Collect failures over several servers, and tell people once at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger

from blocks.errors import ContinuityError
from blocks.notify.base import Notifier
from blocks.records import Notice
from blocks.registry import load
from blocks.servers.protected import ProtectedServer


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
def tell_failures(heading: str) -> Iterator[Failures]:
    """Tell every concerned server's notifiers what failed, then raise the first failure.

    Raises:
        ContinuityError: The first failure, when there was one.
    """
    failures = Failures()
    yield failures
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
