"""Instances of Scaleway, on block volumes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from blocks.errors import ConfigurationError
from blocks.types import (
    Access,
    FloatingAddress,
    Machine,
    MachineRequest,
    MachineSize,
    PowerState,
)
from blocks.vps.cloud_init import user_data
from blocks.vps.floating import FloatingVps
from blocks.vps.labels import OURS, expiry_in, host_key_in, labels_of, tags_in
from blocks.vps.scaleway_addresses import floating, own

if TYPE_CHECKING:
    from blocks.vps.scaleway_client import Scaleway

_IMAGES = {"12": "debian_bookworm", "13": "debian_trixie"}
_CLOUD_INIT = "cloud-init"
_ACTIONS = {
    PowerState.ON: ("poweron", "starting", "running"),
    PowerState.OFF: ("poweroff", "stopping", "stopped", "stopped in place"),
}
"""What to ask for, and the states in which it was asked for already."""


class ScalewayVps(FloatingVps):
    """Make instances in one project of Scaleway.

    An instance is ordered stopped; its address and user data follow in calls of their own, and only
    one that has both is started. A run that was killed between them is finished by the next one.
    The address is a flexible one: it stays when the instance is stopped.

    Example:
        ```python
        from blocks.vps.scaleway import ScalewayVps

        provider = ScalewayVps.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Scaleway"
    _block_type_slug = "scaleway-vps"
    _description = "Instances in one project of Scaleway."

    access_key: str = Field(title="Access key", description="Id of the API key: SCW...")
    secret_key: SecretStr = Field(title="Secret key", description="Secret of the API key.")
    project: str = Field(title="Project", description="Id of the project for the machines.")
    region: str = Field(
        default="fr-par-2",
        title="Zone",
        description="Zone of machines unless a target says, such as fr-par-1 or nl-ams-1.",
    )
    zones: list[str] = Field(
        default=["fr-par-1", "fr-par-2", "nl-ams-1"],
        title="Zones",
        description="All zones where machines may be made; our own are looked for in each.",
    )
    api_url: str = Field(
        default="https://api.scaleway.com", title="API URL", description="Where the API is."
    )

    def access(self) -> Access:
        """Ask whose the API key is, and list the instances of the project."""
        with self._api("read the API key") as api:
            key = api.iam.get_api_key(access_key=self.access_key)
        seen = len(self._patient(self._machines))
        until = f", expire le {key.expires_at:%d/%m/%Y}" if key.expires_at else ""
        owner = f"application {key.application_id}" if key.application_id else "une personne"
        return Access(
            who=f"clé {self.access_key} ({owner}{until}), projet {self.project}",
            may=(f"lire les instances ({seen} à nous)", "lire sa clé d'API"),
            unseen=("créer et détruire : se prouve par un exercice",),
        )

    def _offers(self, region: str) -> tuple[MachineSize, ...]:
        from blocks.vps.scaleway_offers import offers  # noqa: PLC0415 - as in `_api`

        with self._api(f"list instance types in {region}") as api:
            return offers(api, region)

    @property
    def _places(self) -> list[str]:
        return list(dict.fromkeys([self.region, *self.zones]))

    def _machines(self) -> tuple[Machine, ...]:
        found: list[Machine] = []
        for zone in self._places:
            with self._api(f"list instances in {zone}") as api:
                servers = api.instance.list_servers_all(
                    zone=zone, project=self.project, tags=["=".join(OURS)]
                )
                found += [self._machine(each) for each in servers]
        return tuple(found)

    def _order(self, request: MachineRequest, size: MachineSize, region: str, text: str) -> None:
        from scaleway.instance.v1 import (  # noqa: PLC0415 - each flow run loads all blocks
            VolumeServerTemplate,
            VolumeVolumeType,
        )

        if region not in (self.region, *self.zones):
            raise ConfigurationError(
                self._subject(f"zone {region}"),
                "is not one of the zones in which machines are looked for",
                "add it to `zones` of the provider in the estate file",
            )
        volume = VolumeServerTemplate(
            VolumeVolumeType.SBS_VOLUME, boot=True, name=_volume_name(request.name), size=size.disk
        )
        with self._api(f"create instance {request.name} ({size.name})") as api:
            api.instance.create_server(
                zone=region,
                name=request.name,
                commercial_type=size.name,
                image=_IMAGES[self.debian],
                project=self.project,
                volumes={"0": volume},
                dynamic_ip_required=False,
                tags=_tags(request),
            )

    def _complete(self, machine: Machine, request: MachineRequest) -> Machine:
        """Give it an address and its user data; one that has user data may have been booted."""
        with self._api(f"complete instance {machine.name}") as api:
            # Asked anew: the answer that gave it one may have been lost, and each is billed.
            server = api.instance.get_server(server_id=machine.id, zone=machine.region).server
            if server is not None and not own(server.public_ips):
                self._give_address(api, machine, request)
            held = api.instance.list_server_user_data(server_id=machine.id, zone=machine.region)
            if _CLOUD_INIT in held.user_data:
                return machine
            # Never booted: its host key may as well be this request's, whose private half we have.
            api.instance._update_server(
                server_id=machine.id, zone=machine.region, tags=_tags(request)
            )
            api.instance.set_server_user_data(
                server_id=machine.id,
                zone=machine.region,
                key=_CLOUD_INIT,
                content=user_data(request).encode(),
            )
        return replace(machine, host_key=request.host_key.public)

    def _give_address(self, api: Scaleway, machine: Machine, request: MachineRequest) -> None:
        from scaleway.instance.v1 import IpType  # noqa: PLC0415

        api.instance.create_ip(
            zone=machine.region,
            project=self.project,
            server=machine.id,
            type_=IpType.ROUTED_IPV4,
            tags=_tags(request),
        )

    def _floating(self) -> tuple[FloatingAddress, ...]:
        found: list[FloatingAddress] = []
        for zone in self._places:
            with self._api(f"list flexible IPs in {zone}") as api:
                found += floating(api, zone, self.project)
        return tuple(found)

    def _assign(self, address: FloatingAddress, machine: Machine) -> None:
        with self._api(f"attach flexible IP {address.address} to {machine.name}") as api:
            api.instance.update_ip(ip=address.id, zone=address.region, server=machine.id)

    def _switch(self, machine: Machine, power: PowerState) -> None:
        """Ask unless it is so or on its way: what is there already would be refused."""
        action, *reached = _ACTIONS[power]
        with self._api(f"look at instance {machine.name}") as api:
            server = api.instance.get_server(server_id=machine.id, zone=machine.region).server
        if server is None or str(server.state) not in reached:
            self._act(machine, action)

    def _act(self, machine: Machine, action: str) -> None:
        from scaleway.instance.v1 import ServerAction  # noqa: PLC0415

        with self._api(f"{action} instance {machine.name}") as api:
            api.instance.server_action(
                server_id=machine.id, zone=machine.region, action=ServerAction(action)
            )

    def _delete(self, machine: Machine) -> None:
        """Go one step: stop it, then release address and volumes, and the instance last.

        In this order whatever is left over can still be found through the instance. A floating
        address outlives it: one that is released never comes back.
        """
        with self._api(f"delete instance {machine.name}") as api:
            server = api.instance.get_server(server_id=machine.id, zone=machine.region).server
            state = "stopping" if server is None else str(server.state)
            if state != "stopped":
                if state != "stopping":
                    self._act(machine, "poweroff")
                return
            for ip in own(server.public_ips):
                api.instance.delete_ip(ip=ip.id, zone=machine.region)
            for volume in server.volumes.values():
                api.instance.detach_server_volume(
                    server_id=machine.id, volume_id=volume.id, zone=machine.region
                )
            # By name, too: one that was detached before, and could not be deleted then.
            for left in api.block.list_volumes_all(
                include_deleted=False,
                zone=machine.region,
                project_id=self.project,
                name=_volume_name(machine.name),
            ):
                if left.name == _volume_name(machine.name):
                    api.block.delete_volume(volume_id=left.id, zone=machine.region)
            api.instance.delete_server(server_id=machine.id, zone=machine.region)

    def _machine(self, server: Any) -> Machine:  # noqa: ANN401 - the vendor's `Server`
        labels = dict(each.split("=", 1) for each in server.tags if "=" in each)
        mine = own(server.public_ips)
        addresses = [str(each.address) for each in mine if str(each.family) == "inet"]
        state = str(server.state)
        if state == "stopping":
            # It may serve until it is stopped, and nobody can count on it: neither on nor off yet.
            addresses = []
        return Machine(
            id=str(server.id),
            name=str(server.name),
            provider=self.reference,
            address=addresses[0] if addresses else "",
            power=PowerState.ON if state in ("running", "stopping") else PowerState.OFF,
            tags=tags_in(labels),
            host_key=host_key_in(labels),
            created_at=server.creation_date,
            expires_at=expiry_in(labels),
            size=str(server.commercial_type),
            region=str(server.zone),
        )

    @contextmanager
    def _api(self, doing: str) -> Iterator[Scaleway]:
        # Every run of a flow loads all blocks: the client is loaded only where it is used.
        from blocks.vps.scaleway_client import connect, translated  # noqa: PLC0415

        fields = {
            "access_key": self.access_key,
            "secret_key": self.secret_key.get_secret_value(),
            "default_project_id": self.project,
            "default_zone": self.region,
            "api_url": self.api_url,
        }
        with translated(self._subject("the API"), doing):
            yield connect(fields, self.timeout_seconds)


def _tags(request: MachineRequest) -> list[str]:
    """Return the labels as flat strings: Scaleway's tags have no values."""
    return [f"{name}={value}" for name, value in sorted(labels_of(request).items())]


def _volume_name(machine: str) -> str:
    return f"continuity-{machine}"
