"""A place where people are told what happens."""

from __future__ import annotations

from abc import ABC, abstractmethod

from prefect.blocks.core import Block

from blocks.records import Notice
from blocks.types import Access


class Notifier(Block, ABC):
    """Post one live message, edit it, and hang details below it.

    Every call ends within `timeout_seconds` and raises `Unreachable`, `Unavailable`, `RateLimited`,
    `AuthenticationFailed`, `PermissionDenied` or `NotFound` (channel, message); who calls decides
    that a failed message stops nothing.
    """

    @abstractmethod
    def check(self) -> str:
        """Log in and send nothing; return who we are there. People see nothing of it.

        Recipients that the other side would refuse are errors where it says so without a message:
        a mail relay does, Slack says whether the channel takes one only when one is posted.
        """

    def access(self) -> Access:
        """Log in and send nothing; say who we are there, and what that proves. Errors as `check`.

        Unless a place can tell more, only a real message shows whether it takes one.
        """
        return Access(
            self.check(),
            may=("se connecter",),
            unseen=("publier : rien n'est envoyé pour un essai",),
        )

    @abstractmethod
    def post(self, notice: Notice) -> str:
        """Post a new message; return a reference under which it can be edited."""

    @abstractmethod
    def edit(self, reference: str, notice: Notice) -> None:
        """Replace a message; where that cannot be done, send it only if it is `final`."""

    @abstractmethod
    def reply(self, reference: str, notice: Notice) -> None:
        """Add a detail in the message's thread; e-mail sends it only if it `failed`."""
