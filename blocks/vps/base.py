"""A provider that makes machines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from prefect.blocks.core import Block

from blocks.errors import Unsupported
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

    # --- addresses that move between machines of one place; only some providers have them ---

    @classmethod
    def moves_addresses(cls) -> bool:
        """Return whether providers of this kind can lead an address to another machine."""
        return cls.move_address is not VpsProvider.move_address

    def place(self, region: str = "") -> str:
        """Return where a request with this region would be made, as `Machine.region` names it.

        Answers from what this block knows, without asking the provider.
        """
        return region

    def address_holder(self, address: str) -> str:
        """Return the id of the machine that a floating address leads to, "" for none of ours.

        Changes nothing. Raises `NotFound` for an address that is not ours at this provider,
        `Unsupported` from a provider that moves none.
        """
        raise self._moves_none(address)

    def move_address(self, address: str, machine: str) -> None:
        """Lead a floating address to this machine, and to no other one any more. Idempotent.

        The machine must be told of its address, too: `Server.take_address`. Raises `NotFound` for
        a machine or an address that is not ours at this provider, `ConfigurationError` for an
        address of another region, `Unsupported` from a provider that moves none.
        """
        raise self._moves_none(address)

    def address_inside(self, address: str, machine: str) -> str:
        """Return the address that a machine must have so that a floating one arrives there.

        The floating address itself, or what its provider translates it to; "" if nothing is to be
        done in the machine. Ask after `move_address`.
        """
        return address

    def _moves_none(self, address: str) -> Unsupported:
        return Unsupported(
            f"address {address}",
            f"cannot be moved: {self._block_type_name} leads no address to another machine",
            "remove `floating` from the server in the estate file: its names then follow by DNS",
        )
