"""The way by which clients get mail."""

from __future__ import annotations

from abc import ABC, abstractmethod

from prefect.blocks.core import Block
from pydantic import Field

from blocks.domain import DeclaredDomain
from blocks.types.clients import ClientMessage


class ClientMail(Block, ABC):
    """Send one message to one recipient, who sees no other.

    Every call ends within `timeout_seconds`. An error says that nothing was sent, but for
    `DeliveryUnknown`, after which nobody knows: who calls must not send again by itself.
    """

    domain: DeclaredDomain = Field(
        default_factory=DeclaredDomain,
        title="Failure domain",
        description="Provider, site and account of the relay; not those of a protected server.",
    )

    @abstractmethod
    def check(self) -> str:
        """Log in, name the sender and send nothing; return where we are.

        Raises `PermissionDenied` for a sender that the relay does not take.
        """

    @abstractmethod
    def place(self) -> str:
        """Return the host name or address of the relay."""

    @abstractmethod
    def send(self, message: ClientMessage) -> str:
        """Send one message; return its Message-ID, which follows from `message.id` alone.

        Raises:
            DeliveryUnknown: The text went out, and the answer did not come.
            PermissionDenied: The relay refused the recipient, the sender or the text.
            Unreachable: There is no way to the relay; it would be the same for all recipients.
        """
