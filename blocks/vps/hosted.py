"""What every provider with an API has in common: look first, order once, look until it is so."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import Field

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    OutOfStock,
    PermissionDenied,
    ProviderError,
)
from blocks.types import (
    Machine,
    MachineNeeds,
    MachineRequest,
    MachineSize,
    PowerState,
    Room,
)
from blocks.vps.base import VpsProvider
from blocks.vps.choice import HOSTED_NEEDS, fitting, in_stock, room_of
from blocks.vps.cloud_init import user_data
from blocks.vps.labels import OURS
from blocks.vps.patience import LOOKS, Found, patient, taken, wait_for

_SIZES_TRIED = 4
_REFUSALS = (AuthenticationFailed, ConfigurationError, OutOfStock, PermissionDenied)
"""After any other answer to an order nobody knows whether it was taken."""


class HostedVps(VpsProvider, ABC):
    """Make machines through an API whose answers may be lost, late or wrong.

    A provider adds one call a method, each with its own timeout, and its errors. Nothing is ordered
    before all our machines were listed, and an order whose answer was lost is looked for, not
    repeated: so a machine is never made twice.
    """

    debian: Literal["12", "13"] = Field(
        default="12", title="Debian", description="Release of Debian that machines are made of."
    )
    region: str = Field(
        default="", title="Region", description="Where machines are made unless a target says."
    )
    timeout_seconds: float = Field(
        default=20, gt=0, title="Timeout", description="Seconds for each call of the API."
    )
    deadline_seconds: float = Field(
        default=300, gt=0, title="Deadline", description="Seconds until a machine is as asked for."
    )
    poll_seconds: float = Field(
        default=2, gt=0, title="Poll", description="Seconds between two looks at a machine."
    )

    # --- what a provider adds: one call each ---

    @abstractmethod
    def _offers(self, region: str) -> tuple[MachineSize, ...]:
        """Return what can be ordered in this place, with stock where the provider tells it."""

    @abstractmethod
    def _machines(self) -> tuple[Machine, ...]:
        """Return all machines that carry our label, in every place, none that is being deleted."""

    @abstractmethod
    def _order(self, request: MachineRequest, size: MachineSize, region: str, text: str) -> None:
        """Order one machine with our labels and this user data; nobody waits for it here.

        Raises `OutOfStock` for a size without stock and for a quota that is used up.
        """

    @abstractmethod
    def _switch(self, machine: Machine, power: PowerState) -> None:
        """Ask for power on or off; a machine that has it already is fine."""

    @abstractmethod
    def _delete(self, machine: Machine) -> None:
        """Ask for the end of a machine, its disk and its address."""

    def _complete(self, machine: Machine, request: MachineRequest) -> Machine:
        """Do what an order needs in further calls; what has ever run is left as it is."""
        return machine

    def _place(self, region: str) -> str:
        """Return the place to use: the target's, else the block's own."""
        return region or self.region

    # --- what follows for all of them ---

    def release(self) -> str:
        """Return the release of Debian that the block names."""
        return self.debian

    def place(self, region: str = "") -> str:
        """Return the target's region, else the block's own."""
        return self._place(region)

    def sizes(self, region: str = "") -> tuple[MachineSize, ...]:
        """Return the sizes that can be ordered there, smallest first."""
        offers = self._patient(lambda: self._offers(self._place(region)))
        return tuple(sorted(offers, key=lambda each: (each.cores, each.memory, each.name)))

    def candidates(
        self, size: str = "", region: str = "", needs: MachineNeeds | None = None
    ) -> tuple[MachineSize, ...]:
        """Return the sizes that are tried, in this order; at least the study's for no demand."""
        wanted = needs or MachineNeeds()
        if not size and not wanted.cores and not wanted.memory:
            disk = max(wanted.disk, HOSTED_NEEDS.disk)
            wanted = MachineNeeds(HOSTED_NEEDS.cores, HOSTED_NEEDS.memory, disk)
        return fitting(self.sizes(region), size, wanted)[:_SIZES_TRIED]

    def room(self, size: str = "", region: str = "") -> Room:
        """Say what the provider's list tells of the first size that would be tried."""
        return room_of(self.candidates(size, region), size, self._there(region))

    def find(self, tags: Mapping[str, str]) -> tuple[Machine, ...]:
        """Return our machines that carry all these tags (running or not), oldest first."""
        found = [m for m in self._patient(self._machines) if tags.items() <= m.tags.items()]
        return tuple(sorted(found, key=lambda machine: (machine.created_at, machine.id)))

    def create(self, request: MachineRequest) -> Machine:
        """Make a machine, or adopt the one of this name, and return when it runs."""
        made = self._named(request.name)
        if made is None:
            self._order_first_in_stock(request)
            made = self._wait_for(request.name, lambda: self._named(request.name))
        found = made
        made = self._patient(lambda: self._complete(found, request))
        return self._with_power(made, PowerState.ON)

    def power_on(self, machine: str) -> None:
        """Start a machine and wait until it runs. Idempotent. Raises `NotFound`."""
        self._with_power(self._known(machine), PowerState.ON)

    def power_off(self, machine: str) -> None:
        """Cut a machine's power and wait until it is off. Idempotent. Raises `NotFound`."""
        self._with_power(self._known(machine), PowerState.OFF)

    def destroy(self, machine: str) -> None:
        """Destroy a machine and its disk, and wait until it is gone. Idempotent."""
        known = self._by_id(machine)
        if known is None:
            return
        try:
            self._delete(known)
        except NotFound:
            return
        except ContinuityError as error:
            if not error.transient:
                raise

        def gone() -> bool | None:
            left = self._by_id(machine)
            if left is not None:
                taken(lambda: self._delete(left))
            return None if left else True

        self._wait_for(machine, gone)

    def _order_first_in_stock(self, request: MachineRequest) -> None:
        text = user_data(request)
        refused: list[str] = []
        for size in self._affording(request):
            try:
                return self._order_once(request, size, text)
            except OutOfStock as error:
                refused.append(f"{size.name}: {error.cause}")
        raise OutOfStock(
            self._subject(f"machine {request.name}"),
            "; ".join(refused) or "every size that serves is sold out",
            "name another size, region or provider as the server's next target",
        )

    def _affording(self, request: MachineRequest) -> tuple[MachineSize, ...]:
        """Return the sizes to try; a list that calls all of them sold out is believed."""
        offered = self.sizes(request.region)
        found = self.candidates(request.size, request.region, request.needs)
        if request.size and request.size not in [each.name for each in offered]:
            serving = self.candidates("", request.region, request.needs) or offered[:12]
            raise ConfigurationError(
                self._subject(f"size {request.size}"),
                f"is not offered {self._there(request.region) or 'there'}",
                f"choose one of: {', '.join(each.name for each in serving) or 'none'}",
            )
        if not found:
            raise OutOfStock(
                self._subject(f"machine {request.name}"),
                f"no size has what is needed: {_told(request.needs)}",
                "name a larger size, or another provider as the server's next target",
            )
        return in_stock(found)

    def _order_once(self, request: MachineRequest, size: MachineSize, text: str) -> None:
        """Order; unless it was clearly refused, look whether it was taken."""
        try:
            self._order(request, size, self._place(request.region), text)
        except ContinuityError as error:
            if isinstance(error, _REFUSALS):
                raise
            # Lists lag behind orders: what is not there at once may be there in a moment.
            for _ in range(LOOKS):
                if self._named(request.name) is not None:
                    return
                time.sleep(self.poll_seconds)
            raise

    def _named(self, name: str) -> Machine | None:
        found = [each for each in self._patient(self._machines) if each.name == name]
        if len(found) > 1:
            raise ProviderError(
                self._subject(f"machine {name}"),
                f"is there {len(found)} times: {', '.join(each.id for each in found)}",
                "destroy those that are not wanted at the provider, then run it again",
            )
        return found[0] if found else None

    def _known(self, machine: str) -> Machine:
        known = self._by_id(machine)
        if known is None:
            raise NotFound(
                self._subject(f"machine {machine}"),
                "does not exist, or does not carry our label",
                f"look for the label {'='.join(OURS)} at the provider",
            )
        return known

    def _by_id(self, machine: str) -> Machine | None:
        return next((each for each in self._patient(self._machines) if each.id == machine), None)

    def _with_power(self, machine: Machine, power: PowerState) -> Machine:
        """Return the machine once it has this power; one that runs has an address, too."""

        def reached() -> Machine | None:
            now = self._known(machine.id)
            return now if now.power is power and (now.address or power is PowerState.OFF) else None

        now = self._patient(reached)
        if now is not None:
            return now
        pressed = taken(lambda: self._switch(machine, power))

        def look() -> Machine | None:
            nonlocal pressed
            now = reached()
            # Refused while another action ran: without asking again it would never happen.
            pressed = pressed or now is not None or taken(lambda: self._switch(machine, power))
            return now

        return self._wait_for(machine.id, look)

    def _wait_for(self, what: str, look: Callable[[], Found | None]) -> Found:
        subject = self._subject(f"machine {what}")
        return wait_for(subject, look, self.deadline_seconds, self.poll_seconds)

    def _patient(self, look: Callable[[], Found]) -> Found:
        return patient(look, self.poll_seconds)

    def _unreadable(self, doing: str, error: Exception) -> ProviderError:
        """Return the error for an answer whose shape the provider's client does not know."""
        return ProviderError(
            self._subject("the API"),
            f"gave an answer that cannot be read when asked to {doing}: "
            f"{type(error).__name__}: {error}",
            "has the provider changed its API? update its client, then run the contract tests",
        )

    def _subject(self, what: str) -> str:
        return f"{what} at {self.reference}"

    @property
    def reference(self) -> str:
        """The block's reference `type/name`."""
        return f"{self._block_type_slug}/{self._block_document_name or 'unsaved'}"

    def _there(self, region: str) -> str:
        place = self._place(region)
        return f"à {place}" if place else ""


def _told(needs: MachineNeeds) -> str:
    gib = 1024**3
    return f"{needs.cores} cores, {needs.memory / gib:.0f} GiB, {needs.disk / 10**9:.0f} GB of disk"
