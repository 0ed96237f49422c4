"""A place where people are told what happens."""

from __future__ import annotations

from abc import ABC, abstractmethod

from prefect.blocks.core import Block

from blocks.records import Notice


class Notifier(Block, ABC):
    """Post one live message, edit it, and hang details below it.

    Every call ends within `timeout_seconds` and raises `Unreachable`, `Unavailable`, `RateLimited`,
    `AuthenticationFailed`, `PermissionDenied` or `NotFound` (channel, message); who calls decides
    that a failed message stops nothing.
    """

    @abstractmethod
    def check(self) -> str:
        """Log in and do nothing else; return who we are there. People see nothing of it.

        Whether the channel or the recipients take a message is known only when one is sent.
        """

    @abstractmethod
    def post(self, notice: Notice) -> str:
        """Post a new message; return a reference under which it can be edited."""

    @abstractmethod
    def edit(self, reference: str, notice: Notice) -> None:
        """Replace a message; where that cannot be done, send it only if it is `final`."""

    @abstractmethod
    def reply(self, reference: str, notice: Notice) -> None:
        """Add a detail in the message's thread; e-mail sends it only if it `failed`."""
