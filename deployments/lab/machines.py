"""The lab's own machines, made by the same provider as those of a recovery."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

from blocks.errors import ConfigurationError
from blocks.types import Machine, MachineRequest
from blocks.vps.nspawn import NspawnVps
from deployments.lab import apt_cache, images, network
from deployments.lab.config import Lab
from deployments.lab.secrets import host_key

TAGS = {"managed-by": "continuity-lab", "purpose": "lab", "incident": ""}
"""Never `managed-by: continuity`: the sweep after a drill must not see these machines."""


def state(lab: Lab) -> Path:
    """Return the folder of all machines, those of recoveries included."""
    return lab.state / "machines"


def provider(lab: Lab) -> NspawnVps:
    """Return this machine as the provider that the lab's estate names."""
    first, last = lab.pool
    return NspawnVps(
        state_directory=str(state(lab)),
        image=str(images.path("base")),
        namespace=lab.namespace,
        bridge=network.BRIDGE,
        prefix_length=lab.network.prefixlen,
        first_address=str(first),
        last_address=str(last),
        resolver=lab.resolver,
        apt_proxy=apt_cache.url(lab),
    )


def provider13(lab: Lab) -> NspawnVps:
    """Return this machine as a provider that has Debian 13 only (`script/lab image base13`).

    Its machines are apart: two providers never show the same machine.
    """
    first, last = lab.pool13
    fields = {
        "state_directory": str(lab.state / "machines13"),
        "image": str(images.path("base13")),
        "first_address": str(first),
        "last_address": str(last),
    }
    return provider(lab).model_copy(update=fields)


def start(
    lab: Lab, name: str, image: str, address: str, tell: Callable[[str], None] = print
) -> Machine:
    """Return the running machine, made and booted if needed, when its SSH server greets."""
    if IPv4Address(address) not in lab.network:
        raise ConfigurationError(
            f"address {address}",
            f"is not in this lab's network {lab.network}",
            "choose one there, or name your lab by CONTINUITY_LAB and CONTINUITY_LAB_NETWORK",
        )
    request = MachineRequest(
        name=name,
        tags={**TAGS, "server": name},
        size="",
        region="",
        authorized_key=lab.secret("ssh-key.pub"),
        host_key=host_key(lab, name),
    )
    built = images.build(image, tell)
    return provider(lab).create_at(request, address=address, image=str(built))


def shown_host_key(lab: Lab, name: str) -> str:
    """Return the host key that lies on the machine's disk: a recovery lets it make another."""
    return (state(lab) / name / "upper/etc/ssh/ssh_host_ed25519_key.pub").read_text().strip()


def destroy(lab: Lab, name: str) -> None:
    """Kill a machine at once and delete its disk: the disaster. Raises `NotFound`."""
    place = provider(lab)
    place.hypervisor.record(name)
    place.destroy(name)
