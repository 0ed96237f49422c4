"""Find a block by its reference `type/name`: given by the estate file, or saved in Prefect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TypeVar, cast

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.context import SyncClientContext

from blocks.errors import ConfigurationError

MODULES = (
    "blocks.agency",
    "blocks.archives.s3_archive",
    "blocks.client_mail.smtp",
    "blocks.clients.client",
    "blocks.databases.mariadb",
    "blocks.dns.cloudflare",
    "blocks.dns.ovh",
    "blocks.dns.powerdns",
    "blocks.dns.rfc2136",
    "blocks.dns.route53",
    "blocks.monitors.healthchecks",
    "blocks.monitors.http",
    "blocks.monitors.over_ssh",
    "blocks.monitors.pingdom",
    "blocks.monitors.uptimerobot",
    "blocks.notify.email",
    "blocks.notify.slack",
    "blocks.repositories.restic",
    "blocks.repositories.s3",
    "blocks.servers.protected",
    "blocks.servers.ssh",
    "blocks.sites.site",
    "blocks.status_pages.git",
    "blocks.vps.digitalocean",
    "blocks.vps.ec2",
    "blocks.vps.hetzner",
    "blocks.vps.nspawn",
    "blocks.vps.ovh",
    "blocks.vps.scaleway",
)
"""Every module that defines a block; a new provider adds its line here."""

_APPLY = ", then: continuity estate apply"
_provided: dict[str, Block] = {}

Kind = TypeVar("Kind", bound=Block)


def block_types() -> tuple[type[Block], ...]:
    """Import all block modules; return their concrete block classes in the order of `MODULES`."""
    found: list[type[Block]] = []
    for name in MODULES:
        module = import_module(name)
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Block)
            and value.__module__ == name
            and not getattr(value, "__abstractmethods__", None)
        ]
    return tuple(found)


def provide(blocks: Mapping[str, Block]) -> None:
    """Answer `load` from these blocks instead of Prefect's database (break-glass, tests).

    An empty mapping goes back to Prefect's database.
    """
    _provided.clear()
    _provided.update(blocks)


@contextmanager
def one_client() -> Iterator[None]:
    """Let all that is read from Prefect's database meanwhile go through one client.

    Making one reads all authorities of the system, and connects: 40 ms for each block otherwise.
    """
    if _provided:
        yield
        return
    with SyncClientContext.get_or_create():
        yield


def load(reference: str, kind: type[Kind]) -> Kind:
    """Return the block `type/name`, checked to be of the wanted kind.

    Raises:
        ConfigurationError: There is no such block, or it is of another kind.
    """
    cause: Exception | None = None
    if _provided:
        block = _provided.get(reference)
    else:
        block_types()
        try:
            block = cast(Block, Block.load(reference))
        except ValueError as missing:
            block, cause = None, missing
    if block is None:
        raise ConfigurationError(f"block {reference}", *_missing(reference)) from cause
    if not isinstance(block, kind):
        raise ConfigurationError(
            f"block {reference}",
            f"is a {type(block).__name__}, wanted a {kind.__name__}",
            f"correct the name in the estate file{'' if _provided else _APPLY}",
        )
    return block


def _missing(reference: str) -> tuple[str, str]:
    """Return why there is no such block, and what to type: it depends on where blocks are from."""
    if not _provided:
        return "there is no such block", "continuity estate apply"
    known = ", ".join(names(reference.split("/", 1)[0])) or "none"
    return (
        "the estate file has none of this name",
        f"name one that is there ({known}), or another file: --estate FILE",
    )


def names(slug: str) -> tuple[str, ...]:
    """Return the names of all saved or provided blocks of one type, sorted."""
    if _provided:
        return tuple(
            sorted(ref.split("/", 1)[1] for ref in _provided if ref.split("/", 1)[0] == slug)
        )
    with get_client(sync_client=True) as client:
        documents = client.read_block_documents_by_type(block_type_slug=slug)
    return tuple(sorted(document.name for document in documents if document.name))


def references(kind: type[Block]) -> tuple[str, ...]:
    """Return the references of all saved or provided blocks of a capability, sorted."""
    if _provided:
        return tuple(sorted(ref for ref, block in _provided.items() if isinstance(block, kind)))
    slugs = [each.get_block_type_slug() for each in block_types() if issubclass(each, kind)]
    return tuple(f"{slug}/{name}" for slug in sorted(slugs) for name in names(slug))
