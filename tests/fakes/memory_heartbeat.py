"""A dead-man's switch in memory, held to the contract suite of the real one."""

from __future__ import annotations

from pydantic import PrivateAttr

from blocks.errors import ContinuityError
from blocks.monitors.base import Heartbeat


class MemoryHeartbeat(Heartbeat):
    """Writes down what it is told; `fail_next` makes the next signal fail."""

    _block_type_name = "Memory heartbeat"
    _block_type_slug = "memory-heartbeat"

    _heard: list[tuple[str, str]] = PrivateAttr(default_factory=list)
    _failure: ContinuityError | None = PrivateAttr(default=None)

    @property
    def heard(self) -> tuple[tuple[str, str], ...]:
        """Every signal with its text."""
        return tuple(self._heard)

    def fail_next(self, error: ContinuityError) -> None:
        """Raise this from the next signal."""
        self._failure = error

    def start(self, text: str) -> None:
        self._hear("start", text)

    def success(self, text: str) -> None:
        self._hear("success", text)

    def fail(self, text: str) -> None:
        self._hear("fail", text)

    def _hear(self, signal: str, text: str) -> None:
        if self._failure is not None:
            error, self._failure = self._failure, None
            raise error
        self._heard.append((signal, text))
