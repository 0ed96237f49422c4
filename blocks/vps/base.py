"""A provider that makes machines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from prefect.blocks.core import Block

from blocks.types import Access, Machine, MachineNeeds, MachineRequest, MachineSize, Room, Stock
from blocks.vps.choice import fitting


class VpsProvider(Block, ABC):
    """Make, find, stop and destroy machines that carry our tags.

    Errors: `AuthenticationFailed`, `PermissionDenied`, `OutOfStock`, `RateLimited`, `Unavailable`,
    `Unreachable`, `DeadlineExceeded`.
    """

    @abstractmethod
    def sizes(self, region: str = "") -> tuple[MachineSize, ...]:
        """Return the sizes that can be ordered in a place ("": the default one), smallest first."""

    def candidates(
        self, size: str = "", region: str = "", needs: MachineNeeds | None = None
    ) -> tuple[MachineSize, ...]:
        """Return the sizes that `create` would try for this demand, in their order.

        Each with the disk that it would get, and its price. A size that is named is the only one,
        if its disk is large enough; else all that have what is needed, cheapest first. Empty if
        there is none.
        """
        return fitting(self.sizes(region), size, needs or MachineNeeds())

    @abstractmethod
    def access(self) -> Access:
        """Ask the provider who we are and what we may do; orders and changes nothing.

        Raises `AuthenticationFailed` for credentials that are refused.
        """

    def release(self) -> str:
        """Return the Debian release of new machines, such as 13; "" if only a machine can tell.

        Answers from what this block knows, without asking the provider.
        """
        return ""

    def room(self, size: str = "", region: str = "") -> Room:
        """Say whether one more machine of this size could be made there now; orders nothing.

        "" is the default size or place, as in a request. A size that is not offered is sold out. A
        provider that cannot tell says so: `create` may still raise `OutOfStock` after any answer.
        """
        return Room(Stock.UNKNOWN, "l'hébergeur ne dit pas son stock")

    @abstractmethod
    def find(self, tags: Mapping[str, str]) -> tuple[Machine, ...]:
        """Return our machines that carry all these tags (running or not), oldest first."""

    @abstractmethod
    def create(self, request: MachineRequest) -> Machine:
        """Make a machine and return it running, with its address.

        Adopts (and starts) the machine that already has the request's name, whose host key is then
        the one it was made with: so a call that timed out after it had worked can simply be made
        again. Tries the request's `candidates` in their order; raises `OutOfStock` when none of
        them can be had. Whether its SSH server answers already is for the caller to see.
        """

    @abstractmethod
    def power_on(self, machine: str) -> None:
        """Start a machine. Idempotent. Raises `NotFound`."""

    @abstractmethod
    def power_off(self, machine: str) -> None:
        """Cut a machine's power; it serves nobody any more. Idempotent. Raises `NotFound`."""

    @abstractmethod
    def destroy(self, machine: str) -> None:
        """Destroy a machine and its disk. Idempotent: one that is gone is fine."""
