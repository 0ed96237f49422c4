"""A relay in memory, held to the contract suite of the real one."""

from __future__ import annotations

from pydantic import PrivateAttr

from blocks.client_mail.base import ClientMail
from blocks.errors import ContinuityError, PermissionDenied
from blocks.types.clients import ClientMessage


class MemoryClientMail(ClientMail):
    """Keep all messages; `fail_always`, `refuse` and `then` make it behave badly."""

    _block_type_name = "Memory client mail"
    _block_type_slug = "memory-client-mail"

    _taken: list[ClientMessage] = PrivateAttr(default_factory=list)
    _failure: ContinuityError | None = PrivateAttr(default=None)
    _refused: set[str] = PrivateAttr(default_factory=set)
    _killed: BaseException | None = PrivateAttr(default=None)

    # --- what a test does to it ---

    @property
    def taken(self) -> tuple[ClientMessage, ...]:
        """All messages, oldest first."""
        return tuple(self._taken)

    def fail_always(self, error: ContinuityError | None) -> None:
        """Raise this from every call; None to work again."""
        self._failure = error

    def refuse(self, *recipients: str) -> None:
        """Refuse these recipients from now on."""
        self._refused = set(recipients)

    def then(self, killed: BaseException | None) -> None:
        """Take each message, and then be killed."""
        self._killed = killed

    # --- the contract ---

    def check(self) -> str:
        """Answer if calls are answered."""
        self._behave()
        return "memory"

    def place(self) -> str:
        return "memory"

    def send(self, message: ClientMessage) -> str:
        self._behave()
        if message.recipient in self._refused:
            raise PermissionDenied("memory", "refused the recipient (550)", "correct it")
        self._taken.append(message)
        if self._killed is not None:
            raise self._killed
        return f"<{message.id}@memory.test>"

    def _behave(self) -> None:
        if self._failure is not None:
            raise self._failure
