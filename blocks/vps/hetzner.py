"""Servers of Hetzner Cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from pydantic import Field, SecretStr

from blocks.errors import (
    AlreadyExists,
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    OutOfStock,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.types import (
    Access,
    FloatingAddress,
    Machine,
    MachineRequest,
    MachineSize,
    PowerState,
    Stock,
)
from blocks.vps.answers import UNREADABLE, kind_of
from blocks.vps.floating import FloatingVps
from blocks.vps.labels import OURS, expiry_in, host_key_in, labels_of, tags_in

if TYPE_CHECKING:
    from hcloud import APIException, Client
    from hcloud.server_types.client import BoundServerType
    from hcloud.servers.client import BoundServer

_GIB = 1024**3
_GB = 10**9
_GOING = "deleting"
"""The status of a server that will not come back."""
_KINDS: dict[str, tuple[type[ContinuityError], str]] = {
    "unauthorized": (AuthenticationFailed, "make a new token in the project: Security, API tokens"),
    "forbidden": (PermissionDenied, "make the token anew with Read & Write"),
    "token_readonly": (PermissionDenied, "make the token anew with Read & Write"),
    "not_found": (NotFound, "look at the project in the Hetzner console"),
    "uniqueness_error": (AlreadyExists, "run it again: what has this name is looked for first"),
    "resource_unavailable": (OutOfStock, "name another size or region as the next target"),
    "placement_error": (OutOfStock, "name another size or region as the next target"),
    "resource_limit_exceeded": (
        OutOfStock,
        "ask Hetzner for a higher limit: Limits, in the console",
    ),
    "invalid_input": (ConfigurationError, "correct the provider or target in the estate file"),
    "rate_limit_exceeded": (RateLimited, "wait a minute, then run it again"),
    "locked": (Unavailable, "wait until its running action is over, then run it again"),
    "conflict": (Unavailable, "run it again"),
}
"""Error codes of the API (its reference, "Errors"); any other with a 5xx status is in passing."""


class HetznerVps(FloatingVps):
    """Make servers in one project of Hetzner Cloud.

    Labels hold what is ours. A name is unique in a project, so even an order that was sent twice
    makes one server.

    Example:
        ```python
        from blocks.vps.hetzner import HetznerVps

        provider = HetznerVps.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Hetzner Cloud"
    _block_type_slug = "hetzner-vps"
    _description = "Servers in one project of Hetzner Cloud."

    token: SecretStr = Field(
        title="Token", description="API token of the project, with Read & Write."
    )
    region: str = Field(
        default="fsn1",
        title="Location",
        description="Location of machines unless a target says, such as fsn1, nbg1 or hel1.",
    )
    api_url: str = Field(
        default="https://api.hetzner.cloud/v1", title="API URL", description="Where the API is."
    )

    def access(self) -> Access:
        """List what the token may see; the API has no call that names its project."""
        with self._client("read the project") as client:
            count = len(client.servers.get_all())
        return Access(
            who=f"projet de ce jeton, {count} serveur{'s' if count > 1 else ''}",
            may=("lire les serveurs et les tailles",),
            unseen=("créer et détruire : l'API ne dit pas les droits d'un jeton",),
        )

    def _offers(self, region: str) -> tuple[MachineSize, ...]:
        with self._client(f"list server types in {region}") as client, catch_warnings():
            # It warns of the deprecation of its own fields while it reads them.
            simplefilter("ignore", DeprecationWarning)
            kinds = client.server_types.get_all()
        return tuple(size for kind in kinds if (size := _size(kind, region)))

    def _machines(self) -> tuple[Machine, ...]:
        with self._client("list servers") as client, catch_warnings():
            simplefilter("ignore", DeprecationWarning)
            servers = client.servers.get_all(label_selector="=".join(OURS))
            return tuple(self._machine(each) for each in servers if each.status != _GOING)

    def _order(self, request: MachineRequest, size: MachineSize, region: str, text: str) -> None:
        from hcloud.images.domain import Image  # noqa: PLC0415
        from hcloud.locations.domain import Location  # noqa: PLC0415
        from hcloud.server_types.domain import ServerType  # noqa: PLC0415

        with self._client(f"create server {request.name} ({size.name})") as client:
            client.servers.create(
                name=request.name,
                server_type=ServerType(name=size.name),
                image=Image(name=f"debian-{self.debian}"),
                location=Location(name=region),
                user_data=text,
                labels=labels_of(request),
            )

    def _switch(self, machine: Machine, power: PowerState) -> None:
        from hcloud.servers.domain import Server  # noqa: PLC0415

        with self._client(f"power server {machine.name} {power}") as client:
            server = Server(id=int(machine.id))
            act = client.servers.power_on if power is PowerState.ON else client.servers.power_off
            act(server)

    def _delete(self, machine: Machine) -> None:
        from hcloud.servers.domain import Server  # noqa: PLC0415

        with self._client(f"delete server {machine.name}") as client:
            client.servers.delete(Server(id=int(machine.id)))

    def _floating(self) -> tuple[FloatingAddress, ...]:
        """Shapes: hcloud's `FloatingIP` (`ip`, `server.id`, `home_location`) and `Location`.

        A floating IP can be led to servers in all locations of its network zone (Hetzner's FAQ of
        floating IPs), so that is its region.
        """
        with self._client("list floating IPs") as client:
            return tuple(
                FloatingAddress(
                    id=str(each.id),
                    address=str(each.ip),
                    region=str(each.home_location.network_zone) if each.home_location else "",
                    holder=str(each.server.id) if each.server else "",
                )
                for each in client.floating_ips.get_all()
                if each.type == "ipv4"
            )

    def _reaches(self, address: FloatingAddress, machine: Machine) -> bool:
        with self._client(f"look at location {machine.region}") as client:
            location = client.locations.get_by_name(machine.region)
        return location is not None and location.network_zone == address.region

    def _assign(self, address: FloatingAddress, machine: Machine) -> None:
        from hcloud.floating_ips.domain import FloatingIP  # noqa: PLC0415
        from hcloud.servers.domain import Server  # noqa: PLC0415

        with self._client(f"assign floating IP {address.address} to {machine.name}") as client:
            client.floating_ips.assign(FloatingIP(id=int(address.id)), Server(id=int(machine.id)))

    def _machine(self, server: BoundServer) -> Machine:
        labels = dict(server.labels or {})
        ipv4 = server.public_net.ipv4 if server.public_net else None
        kind, place, created = server.server_type, server.location, server.created
        if kind is None or place is None or created is None:
            raise ProviderError(
                self._subject(f"server {server.id}"),
                "is listed without type, location or time of creation",
                "look at it in the Hetzner console",
            )
        return Machine(
            id=str(server.id),
            name=str(server.name),
            provider=self.reference,
            # Between on and off it may still serve: it is neither off nor ready.
            address=str(ipv4.ip) if ipv4 and server.status in ("running", "off") else "",
            power=PowerState.OFF if server.status == "off" else PowerState.ON,
            tags=tags_in(labels),
            host_key=host_key_in(labels),
            created_at=created,
            expires_at=expiry_in(labels),
            size=str(kind.name),
            region=str(place.name),
        )

    @contextmanager
    def _client(self, doing: str) -> Iterator[Client]:
        # Every run of a flow loads all blocks: the client is loaded only where it is used.
        from hcloud import APIException, Client  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415

        client = Client(
            self.token.get_secret_value(), api_endpoint=self.api_url, timeout=self.timeout_seconds
        )
        # It would wait up to a minute between tries, and order again after a timeout.
        client._client._retry_max_retries = 0
        try:
            yield client
        except APIException as error:
            raise self._translated(error, doing) from error
        except RequestException as error:
            raise Unreachable(
                self._subject("the API"),
                f"gave no answer when asked to {doing} ({type(error).__name__})",
                "try again; is Hetzner's status page green?",
            ) from error
        except UNREADABLE as error:
            raise self._unreadable(doing, error) from error

    def _translated(self, error: APIException, doing: str) -> ContinuityError:
        kind, hint = _KINDS.get(str(error.code), (ProviderError, "look at the Hetzner console"))
        if isinstance(error.code, int):
            kind = kind_of(error.code)
        elif error.code in {
            "service_error",
            "unavailable",
            "timeout",
            "bad_gateway",
            "maintenance",
        }:
            kind, hint = Unavailable, "run it again; is Hetzner's status page green?"
        return kind(self._subject("the API"), f"refused to {doing}: {error}", hint)


def _size(kind: BoundServerType, region: str) -> MachineSize | None:
    """Return a server type as it can be had in a location; None if it is not offered there.

    Shapes: `server_types[].locations[].available` and `prices[].price_hourly.net` (a text).
    """
    here = [each for each in kind.locations or [] if each.location.name == region]
    price = next((each for each in kind.prices or [] if each["location"] == region), None)
    if not here or kind.architecture != "x86":
        return None
    return MachineSize(
        name=str(kind.name),
        cores=int(kind.cores or 0),
        memory=int((kind.memory or 0) * _GIB),
        disk=int(kind.disk or 0) * _GB,
        price=Decimal(price["price_hourly"]["net"]) if price else None,
        currency="EUR" if price else "",
        stock=Stock.AVAILABLE if here[0].available else Stock.SOLD_OUT,
    )
