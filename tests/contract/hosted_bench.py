"""What a provider with an API must offer to the suites of `VpsProvider`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from blocks.servers.host_key import new_host_key
from blocks.types import HostKey, MachineRequest
from blocks.vps.hosted import HostedVps
from tests.fakes.http_service import HttpService

KEYS = new_host_key(), new_host_key()
LOGIN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" + "A" * 42
FAST = {"poll_seconds": 0.01, "timeout_seconds": 0.4, "deadline_seconds": 5}
"""Fields of a provider whose API is on the loopback."""


def asked(name: str = "drill-i1", key: HostKey = KEYS[0], **changes: object) -> MachineRequest:
    """Return a drill's request."""
    tags = {"managed-by": "continuity", "purpose": "drill", "incident": "i1", "server": "web1"}
    request = MachineRequest(name, tags, "", "", LOGIN, key)
    return replace(request, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Offer:
    """Names of sizes: `small` lacks what is needed by default, the others are in price order."""

    small: str
    cheapest: str
    next: str


class HostedBench(ABC):
    """A provider's block over its fake, and how to give the fake a bad day."""

    provider: HostedVps
    service: HttpService
    """Where the block's requests arrive."""
    offer: Offer
    order: str
    """Pattern of the request that orders a machine, searched in its words."""
    look: str
    """Pattern of a request that lists our machines."""
    end: str
    """Pattern of the request that destroys a machine."""
    right: str
    """What the error must name when the token lacks the right to order."""
    secret: str
    """What may never be part of an error."""
    currency = "EUR"
    keeps_address = True
    """Whether a machine that is started again has the address that it had."""
    lead: str = ""
    """Pattern of the request that leads an address to a machine; "" if there are none there."""

    lead_right: str = ""
    """What the error must name when the right to lead an address is missing; "" for `right`."""
    keeps_own_address = True
    """Whether a machine that an address is led to is still seen at its own."""

    @abstractmethod
    def sell_out(self, *sizes: str, told: bool = True) -> None:
        """Let these sizes be sold out; without `told` the list still calls them available."""

    @abstractmethod
    def limit(self, machines: int) -> None:
        """Let the quota be so many machines."""

    @abstractmethod
    def take_right(self) -> None:
        """Let the token no longer be allowed to order."""

    @abstractmethod
    def expire(self) -> None:
        """Let the credentials be refused."""

    @abstractmethod
    def stranger(self) -> None:
        """Make a machine that is not ours."""

    @abstractmethod
    def user_data(self, name: str) -> str:
        """Return the user data that a machine was made with."""

    @abstractmethod
    def machines(self) -> int:
        """Return how many machines there are, the strangers' included."""

    def leftovers(self) -> tuple[str, ...]:
        """Return what would still be billed when no machine is left: disks, addresses."""
        return ()

    def give_address(self, address: str, *, elsewhere: bool = False) -> None:
        """Order a floating address that leads nowhere, in the machines' region or another one."""
        raise NotImplementedError
