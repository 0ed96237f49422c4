"""Collect failures over several servers, and tell people once at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from prefect import get_run_logger

from blocks.errors import ContinuityError
from blocks.notify.base import Notifier
from blocks.records import Notice
from blocks.registry import load
from blocks.servers.protected import ProtectedServer
from flows.tasks.heartbeats import Switches


class Failure(NamedTuple):
    """What went wrong with one thing, such as a server, and in which part of it."""

    what: str
    error: ContinuityError
    part: str = ""


class Failures:
    """What went wrong, in the order in which it did."""

    def __init__(self) -> None:
        self.found: list[Failure] = []

    @contextmanager
    def of(self, what: str, part: str = "") -> Iterator[None]:
        """Keep a failure from stopping what comes next."""
        try:
            yield
        except ContinuityError as error:
            get_run_logger().error("%s: %s", f"{what} {part}".rstrip(), error)
            self.found.append(Failure(what, error, part))


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
    switches.end(heading, {each.what: str(each.error) for each in failures.found})
    for server, cause in switches.deaf.items():
        tell(server, Notice(f"{heading} : le veilleur n'a pas pu être prévenu", cause, failed=True))
    for each in failures.found:
        where = f" (dépôt {each.part})" if each.part else ""
        text = f"{heading} de {each.what}{where} : échec"
        tell(each.what, Notice(text, str(each.error), failed=True))
    if failures.found:
        raise failures.found[0].error


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
