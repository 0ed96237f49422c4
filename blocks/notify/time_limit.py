"""Give a call that has many small timeouts one limit for all of it."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar
from urllib.error import URLError

from blocks.errors import Unreachable

Result = TypeVar("Result")


def within(seconds: float, subject: str, call: Callable[[], Result]) -> Result:
    """Return what the call returns, or raise what it raises, within this time.

    The call runs in a thread of its own that is left behind when it takes longer: looking up a
    host name cannot be interrupted, and a server that sends a byte now and then resets every
    timeout of a socket. Give the call's own sockets the same limit, so that the thread ends soon.
    Whichever of the two limits is met first, the error is the same.

    Raises:
        Unreachable: It takes longer.
    """
    cause = f"did not answer within {seconds:g} s"
    hint = "check name resolution and the way there"
    ended: SimpleQueue[tuple[Result | None, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            ended.put((call(), None))
        except Exception as error:  # noqa: BLE001 - handed to the caller
            ended.put((None, error))

    Thread(target=run, name=subject, daemon=True).start()
    try:
        result, error = ended.get(timeout=seconds)
    except Empty as late:
        raise Unreachable(subject, cause, hint) from late
    if _timed_out(error):
        raise Unreachable(subject, cause, hint) from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # without an error it is what the call returned


def _timed_out(error: Exception | None) -> bool:
    """A socket's own limit was met; urllib wraps it while it connects."""
    return isinstance(error, TimeoutError) or (
        isinstance(error, URLError) and isinstance(error.reason, TimeoutError)
    )
