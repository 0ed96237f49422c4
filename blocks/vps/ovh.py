"""Instances of OVH Public Cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr, SecretStr, field_validator

from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    NotFound,
    OutOfStock,
    ProviderError,
    Unavailable,
)
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
from blocks.vps import ovh_addresses
from blocks.vps import ovh_shapes as shapes
from blocks.vps.answers import UNREADABLE
from blocks.vps.choice import in_stock, room_of
from blocks.vps.floating import FloatingVps
from blocks.vps.labels import labels_of
from blocks.vps.ovh_names import name_of

if TYPE_CHECKING:
    from blocks.vps.ovh_client import OvhClient

ENDPOINTS = ("ovh-eu", "ovh-ca", "ovh-us")
_KEPT_SECONDS = 600
_CATALOG = "/order/catalog/public/cloud"


class OvhVps(FloatingVps):
    """Make instances in one project of OVH Public Cloud.

    OVH has no tags: an instance's name holds our labels, and what it is called is in its user data.
    An order is taken before a host was found for it; one for which there is none is removed, and
    is out of stock.

    Example:
        ```python
        from blocks.vps.ovh import OvhVps

        provider = OvhVps.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "OVH Public Cloud"
    _block_type_slug = "ovh-vps"
    _description = "Instances in one project of OVH Public Cloud."
    _prices: tuple[float, shapes.Prices] | None = PrivateAttr(default=None)

    application_key: SecretStr = Field(
        title="Application key", description="Key of the application that was made for this."
    )
    application_secret: SecretStr = Field(
        title="Application secret", description="Secret of the application."
    )
    consumer_key: SecretStr = Field(
        title="Consumer key", description="Key that holds the rights on this project."
    )
    project: str = Field(
        min_length=1, title="Project", description="Id of the Public Cloud project, 32 characters."
    )
    region: str = Field(
        default="GRA11",
        title="Region",
        description="Region of machines unless a target says, such as GRA11, SBG5 or BHS5.",
    )
    subsidiary: str = Field(
        default="FR", title="Subsidiary", description="Whose price list is read, such as FR or CA."
    )
    endpoint: str = Field(
        default="ovh-eu",
        title="Endpoint",
        description="Which OVH: ovh-eu, ovh-ca, ovh-us, or the address of an API.",
    )

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_known(cls, value: str) -> str:
        if value not in ENDPOINTS and "://" not in value:
            message = f"is none of {', '.join(ENDPOINTS)}"
            raise ValueError(message)
        return value

    def access(self) -> Access:
        """Read the project and its quota, and ask which rules the consumer key holds."""
        with self._api("read the rules of the consumer key") as api:
            credential = api.get("/auth/currentCredential")
            lacking = shapes.missing(credential, self.project)
            ends = str(credential.get("expiration") or "")[:10]
        with self._api("read the project") as api:
            name = str(api.get(api.root).get("description") or self.project)
        may = ["lire le projet"]
        if not any(each.endswith("/quota") for each in lacking):
            with self._api("read the quota") as api:
                may.append(shapes.quota_in(api.get(f"{api.root}/quota"), self.region))
        if not lacking:
            may.append("créer, démarrer, éteindre et détruire des instances")
        until = f"jusqu'au {ends}" if ends else "sans fin"
        return Access(
            who=f"projet {name} ({self.project}), clé valable {until}",
            may=tuple(each for each in may if each),
            missing=lacking,
        )

    def room(self, size: str = "", region: str = "") -> Room:
        """Say what the list tells of the first size that would be tried, and of the quota."""
        found = self.candidates(size, region)
        told = room_of(found, size, self._there(region))
        if told.stock is Stock.SOLD_OUT:
            return told
        name = in_stock(found)[0].name
        left = int(self._patient(lambda: self._flavor(name, self._place(region)))["quota"])
        stock = told.stock if left > 0 else Stock.SOLD_OUT
        return replace(told, stock=stock, left=left, seen=f"{told.seen}, quota : encore {left}")

    def _offers(self, region: str) -> tuple[MachineSize, ...]:
        prices = self._kept_prices()
        with self._api(f"list flavors in {region}") as api:
            found = api.get(f"{api.root}/flavor", region=region)
            sizes = [size for each in found if (size := shapes.size_of(each, prices))]
        return tuple({each.name: each for each in sorted(sizes, key=_had)}.values())

    def _kept_prices(self) -> shapes.Prices:
        """Return what an hour costs; nothing if it cannot be read: a recovery does not wait."""
        if self._prices and monotonic() - self._prices[0] < _KEPT_SECONDS:
            return self._prices[1]
        prices = shapes.Prices()
        try:
            with self._api("read the price list") as api:
                # Eight megabytes, and anybody may read them.
                catalog = api.get(_CATALOG, _need_auth=False, ovhSubsidiary=self.subsidiary)
                prices = shapes.prices_in(catalog)
        except ContinuityError:
            pass
        self._prices = monotonic(), prices
        return prices

    def _flavor(self, name: str, region: str) -> shapes.Json:
        with self._api(f"list flavors in {region}") as api:
            found = [
                each for each in api.get(f"{api.root}/flavor", region=region)
                if each["name"] == name and each["osType"] == "linux"
            ]  # fmt: skip
            found.sort(key=lambda each: not each["available"])
        if not found:
            raise ConfigurationError(
                self._subject(f"flavor {name}"), f"is not offered in {region}", "name another size"
            )
        return found[0]

    def _image(self, flavor: shapes.Json, region: str) -> str:
        wanted = f"Debian {self.debian}"
        with self._api(f"list images in {region}") as api:
            images = api.get(f"{api.root}/image", osType="linux", region=region)
            found = shapes.image_in(images, wanted, str(flavor["type"]))
        if not found:
            raise ConfigurationError(
                self._subject(f"image {wanted}"),
                f"is not offered in {region} for {flavor['name']}",
                "name another region, or the other `debian`, in the estate file",
            )
        return found

    def _machines(self) -> tuple[Machine, ...]:
        with self._api("list instances") as api:
            instances = api.get(f"{api.root}/instance")
            found = [shapes.machine_of(each, self.reference) for each in instances]
        return tuple(each for each in found if each)

    def _order(self, request: MachineRequest, size: MachineSize, region: str, text: str) -> None:
        flavor = self._flavor(size.name, region)
        image = self._image(flavor, region)
        with self._api(f"create instance {request.name} ({size.name})") as api:
            made = api.post(
                f"{api.root}/instance",
                name=self._name(request),
                flavorId=flavor["id"],
                imageId=image,
                region=region,
                userData=text,
                monthlyBilling=False,
            )["id"]
        if self._wait_for(request.name, lambda: self._built(made)) == shapes.FAILED:
            self.destroy(made)
            raise OutOfStock(
                self._subject(f"instance {request.name}"),
                "was taken and could not be built: no host for it was found",
                "name another size or region as the next target",
            )

    def _name(self, request: MachineRequest) -> str:
        try:
            return name_of(labels_of(request))
        except ValueError as error:
            raise ConfigurationError(
                self._subject(f"instance {request.name}"), str(error), "shorten the server's name"
            ) from error

    def _built(self, instance: str) -> str | None:
        status = self._patient(lambda: self._status(instance))
        return None if status in shapes.BUILDING else status

    def _status(self, instance: str) -> str:
        with self._api(f"look at instance {instance}") as api:
            return str(api.get(f"{api.root}/instance/{instance}")["status"])

    def _switch(self, machine: Machine, power: PowerState) -> None:
        status = self._status(machine.id)
        subject = self._subject(f"instance {machine.name}")
        if status in shapes.BUILDING:
            raise Unavailable(subject, "is being built", "wait a minute, then run it again")
        if status in shapes.GOING:
            raise NotFound(subject, "is being deleted", "run it again")
        if status == shapes.FAILED and power is PowerState.ON:
            cause = f"could not be built or has failed ({machine.id})"
            raise ProviderError(subject, cause, "delete it in OVH's manager, then run it again")
        if (status, power) == (shapes.RUNNING, PowerState.ON):
            return
        act = "start" if power is PowerState.ON else "stop"
        with self._api(f"{act} instance {machine.name}") as api:
            api.post(f"{api.root}/instance/{machine.id}/{act}")

    def _floating(self) -> tuple[FloatingAddress, ...]:
        with self._api("list additional IP addresses") as api:
            return ovh_addresses.addresses(api)

    def _reaches(self, address: FloatingAddress, machine: Machine) -> bool:
        with self._api(f"look at region {machine.region}") as api:
            return address.region in ("", ovh_addresses.continent(api, machine))

    def _assign(self, address: FloatingAddress, machine: Machine) -> None:
        with self._api(f"attach {address.address} to {machine.name}") as api:
            ovh_addresses.attach(api, address, machine)

    def _delete(self, machine: Machine) -> None:
        with self._api(f"delete instance {machine.name}") as api:
            api.delete(f"{api.root}/instance/{machine.id}")

    @contextmanager
    def _api(self, doing: str) -> Iterator[OvhClient]:
        # Each flow run loads all blocks: the client is loaded only where it is used.
        from blocks.vps.ovh_client import OvhClient  # noqa: PLC0415

        keys = self.application_key, self.application_secret, self.consumer_key
        try:
            yield OvhClient(
                self.project,
                self.endpoint,
                tuple(key.get_secret_value() for key in keys),
                subject=self._subject("the API"),
                timeout=self.timeout_seconds,
            )
        except UNREADABLE as error:
            raise self._unreadable(doing, error) from error


def _had(size: MachineSize) -> bool:
    """Sort what can be had last: so it replaces a sold out flavor of the same name."""
    return size.stock is Stock.AVAILABLE
