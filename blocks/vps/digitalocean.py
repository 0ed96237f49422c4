"""Droplets of DigitalOcean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    DeadlineExceeded,
    NotFound,
    OutOfStock,
    PermissionDenied,
    RateLimited,
    Unavailable,
    Unreachable,
)
from blocks.types import Access, FloatingAddress, Machine, MachineRequest, MachineSize, PowerState
from blocks.vps import digitalocean_shapes as shapes
from blocks.vps.answers import UNREADABLE, kind_of
from blocks.vps.floating import FloatingVps

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError, HttpResponseError
    from pydo import Client

_PER_PAGE = 200
_PAGES = 50
_FILE = "correct the provider or target in the estate file"
_REFUSED: tuple[tuple[str, type[ContinuityError], str], ...] = (
    (
        r"droplet limit|exceed your",
        OutOfStock,
        "ask DigitalOcean for a higher Droplet limit: Settings, Team, in the control panel",
    ),
    (
        r"pending event|already|locked",
        Unavailable,
        "wait until the Droplet's running action is over, then run it again",
    ),
    (
        r"key identifiers",
        ConfigurationError,
        "add the public key that recoveries log in with: Settings, Security, Add SSH key",
    ),
    (
        r"(size|region).*(not available|unavailable|restricted|sold out|capacity)"
        r"|currently unavailable|disabled in this region",
        OutOfStock,
        "name another size or region as the server's next target",
    ),
)
"""What a 422 says; its `id` is `unprocessable_entity` for all of them. Any other: a mistake."""


class DigitalOceanVps(FloatingVps):
    """Make Droplets in the team of one API token.

    Names are not unique there: a machine is found by its tags, and an order is sent once.

    Example:
        ```python
        from blocks.vps.digitalocean import DigitalOceanVps

        provider = DigitalOceanVps.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "DigitalOcean"
    _block_type_slug = "digitalocean-vps"
    _description = "Droplets in the team of one API token of DigitalOcean."

    token: SecretStr = Field(
        title="Token", description="API token with the scopes for Droplets, tags and SSH keys."
    )
    region: str = Field(
        default="fra1",
        title="Region",
        description="Region of machines unless a target says, such as fra1, ams3 or lon1.",
    )
    api_url: str = Field(
        default="https://api.digitalocean.com",
        title="API URL",
        description="Where the API is; with https, or no token is sent.",
    )

    def access(self) -> Access:
        """Ask whose token it is, and read all that a recovery reads."""
        with self._asking("read the account") as client:
            account = client.account.get()["account"]
            who = f"{account['email']}, {account['droplet_limit']} Droplets au plus"
            active = account["status"] == "active"
            standing = f"compte {account['status']} : {account['status_message']}"
        may, missing = self._readable()
        return Access(
            who,
            may,
            missing if active else (standing, *missing),
            ("créer, couper et détruire : l'API ne dit pas les droits d'un jeton",),
        )

    def _readable(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what could be read, and what may not be or is not there."""
        may, missing = [], []
        looks: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("lire les machines", "droplet:read, tag:read", lambda: self.find({})),
            ("lire les tailles", "sizes:read", self.sizes),
            ("lire les clés SSH", "ssh_key:read", self._any_key),
        )
        for what, scopes, look in looks:
            try:
                look()
            except PermissionDenied:
                missing.append(f"{what} ({scopes})")
            except NotFound as error:
                missing.append(error.cause)
            else:
                may.append(what)
        return tuple(may), tuple(missing)

    def _any_key(self) -> None:
        with self._asking("list SSH keys") as client:
            keys = client.ssh_keys.list()["ssh_keys"]
        if not keys:
            raise NotFound(
                self._subject("SSH keys"), "aucune clé SSH dans le compte", "add the recovery's key"
            )

    def _offers(self, region: str) -> tuple[MachineSize, ...]:
        with self._asking("list sizes") as client:
            told = self._pages("sizes", client.sizes.list)
            return tuple(size for each in told if (size := shapes.size(each, region)))

    def _machines(self) -> tuple[Machine, ...]:
        with self._asking("list Droplets") as client:
            told = self._pages(
                "droplets", lambda **page: client.droplets.list(tag_name=shapes.OUR_TAG, **page)
            )
            return tuple(shapes.machine(each, self.reference) for each in told)

    def _order(self, request: MachineRequest, size: MachineSize, region: str, text: str) -> None:
        body = shapes.order(request, size, region, f"debian-{self.debian}-x64", text)
        with self._asking(f"create Droplet {request.name} ({size.name})") as client:
            client.droplets.create(body=body)

    def _switch(self, machine: Machine, power: PowerState) -> None:
        act = "power_on" if power is PowerState.ON else "power_off"
        with self._asking(f"{act} Droplet {machine.name}") as client:
            client.droplet_actions.post(int(machine.id), body={"type": act})

    def _floating(self) -> tuple[FloatingAddress, ...]:
        with self._asking("list reserved IPs") as client:
            told = self._pages("reserved_ips", client.reserved_ips.list)
            return tuple(shapes.reserved(each) for each in told)

    def _assign(self, address: FloatingAddress, machine: Machine) -> None:
        body = {"type": "assign", "droplet_id": int(machine.id)}
        with self._asking(f"assign reserved IP {address.address} to {machine.name}") as client:
            client.reserved_ips_actions.post(address.address, body=body)

    def address_inside(self, address: str, machine: str) -> str:
        """Return "": it is translated to an address that each Droplet has from the beginning."""
        return ""

    def _delete(self, machine: Machine) -> None:
        with self._asking(f"delete Droplet {machine.name}") as client:
            client.droplets.destroy(int(machine.id))

    def destroy(self, machine: str) -> None:
        """Destroy a Droplet, then the tags that were made for it alone. Idempotent."""
        tags: tuple[str, ...] = ()
        # A tag costs nothing: what hinders its removal is no reason to fail.
        with suppress(ContinuityError, ValueError):
            tags = self._own_tags(int(machine))
        super().destroy(machine)
        for name in tags:
            with suppress(ContinuityError):
                self._forget(name)

    def _own_tags(self, number: int) -> tuple[str, ...]:
        with self._asking(f"read Droplet {number}") as client:
            told = client.droplets.get(number)["droplet"]["tags"]
            return shapes.own(told) if shapes.OUR_TAG in told else ()

    def _forget(self, name: str) -> None:
        """Remove a tag that nothing carries any more; otherwise others would lose it."""
        with self._asking(f"remove tag {name}") as client:
            if client.tags.get(name)["tag"]["resources"]["count"] == 0:
                client.tags.delete(name)

    def _pages(self, what: str, ask: Callable[..., Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what is on all pages: the last one names no next."""
        found: list[dict[str, Any]] = []
        for number in range(1, _PAGES + 1):
            answer = ask(per_page=_PER_PAGE, page=number)
            found += answer[what]
            if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return found
        raise ValueError(f"more than {_PAGES} pages of {what}")

    @contextmanager
    def _asking(self, doing: str) -> Iterator[Client]:
        # Every run of a flow loads all blocks: the client is loaded only where it is used.
        from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415

        try:
            yield _client(self.token, self.api_url, self.timeout_seconds)
        except HttpResponseError as error:
            raise self._refusal(error, doing) from error
        except AzureError as error:
            raise self._failure(error, doing) from error
        except UNREADABLE as error:
            raise self._unreadable(doing, error) from error

    def _refusal(self, error: HttpResponseError, doing: str) -> ContinuityError:
        status, said = error.status_code or 0, _said(error)
        kind, hint = kind_of(status), "look at the DigitalOcean control panel"
        if kind is AuthenticationFailed:
            hint = "make a new token: API, Generate New Token; and put it into the estate file"
        elif kind is RateLimited:
            hint = "wait a minute, then run it again; 250 calls a minute are allowed"
        elif status in (403, 422):
            kind, hint = _meant(status, said)
        return kind(self._subject("the API"), f"refused to {doing}: {said} ({status})", hint)

    def _failure(self, error: AzureError, doing: str) -> ContinuityError:
        """Return the error for a call that got no answer."""
        from azure.core.exceptions import (  # noqa: PLC0415 - as above
            ServiceRequestTimeoutError,
            ServiceResponseTimeoutError,
        )

        late = isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError)
        return (DeadlineExceeded if late else Unreachable)(
            self._subject("the API"),
            f"gave no answer when asked to {doing} ({type(error).__name__})",
            "try again; is DigitalOcean's status page green?",
        )


@lru_cache(maxsize=4)
def _client(token: SecretStr, url: str, seconds: float) -> Client:
    """Return a client that asks once: after a timeout its own retries would order again."""
    from azure.core.pipeline.policies import RetryPolicy  # noqa: PLC0415 - as above
    from pydo import Client  # noqa: PLC0415 - as above

    return Client(
        token.get_secret_value(),
        endpoint=url,
        connection_timeout=seconds,
        read_timeout=seconds,
        retry_policy=RetryPolicy.no_retries(),
    )


def _said(error: HttpResponseError) -> str:
    """Return the message of an answer such as `{"id": "forbidden", "message": "..."}`."""
    try:
        return str(json.loads(error.response.text())["message"]) if error.response else ""
    except UNREADABLE:
        return type(error).__name__


def _meant(status: int, said: str) -> tuple[type[ContinuityError], str]:
    right = re.search(r"permission (\w+:\w+)", said)
    if right:
        return PermissionDenied, f"make a token that has the scope {right[1]} as well"
    for pattern, kind, hint in _REFUSED:
        if re.search(pattern, said, re.IGNORECASE):
            return kind, hint
    if status == 403:
        return PermissionDenied, "make a token with the scopes that the provider's page names"
    return ConfigurationError, _FILE
