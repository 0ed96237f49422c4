"""The lab's own network: a namespace with a bridge and no way out, and a cable to this machine.

                     namespace omw-<lab>
    machines ──────── br0 (.2, control) ──── uplink ═══ omw-<lab> (.1, this machine)

Nothing in the namespace has a default route. This machine has one more route, `unreachable`, so
that packets for the lab never leave through its own default route while the lab is down.
"""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Network
from typing import Any

from blocks.errors import ConfigurationError, ProviderError
from deployments.lab.config import Lab

BRIDGE = "br0"
_WORST_METRIC = "4294967295"


def up(lab: Lab) -> None:
    """Make what is missing of the network. Idempotent."""
    _check_free(lab)
    _ip("route", "replace", "unreachable", str(lab.network), "metric", _WORST_METRIC)
    if lab.namespace not in _namespaces():
        _ip("netns", "add", lab.namespace)
    inside = ("-n", lab.namespace)
    _ip(*inside, "link", "set", "lo", "up")
    if not _exists(BRIDGE, *inside):
        # A fixed hardware address: else a bridge changes it whenever a machine joins or leaves.
        _ip(*inside, "link", "add", BRIDGE, "address", "02:00:00:00:00:02", "type", "bridge")
    _address(BRIDGE, lab.control, lab.network, *inside)
    if not _exists(lab.namespace):
        peer = ("peer", "name", "uplink", "netns", lab.namespace)
        _ip("link", "add", lab.namespace, "type", "veth", *peer)
    _ip(*inside, "link", "set", "uplink", "master", BRIDGE, "up")
    _address(lab.namespace, lab.operator, lab.network)


def add_address(lab: Lab, address: str) -> None:
    """Let processes in the lab's namespace answer at one more address. Idempotent."""
    _address(BRIDGE, address, lab.network, "-n", lab.namespace)


def down(lab: Lab) -> None:
    """Remove the network; the `unreachable` route goes last. Idempotent."""
    if _exists(lab.namespace):
        _ip("link", "delete", lab.namespace)
    if lab.namespace in _namespaces():
        _ip("netns", "delete", lab.namespace)
    if _ask("route", "show", "type", "unreachable", str(lab.network)):
        _ip("route", "delete", "unreachable", str(lab.network), "metric", _WORST_METRIC)


def is_up(lab: Lab) -> bool:
    """Return whether the namespace and the cable to it are there."""
    return lab.namespace in _namespaces() and _exists(lab.namespace)


def processes(lab: Lab) -> tuple[int, ...]:
    """Return the processes in the lab's namespace (those of its machines have their own)."""
    if lab.namespace not in _namespaces():
        return ()
    return tuple(int(word) for word in _ip("netns", "pids", lab.namespace).split())


def _address(device: str, address: str, network: IPv4Network, *where: str) -> None:
    _ip(*where, "link", "set", device, "up")
    _ip(*where, "address", "replace", f"{address}/{network.prefixlen}", "dev", device)


def _check_free(lab: Lab) -> None:
    for entry in _ask("address"):
        for given in entry["addr_info"] if entry["ifname"] != lab.namespace else ():
            if given["family"] != "inet":
                continue
            taken = IPv4Network(f"{given['local']}/{given['prefixlen']}", strict=False)
            if taken.overlaps(lab.network):
                raise ConfigurationError(
                    f"network {lab.network}",
                    f"is in use by interface {entry['ifname']}",
                    "choose another: CONTINUITY_LAB_NETWORK=10.89.1.0/24 script/lab up",
                )


def _namespaces() -> set[str]:
    return {entry["name"] for entry in _ask("netns", "list")}


def _exists(device: str, *where: str) -> bool:
    return any(entry["ifname"] == device for entry in _ask(*where, "link"))


def _ask(*words: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = json.loads(_ip("-json", *words) or "[]")
    return answer


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise ProviderError(
            f"command ip {' '.join(words)}", done.stderr.strip(), "script/lab down, as root"
        )
    return done.stdout
