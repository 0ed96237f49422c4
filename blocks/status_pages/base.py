"""A public page that says which sites are down; hosted where no protected server is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from prefect.blocks.core import Block
from pydantic import Field

from blocks.domain import DeclaredDomain
from blocks.types.clients import FirstMessage, Language, StatusIncident, StatusUpdate

Render = Callable[[Sequence[StatusIncident]], str]
"""Makes the static page of all incidents, newest first."""


class StatusPage(Block, ABC):
    """Incidents that everybody may read of.

    Errors: `Unreachable`, `AuthenticationFailed`, `PermissionDenied`, `NotFound` (no such page),
    `ConfigurationError`, `DeadlineExceeded`.
    """

    domain: DeclaredDomain = Field(
        default_factory=DeclaredDomain,
        title="Failure domain",
        description="Provider, site and account of the page; not those of a protected server.",
    )
    url: str = Field(default="", title="URL", description="Where people read it; may be empty.")
    language: Language = Field(
        default=Language.FRENCH, title="Language", description="Language of the page."
    )
    first_message: FirstMessage = Field(
        default=FirstMessage.ASK,
        title="First message",
        description="Whether the first entry of an incident waits for a yes.",
    )

    @abstractmethod
    def check(self) -> str:
        """Prove with real calls that the page may be changed; change nothing; return what is there.

        Raises `PermissionDenied` for a key that may only read.
        """

    @abstractmethod
    def place(self) -> str:
        """Return the host name or address it is published to, "" for this machine."""

    @abstractmethod
    def publish(self, update: StatusUpdate, render: Render) -> bool:
        """Add an update to its incident, making it if need be; return whether it was missing.

        Idempotent by `update.key`. What people wrote into the page stays. Others may publish at
        the same time: both updates are there afterwards.
        """

    @abstractmethod
    def read(self) -> tuple[StatusIncident, ...]:
        """Return all incidents that are published, newest first."""
