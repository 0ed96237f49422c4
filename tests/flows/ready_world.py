"""A world in which every check of readiness can be looked at, and most are green."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate

from blocks import registry
from blocks.archives.s3_archive import S3Archive
from blocks.domain import DeclaredDomain
from flows.decisions.readiness import Check, State
from flows.drill import drill
from flows.tasks.immutability import keep_self_test
from flows.tasks.incident import open_estate
from flows.tasks.readiness_access import RECOVERY
from flows.tasks.readiness_looks import look_at_readiness
from flows.verification import verification
from tests.fakes.memory_certificates import certify
from tests.flows.world import World

NOWHERE = S3Archive.model_validate(
    {
        "store": {
            "endpoint": "http://127.0.0.1:9",
            "bucket": "archive",
            "access_key": "worker",
            "secret_key": "secret",
            "connect_timeout_seconds": 1,
            "attempts": 1,
        },
        "agent_access_key": "agent",
        "agent_secret_key": "secret",
        "identity_key": "AGE-SECRET-KEY-1" + "Q" * 58,
    }
)
"""An archive whose store does not listen."""
POOL = "continuity-readiness"
LOST = DeclaredDomain(provider="ovh", site="gra", account="agence")
PLACES = (
    DeclaredDomain(provider="ceph", site="paris", account="un"),
    DeclaredDomain(provider="wasabi", site="eu", account="deux"),
)


@contextmanager
def ready_world() -> Iterator[World]:
    """Give a world with two repositories, a proven set, a drill, a worker and certificates."""
    world = World()
    world.copies.append("memory-repository/second")
    world.repository.domain, world.second.domain = PLACES
    world.provider.debian = "13"
    machine = world.server.machine
    machine.packages += ["php8.2-fpm", "php7.4-fpm"]
    certify(machine, "boutique.atelier.test", webroot="/srv/shop")
    certify(machine, "vitrine.atelier.test")
    with protected(world):
        world.back_up()
        for repository in (world.repository, world.second):
            keep_self_test(repository)
        drill("web1")
        verification("web1")
        with get_client(sync_client=True) as client:
            deploy(client)
        yield world


@contextmanager
def protected(
    world: World, more: Mapping[str, Block] | None = None, **changes: object
) -> Iterator[None]:
    """Let the server be declared otherwise, with more blocks, until the block ends."""
    beside = {f"memory-heartbeat/{job}": block for job, block in world.heartbeats.items()}
    beside |= {"s3-archive/nowhere": NOWHERE}
    registry.provide(world.blocks(domain=LOST, **changes) | beside | dict(more or {}))
    try:
        yield
    finally:
        registry.provide(world.blocks(domain=LOST) | beside)


def deploy(client: SyncPrefectClient) -> None:
    """Let the recovery be deployed to a work pool with one worker."""
    client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    flow = client.create_flow_from_name(RECOVERY)
    client.create_deployment(flow_id=flow, name="readiness", work_pool_name=POOL)
    client.send_worker_heartbeat(POOL, "worker-1", heartbeat_interval_seconds=60)


def seen() -> dict[str, Check]:
    """Return each check by its name, with its site if it is of one."""
    found = look_at_readiness(open_estate("web1"))
    return {f"{each.about} {each.site}".strip(): each for each in found}


def states() -> dict[str, State]:
    """Return the state of each check by its name."""
    return {name: each.state for name, each in seen().items()}
