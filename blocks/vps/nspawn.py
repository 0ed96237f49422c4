"""Machines on this very host: systemd-nspawn with a whole Debian, for the lab and for drills."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from getpass import getuser
from ipaddress import IPv4Address
from os import geteuid
from pathlib import Path
from socket import gethostname

from pydantic import Field

from blocks.errors import ConfigurationError, NotFound, OutOfStock
from blocks.types import Access, Machine, MachineRequest, MachineSize, PowerState, Room, Stock
from blocks.vps.base import VpsProvider
from blocks.vps.nspawn_files import Network
from blocks.vps.nspawn_launch import free_disk, release_of
from blocks.vps.nspawn_machine import Hypervisor
from blocks.vps.nspawn_record import MachineRecord, check_name

_GIB = 1024**3
_LEAST_DISK = 2 * _GIB
"""What the packages of a restored server take above its image."""
_FREE = Decimal(0)
"""Nobody bills for a machine on a host that is paid anyway."""
_SIZES = (
    MachineSize("small", cores=1, memory=_GIB, disk=20 * _GIB, price=_FREE, currency="EUR"),
    MachineSize("standard", cores=2, memory=2 * _GIB, disk=40 * _GIB, price=_FREE, currency="EUR"),
)


class NspawnVps(VpsProvider):
    """Make machines on this host with systemd-nspawn. Needs root.

    A size is only a name here: nothing limits a machine's cores, memory or disk but the host.

    Example:
        ```python
        from blocks.vps.nspawn import NspawnVps

        provider = NspawnVps.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "nspawn VPS provider"
    _block_type_slug = "nspawn-vps"
    _description = "Machines on this very host, made with systemd-nspawn."

    state_directory: str = Field(
        title="State directory", description="Folder that holds the machines' disks and records."
    )
    image: str = Field(title="Image", description="Root file system that new machines start from.")
    namespace: str = Field(
        title="Namespace", description="Network namespace that holds the bridge."
    )
    bridge: str = Field(
        default="br0", title="Bridge", description="Bridge that machines are joined to."
    )
    prefix_length: int = Field(
        default=24,
        ge=8,
        le=30,
        title="Prefix length",
        description="Length of the network's prefix.",
    )
    first_address: str = Field(
        title="First address", description="First IPv4 address for new machines."
    )
    last_address: str = Field(
        title="Last address", description="Last IPv4 address for new machines."
    )
    resolver: str = Field(title="Resolver", description="Address of the machines' DNS resolver.")
    gateway: str = Field(
        default="", title="Gateway", description="Default route of the machines; empty for none."
    )
    apt_proxy: str = Field(
        default="", title="Apt proxy", description="URL of an apt cache; empty for none."
    )
    boot_seconds: float = Field(
        default=20, gt=0, title="Boot seconds", description="Time a machine has until SSH answers."
    )
    floating_addresses: list[str] = Field(
        default_factory=list,
        title="Floating addresses",
        description="IPv4 addresses of the network that may be led from one machine to another.",
    )

    @property
    def hypervisor(self) -> Hypervisor:
        """This host as the fields describe it."""
        return Hypervisor(
            state=Path(self.state_directory),
            namespace=self.namespace,
            bridge=self.bridge,
            network=Network(self.prefix_length, self.resolver, self.gateway, self.apt_proxy),
        )

    def sizes(self, region: str = "") -> tuple[MachineSize, ...]:
        """Return the names of sizes; they are labels, not limits."""
        return _SIZES

    def access(self) -> Access:
        """Say who runs this program: machines on this host need root."""
        who = f"{getuser()} sur {gethostname()}"
        may = ("créer, allumer, éteindre et détruire des machines sur cet hôte",)
        return Access(who, may) if geteuid() == 0 else Access(who, missing=(f"root : {may[0]}",))

    def release(self) -> str:
        """Return the release that the image says it is of, "" if it does not exist yet."""
        return release_of(Path(self.image))

    def room(self, size: str = "", region: str = "") -> Room:
        """Look for a free address, an image and space on this host; a place has no meaning here."""
        if size and size not in [each.name for each in _SIZES]:
            return Room(Stock.SOLD_OUT, f"la taille {size} n'est pas proposée")
        if not self.release():
            return Room(Stock.SOLD_OUT, f"l'image {self.image} n'existe pas")
        left = len(self._free_addresses({each.address for each in self.hypervisor.records()}))
        disk = free_disk(Path(self.state_directory))
        space = f"{disk / _GIB:.0f} Gio libres sur l'hôte"
        enough = left > 0 and disk >= _LEAST_DISK
        told = f"{left} adresse{'s' if left > 1 else ''} libre{'s' if left > 1 else ''}, {space}"
        return Room(Stock.AVAILABLE if enough else Stock.SOLD_OUT, told, left, disk)

    def find(self, tags: Mapping[str, str]) -> tuple[Machine, ...]:
        """Return our machines that carry all these tags (running or not), oldest first."""
        return tuple(
            self._machine(record)
            for record in self.hypervisor.records()
            if tags.items() <= record.tags.items()
        )

    def create(self, request: MachineRequest) -> Machine:
        """Make a machine, or adopt the one of this name, and return when its SSH server greets."""
        return self.create_at(request, address="", image=self.image)

    def create_at(self, request: MachineRequest, *, address: str, image: str) -> Machine:
        """Make a machine from a given image, at a given address ("" for one of the pool)."""
        check_name(request.name)
        self._check_size(request.size)

        def make(others: tuple[MachineRecord, ...]) -> MachineRecord:
            return MachineRecord(
                id=request.name,
                address=address or self._free_address({other.address for other in others}),
                image=str(Path(image).resolve()),
                tags=dict(request.tags),
                host_key=request.host_key.public,
                created_at=datetime.now(UTC),
                expires_at=request.expires_at,
            )

        machine = self.hypervisor.claim(request.name, make).id
        self.hypervisor.prepare(machine, request.host_key, request.authorized_key)
        self.power_on(machine)
        return self._machine(self.hypervisor.record(machine))

    def power_on(self, machine: str) -> None:
        """Start a machine and wait until its SSH server greets. Idempotent. Raises `NotFound`."""
        self.hypervisor.boot(machine)
        self.hypervisor.wait_for_ssh(machine, seconds=self.boot_seconds)

    def power_off(self, machine: str) -> None:
        """Kill all of a machine's processes at once. Idempotent. Raises `NotFound`."""
        self.hypervisor.record(machine)
        self.hypervisor.kill(machine)

    def destroy(self, machine: str) -> None:
        """Destroy a machine and its disk. Idempotent: one that is gone is fine."""
        check_name(machine)
        self.hypervisor.delete(machine)

    def address_holder(self, address: str) -> str:
        """Return the machine that a floating address leads to, "" for none. Raises `NotFound`."""
        self._check_address(address)
        return self.hypervisor.holder(address)

    def move_address(self, address: str, machine: str) -> None:
        """Let the bridge lead a floating address to this machine only. Raises `NotFound`."""
        check_name(machine)
        self._check_address(address)
        self.hypervisor.lead(address, machine)

    def _check_address(self, address: str) -> None:
        if address not in self.floating_addresses:
            raise NotFound(
                f"address {address}",
                f"is none that moves here; known: {', '.join(self.floating_addresses) or 'none'}",
                "add it to the provider's floating_addresses in the estate file",
            )

    def _machine(self, record: MachineRecord) -> Machine:
        running = self.hypervisor.running(record.id)
        return Machine(
            id=record.id,
            name=record.id,
            provider=f"{self._block_type_slug}/{self._block_document_name or 'unsaved'}",
            address=record.address,
            power=PowerState.ON if running else PowerState.OFF,
            tags=dict(record.tags),
            host_key=record.host_key,
            created_at=record.created_at,
            expires_at=record.expires_at,
        )

    def _free_address(self, used: set[str]) -> str:
        free = self._free_addresses(used)
        if free:
            return free[0]
        raise OutOfStock(
            f"provider {self._block_document_name or self.namespace}",
            f"all addresses from {self.first_address} to {self.last_address} are taken",
            "destroy machines that are not needed: continuity status",
        )

    def _free_addresses(self, used: set[str]) -> list[str]:
        first, last = IPv4Address(self.first_address), IPv4Address(self.last_address)
        pool = (str(IPv4Address(number)) for number in range(int(first), int(last) + 1))
        taken = used | {*self.floating_addresses}
        return [address for address in pool if address not in taken]

    def _check_size(self, size: str) -> None:
        known = [each.name for each in _SIZES]
        if size and size not in known:
            raise ConfigurationError(
                f"size {size}", "is not offered on this host", f"choose one of: {', '.join(known)}"
            )
