"""A provider whose machines are only written down; held to the same suite as the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import Field, PrivateAttr

from blocks.errors import ConfigurationError, ContinuityError, NotFound, OutOfStock
from blocks.types import (
    Access,
    FloatingAddress,
    Machine,
    MachineRequest,
    MachineSize,
    PowerState,
    Room,
    Stock,
)
from blocks.vps.base import VpsProvider

_GIB = 1024**3


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryVps(VpsProvider):
    """Keep machines in memory.

    `fail_next` makes the next call of a method raise; `after_effect` makes the next `create` raise
    after the machine was made, as a call that timed out would.

    Example:
        ```python
        from tests.fakes.memory_vps import MemoryVps

        provider = MemoryVps.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Memory VPS provider"
    _block_type_slug = "memory-vps"
    _description = "Machines that are only written down, for tests."

    capacity: int = Field(default=100, title="Capacity", description="Machines there is room for.")

    silent_on_stock: bool = Field(
        default=False, title="Silent on stock", description="Whether it does not tell its stock."
    )
    hour: Decimal | None = Field(
        default=Decimal("0.10"),
        title="Hour",
        description="Price of an hour; None: unsaid.",
    )

    debian: str = Field(default="", title="Debian", description="Release of new machines.")

    _machines: dict[str, Machine] = PrivateAttr(default_factory=dict)
    _clock: Callable[[], datetime] = PrivateAttr(default_factory=lambda: _utc_now)
    _fail_next: dict[str, ContinuityError] = PrivateAttr(default_factory=dict)
    _after_effect: ContinuityError | None = PrivateAttr(default=None)
    _calls: list[tuple[str, str]] = PrivateAttr(default_factory=list)
    _made: Callable[[str], object] | None = PrivateAttr(default=None)
    _floating: dict[str, FloatingAddress] = PrivateAttr(default_factory=dict)
    _moved: Callable[[str, str], object] | None = PrivateAttr(default=None)

    def fail_next(self, method: str, error: ContinuityError) -> None:
        """Make the next call of the method raise, before it does anything."""
        self._fail_next[method] = error

    def fail_after_create(self, error: ContinuityError) -> None:
        """Make the next `create` raise although the machine was made."""
        self._after_effect = error

    def when_made(self, tell: Callable[[str], object]) -> None:
        """Tell of the address of each new machine: what stood there before is gone."""
        self._made = tell

    def give_address(self, address: str, region: str = "", holder: str = "") -> None:
        """Let there be an address that can be moved, of this region, leading to this machine."""
        self._floating[address] = FloatingAddress(address, address, region, holder)

    def when_moved(self, tell: Callable[[str, str], object]) -> None:
        """Tell of each move: the address, and the address of the machine that it now leads to."""
        self._moved = tell

    def set_clock(self, clock: Callable[[], datetime]) -> None:
        """Take the time of creation from this clock."""
        self._clock = clock

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Method and machine of each changing call so far."""
        return tuple(self._calls)

    def sizes(self, region: str = "") -> tuple[MachineSize, ...]:
        return (
            MachineSize("small", 1, _GIB, 20 * _GIB, self.hour, "EUR" if self.hour else ""),
            MachineSize("standard", 2, 2 * _GIB, 40 * _GIB, self.hour, "EUR" if self.hour else ""),
        )

    def access(self) -> Access:
        self._maybe_fail("access")
        return Access("mémoire", ("créer et détruire des machines",))

    def release(self) -> str:
        return self.debian

    def room(self, size: str = "", region: str = "") -> Room:
        self._maybe_fail("room")
        if size and size not in [each.name for each in self.sizes()]:
            return Room(Stock.SOLD_OUT, f"la taille {size} n'est pas proposée")
        if self.silent_on_stock:
            return super().room(size, region)
        left = self.capacity - len(self._machines)
        stock = Stock.AVAILABLE if left > 0 else Stock.SOLD_OUT
        return Room(stock, f"encore {left} en mémoire", left)

    def find(self, tags: Mapping[str, str]) -> tuple[Machine, ...]:
        self._maybe_fail("find")
        found = [each for each in self._machines.values() if tags.items() <= each.tags.items()]
        return tuple(sorted(found, key=lambda machine: machine.created_at))

    def create(self, request: MachineRequest) -> Machine:
        self._begin("create", request.name)
        if request.size and request.size not in [size.name for size in self.sizes()]:
            raise ConfigurationError(f"size {request.size}", "is not offered", "see sizes()")
        if request.name in self._machines:
            return self._set_power(request.name, PowerState.ON)
        if len(self._machines) >= self.capacity:
            raise OutOfStock("memory provider", "no room", "destroy machines that are not needed")
        made = Machine(
            id=request.name,
            name=request.name,
            provider=f"memory-vps/{self._block_document_name or 'unsaved'}",
            address=self._free_address(),
            power=PowerState.ON,
            tags=dict(request.tags),
            host_key=request.host_key.public,
            # Two machines are never of one age, so that "oldest first" is one order.
            created_at=self._clock() + timedelta(microseconds=len(self._machines)),
            expires_at=request.expires_at,
            region=request.region,
        )
        self._machines[made.id] = made
        if self._made:
            self._made(made.address)
        if self._after_effect:
            error, self._after_effect = self._after_effect, None
            raise error
        return made

    def power_on(self, machine: str) -> None:
        self._begin("power_on", machine)
        self._set_power(machine, PowerState.ON)

    def power_off(self, machine: str) -> None:
        self._begin("power_off", machine)
        self._set_power(machine, PowerState.OFF)

    def destroy(self, machine: str) -> None:
        self._begin("destroy", machine)
        self._machines.pop(machine, None)

    def address_holder(self, address: str) -> str:
        self._maybe_fail("address_holder")
        held = self._floating_address(address).holder
        return held if held in self._machines else ""

    def move_address(self, address: str, machine: str) -> None:
        self._begin("move_address", machine)
        floating = self._floating_address(address)
        there = self._machines.get(machine)
        if there is None:
            raise NotFound(f"machine {machine}", "does not exist", "look at find({})")
        if floating.region != there.region:
            raise ConfigurationError(
                f"address {address}", f"lies in {floating.region}", "correct `floating`"
            )
        self._floating[address] = replace(floating, holder=machine)
        if self._moved:
            self._moved(address, there.address)

    def _floating_address(self, address: str) -> FloatingAddress:
        if address not in self._floating:
            raise NotFound(f"address {address}", "is none of ours", "correct `floating`")
        return self._floating[address]

    def _set_power(self, machine: str, power: PowerState) -> Machine:
        if machine not in self._machines:
            raise NotFound(f"machine {machine}", "does not exist", "look at find({})")
        self._machines[machine] = replace(self._machines[machine], power=power)
        return self._machines[machine]

    def _free_address(self) -> str:
        used = {each.address for each in self._machines.values()}
        return next(
            address
            for number in range(1, self.capacity + 1)
            if (address := f"192.0.2.{number}") not in used
        )

    def _begin(self, method: str, machine: str) -> None:
        self._maybe_fail(method)
        self._calls.append((method, machine))

    def _maybe_fail(self, method: str) -> None:
        if error := self._fail_next.pop(method, None):
            raise error
