"""A place in memory where people are told, held to the contract suite of the real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import PrivateAttr

from blocks.errors import ContinuityError, NotFound
from blocks.notify.base import Notifier
from blocks.records import Notice


@dataclass
class Thread:
    """One message with everything it ever said, and the replies below it."""

    versions: list[Notice]
    replies: list[Notice] = field(default_factory=list)

    @property
    def notice(self) -> Notice:
        """What the message says now."""
        return self.versions[-1]


class MemoryNotifier(Notifier):
    """Keep all messages by reference; `fail_always` and `fail_next` make it behave badly."""

    _block_type_name = "Memory notifier"
    _block_type_slug = "memory-notifier"

    _threads: dict[str, Thread] = PrivateAttr(default_factory=dict)
    _failure: ContinuityError | None = PrivateAttr(default=None)
    _once: bool = PrivateAttr(default=False)
    _before: Callable[[], None] | None = PrivateAttr(default=None)

    # --- what a test does to it ---

    @property
    def threads(self) -> tuple[Thread, ...]:
        """All messages in the order in which they were posted."""
        return tuple(self._threads.values())

    def fail_always(self, error: ContinuityError) -> None:
        """Raise this from every call, until `recover`."""
        self._failure, self._once = error, False

    def fail_next(self, error: ContinuityError) -> None:
        """Raise this from the next call."""
        self._failure, self._once = error, True

    def recover(self) -> None:
        """Work again."""
        self._failure = None

    def before_each(self, action: Callable[[], None]) -> None:
        """Do this first in every call, such as waiting."""
        self._before = action

    # --- the contract ---

    def check(self) -> str:
        """Answer if calls are answered."""
        self._behave()
        return "memory"

    def post(self, notice: Notice) -> str:
        """Post a new message."""
        self._behave()
        reference = f"memory:{len(self._threads) + 1}"
        self._threads[reference] = Thread([notice])
        return reference

    def edit(self, reference: str, notice: Notice) -> None:
        """Replace a message."""
        self._behave()
        self._thread(reference).versions.append(notice)

    def reply(self, reference: str, notice: Notice) -> None:
        """Add a detail."""
        self._behave()
        self._thread(reference).replies.append(notice)

    def _behave(self) -> None:
        if self._before is not None:
            self._before()
        failure = self._failure
        if self._once:
            self._failure, self._once = None, False
        if failure is not None:
            raise failure

    def _thread(self, reference: str) -> Thread:
        if reference not in self._threads:
            raise NotFound(f"message {reference}", "was never posted", "post it first")
        return self._threads[reference]
