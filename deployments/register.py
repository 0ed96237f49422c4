"""Bring a Prefect server in line with the estate: blocks, work pool, deployments, automations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx
from prefect.blocks.core import Block
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.context import SyncClientContext
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from blocks import registry
from blocks.errors import AuthenticationFailed, ConfigurationError, ProviderError, Unreachable
from deployments.alerts import webhooks
from deployments.estate import Estate
from deployments.register_automations import apply_automations
from deployments.register_changes import Action, Change
from deployments.register_deployments import WATCH, deploying, ensure_work_pool
from deployments.world import provide

_UNREACHABLE = re.compile("connect|failed to reach", re.IGNORECASE)


def apply(
    estate: Estate, *, prune: bool = False, tell: Callable[[Change], None] = lambda _: None
) -> tuple[Change, ...]:
    """Save blocks and deployments; a second call with the same estate changes nothing.

    Args:
        estate: What shall be there.
        prune: Whether blocks of our types that the estate no longer names are removed; otherwise
            they are left, and told.
        tell: Called with each change as soon as it is made.

    Raises:
        ConfigurationError: A secret is missing, no server is named, or a deployment is wrong.
        Unreachable: The Prefect server does not answer.
        AuthenticationFailed: It wants another PREFECT_API_AUTH_STRING.
    """
    blocks = provide(estate)
    changes: list[Change] = []
    with _prefect() as client:
        for change in _all_changes(client, estate, blocks, prune=prune):
            tell(change)
            changes.append(change)
    return tuple(changes)


def _all_changes(
    client: SyncPrefectClient, estate: Estate, blocks: Mapping[str, Block], *, prune: bool
) -> Iterator[Change]:
    yield ensure_work_pool(client)
    idle = () if estate.watch.every_minute else (WATCH,)
    with deploying(client, [server.name for server in estate.servers], idle) as deployed:
        kinds: tuple[type[Block], ...] = (*registry.block_types(), Webhook)
        for kind in kinds:
            kind.register_type_and_schema()
        for reference, block in {**blocks, **webhooks(blocks)}.items():
            yield _save(client, reference, block)
        yield from _strangers(client, blocks, prune=prune)
        yield from deployed()
    yield from apply_automations(client, blocks)


def _save(client: SyncPrefectClient, reference: str, block: Block) -> Change:
    saved = _document(client, reference)
    if saved and _is_the_same(saved, block):
        return Change(Action.UNCHANGED, "block", reference)
    block.save(reference.split("/", 1)[1], overwrite=True)
    return Change(Action.CHANGED if saved else Action.CREATED, "block", reference)


def _document(client: SyncPrefectClient, reference: str) -> BlockDocument | None:
    slug, name = reference.split("/", 1)
    try:
        return client.read_block_document_by_name(name, slug, include_secrets=True)
    except ObjectNotFound:
        return None


def _is_the_same(saved: BlockDocument, block: Block) -> bool:
    now = block.model_dump(mode="json", context={"include_secrets": True})
    schema = type(block)._block_schema_id
    return saved.block_schema_id == schema and _plain(saved.data) == _plain(now)


def _plain(value: object) -> object:
    """Leave out what Prefect adds to nested blocks."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if key != "block_type_slug"}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _strangers(
    client: SyncPrefectClient, blocks: Mapping[str, Block], *, prune: bool
) -> Iterator[Change]:
    for kind in registry.block_types():
        slug = kind.get_block_type_slug()
        for document in client.read_block_documents_by_type(slug):
            reference = f"{slug}/{document.name}"
            if not document.name or reference in blocks:
                continue
            if prune:
                client.delete_block_document(document.id)
            yield Change(Action.REMOVED if prune else Action.LEFT, "block", reference)


@contextmanager
def _prefect() -> Iterator[SyncPrefectClient]:
    url = PREFECT_API_URL.value()
    if not url:
        # Without one, Prefect would start a server of its own and forget everything with it.
        hint = "export PREFECT_API_URL=http://ADDRESS:4200/api"
        raise ConfigurationError("Prefect server", "none is named", hint)
    try:
        # Also for what blocks ask by themselves: each client reads all authorities of the system.
        with SyncClientContext.get_or_create() as context:
            yield context.client
    except (httpx.TransportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _UNREACHABLE.search(str(error)):
            raise
        hint = f"check that it runs: curl {url}/health"
        raise Unreachable(f"Prefect server {url}", "does not answer", hint) from error
    except PrefectHTTPStatusError as error:
        raise _refused(str(url), error) from error


def _refused(url: str, error: PrefectHTTPStatusError) -> ProviderError:
    status = error.response.status_code
    if status in {401, 403}:
        hint = "export PREFECT_API_AUTH_STRING=USER:PASSWORD as the server has it"
        return AuthenticationFailed(f"Prefect server {url}", "refuses the login", hint)
    return ProviderError(
        f"Prefect server {url}", f"answered with HTTP {status}", "look at the server's log"
    )
