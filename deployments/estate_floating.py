"""Check what the estate says of servers' floating addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from blocks.registry import block_types
from blocks.vps.base import VpsProvider
from deployments.block_forms import NamedBlockForm
from deployments.estate import Estate
from deployments.estate_mistakes import Finding
from deployments.estate_server import FloatingEntry, ServerEntry

Place = tuple[str | int, ...]


def check_floating(estate: Estate) -> Iterator[Finding]:
    """Yield what keeps a server's address from ever being led to another machine."""
    forms = {form.name: form for form in estate.providers}
    for index, server in enumerate(estate.servers):
        if server.floating and server.floating.provider in forms:
            place: Place = ("servers", index, "floating")
            yield from _of(place, server, server.floating, forms)


def _of(
    place: Place, server: ServerEntry, floating: FloatingEntry, forms: Mapping[str, NamedBlockForm]
) -> Iterator[Finding]:
    what, form = f"server '{server.name}'", forms[floating.provider]
    if not _moves(form.block_class):
        able = [kind.get_block_type_slug() for kind in block_types() if _moves(kind)]
        text = f"{what}: provider '{form.name}' leads no address to another machine"
        yield Finding((*place, "provider"), text, f"those that can: {', '.join(able)}")
        return
    if ip_address(server.address).version != 4:
        text = f"{what}: its floating address {server.address} is no IPv4 address"
        yield Finding(place, text, "only IPv4 addresses are moved; remove floating")
    region = _region(form, floating.region)
    here = [each for each in server.targets if each.provider == floating.provider]
    if not any(_region(form, each.region) == region for each in here):
        where = f"'{form.name}'" + (f" in {region}" if region else "")
        text = f"{what}: its address cannot follow, no target is at provider {where}"
        hint = "add one there, first of all; otherwise names change, as without floating"
        yield Finding(place, text, hint, warning=True)


def _region(form: NamedBlockForm, region: str) -> str:
    return region or str(getattr(form, "region", "") or "")


def _moves(kind: type) -> bool:
    return issubclass(kind, VpsProvider) and kind.moves_addresses()
