"""The files in which a machine of this host differs from its image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from blocks.types import HostKey
from blocks.vps.nspawn_record import MachineRecord, write

_PRIVATE_FOLDERS = {"root": 0o700, "root/.ssh": 0o700}


@dataclass(frozen=True, slots=True)
class Network:
    """What machines are told of their network.

    Attributes:
        gateway: Default route of the machines, "" for none.
        apt_proxy: URL of an apt cache, "" for none.
    """

    prefix_length: int
    resolver: str
    gateway: str = ""
    apt_proxy: str = ""


def own_files(
    record: MachineRecord, host_key: HostKey, authorized_key: str, network: Network
) -> dict[str, tuple[str, int]]:
    """Return what differs from the image: path, text and mode."""
    settings = f"[Match]\nName=host0\n[Link]\nMACAddress={hardware_address(record.address)}\n"
    settings += f"[Network]\nAddress={record.address}/{network.prefix_length}\n"
    settings += "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    settings += f"Gateway={network.gateway}\n" if network.gateway else ""
    hosts = f"127.0.0.1 localhost\n{record.address} {record.id}\n"
    proxy = "".join(
        f'Acquire::{kind}::Proxy "{network.apt_proxy}";\n' for kind in ("http", "https")
    )
    key = "etc/ssh/ssh_host_ed25519_key"
    files = {
        "etc/hostname": (f"{record.id}\n", 0o644),
        "etc/hosts": (hosts, 0o644),
        "etc/resolv.conf": (f"nameserver {network.resolver}\noptions timeout:2\n", 0o644),
        "etc/systemd/network/10-host0.network": (settings, 0o644),
        key: (host_key.private.strip() + "\n", 0o600),
        f"{key}.pub": (host_key.public.strip() + "\n", 0o644),
        "root/.ssh/authorized_keys": (authorized_key.strip() + "\n", 0o600),
    }
    return files | ({"etc/apt/apt.conf.d/00proxy": (proxy, 0o644)} if network.apt_proxy else {})


def place(top: Path, name: str, text: str, mode: int) -> None:
    """Write a file below an overlay's upper folder; its folders' modes hide those of the image."""
    top.mkdir(mode=0o755, exist_ok=True)
    for folder in reversed(Path(name).parents[:-1]):
        (top / folder).mkdir(exist_ok=True)
        (top / folder).chmod(_PRIVATE_FOLDERS.get(str(folder), 0o755))
    write(top / name, text, mode)


def hardware_address(address: str) -> str:
    """Return a MAC that follows from the address, so that no neighbour's table is ever wrong."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))
