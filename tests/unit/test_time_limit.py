"""One limit for a call and its sockets: which of them ends it does not change what is told."""

from __future__ import annotations

from threading import Event
from urllib.error import URLError

import pytest

from blocks.errors import Unreachable
from blocks.notify.time_limit import within


@pytest.mark.parametrize("error", [TimeoutError("hush-hush"), URLError(TimeoutError("hush-hush"))])
def test_a_sockets_own_limit_reads_like_the_limit_of_the_call(error: Exception) -> None:
    def call() -> None:
        raise error

    with pytest.raises(Unreachable, match=r"relay: did not answer within 0\.3 s") as caught:
        within(0.3, "relay", call)
    assert caught.value.__cause__ is None


def test_a_call_that_goes_on_is_left_behind() -> None:
    over = Event()
    with pytest.raises(Unreachable, match=r"relay: did not answer within 0\.05 s"):
        within(0.05, "relay", lambda: over.wait(20))
    over.set()


def test_another_error_and_a_result_pass() -> None:
    def refuse() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        within(5, "relay", refuse)
    assert within(5, "relay", lambda: "250 OK") == "250 OK"
