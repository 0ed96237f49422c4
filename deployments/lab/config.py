"""Where one lab lives: its name, network and folders. Labs of two names run side by side."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from blocks.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path("/var/cache/omniweb-continuity")


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab.

    Attributes:
        name: Lower case, at most 8 characters: it is part of interface names.
        network: A /24 that exists only in the lab's own network namespace.
        state: Everything that belongs to this lab and may be deleted with it.
    """

    name: str
    network: IPv4Network
    state: Path

    def address(self, host: int) -> str:
        """Return the address with this last number."""
        return str(self.network.network_address + host)

    @property
    def namespace(self) -> str:
        """Name of the network namespace that holds the bridge and the control services."""
        return f"omw-{self.name}"

    @property
    def operator(self) -> str:
        """This machine's own address on the lab network (outside the namespace)."""
        return self.address(1)

    @property
    def control(self) -> str:
        """Address of Prefect, Slack and mail: processes inside the lab's namespace."""
        return self.address(2)

    @property
    def storage(self) -> str:
        """Address of the object storage machine."""
        return self.address(3)

    @property
    def second_storage(self) -> str:
        """Address of the second object store, at "another provider"."""
        return self.address(6)

    @property
    def names(self) -> str:
        """Address of the authoritative DNS server."""
        return self.address(4)

    @property
    def resolver(self) -> str:
        """Address of the caching resolver that visitors use."""
        return self.address(5)

    @property
    def production(self) -> str:
        """Address of the production server web1."""
        return self.address(10)

    @property
    def pool(self) -> tuple[IPv4Address, IPv4Address]:
        """First and last address that the provider gives to new machines."""
        return self.network.network_address + 100, self.network.network_address + 199

    @property
    def pool13(self) -> tuple[IPv4Address, IPv4Address]:
        """The same for the provider of Debian 13."""
        return self.network.network_address + 200, self.network.network_address + 229

    @property
    def secrets(self) -> Path:
        """Folder of the lab's secrets, one value a file."""
        return self.state / "secrets"

    @property
    def logs(self) -> Path:
        """Folder of the logs of the lab's processes."""
        return self.state / "logs"

    def secret(self, name: str) -> str:
        """Return one secret's value."""
        return (self.secrets / name).read_text().strip()


def current() -> Lab:
    """Return the lab named by CONTINUITY_LAB (default `lab`), in CONTINUITY_LAB_NETWORK."""
    name = os.environ.get("CONTINUITY_LAB", "lab")
    network = os.environ.get("CONTINUITY_LAB_NETWORK", "10.89.0.0/24")
    if not re.fullmatch("[a-z][a-z0-9]{0,7}", name):
        raise ConfigurationError(
            f"lab {name!r}",
            "its name is not made of at most 8 lower-case letters and digits",
            "CONTINUITY_LAB=trial script/lab up",
        )
    if not network.endswith(".0/24"):
        raise ConfigurationError(
            f"network {network}",
            "is not a /24",
            "CONTINUITY_LAB_NETWORK=10.89.1.0/24 script/lab up",
        )
    return Lab(name=name, network=IPv4Network(network), state=ROOT / "var" / "lab" / name)
