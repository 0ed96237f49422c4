"""Ask an API again, and look until what was asked for is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from blocks.errors import ContinuityError, DeadlineExceeded, NotFound

Found = TypeVar("Found")
LOOKS = 4
"""How often a question is asked whose answer failed in passing."""


def patient(look: Callable[[], Found], pause: float) -> Found:
    """Ask a question that changes nothing up to four times; `pause` seconds, then twice as long."""
    for turn in range(LOOKS - 1):
        try:
            return look()
        except ContinuityError as error:
            if not error.transient:
                raise
        time.sleep(pause * 2**turn)
    return look()


def taken(act: Callable[[], None]) -> bool:
    """Ask for something, return whether it was taken; a look must follow in any case."""
    try:
        act()
    except ContinuityError as error:
        if not error.transient and not isinstance(error, NotFound):
            raise
        return False
    return True


def wait_for(
    subject: str, look: Callable[[], Found | None], deadline: float, pause: float
) -> Found:
    """Look until there is something, every `pause` seconds, for `deadline` seconds at most."""
    ends = time.monotonic() + deadline
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > ends:
            raise DeadlineExceeded(
                subject,
                f"is not as asked for after {deadline:.0f} s",
                "look at it in the provider's console, then run it again",
            )
        time.sleep(pause)
