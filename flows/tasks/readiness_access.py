"""Look whether every key works and every person can be asked, with calls that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import WorkerStatus
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL

from blocks.client_mail.base import ClientMail
from blocks.errors import ContinuityError, Unreachable
from blocks.registry import load
from blocks.repositories.base import Repository
from blocks.status_pages.base import StatusPage
from flows.decisions.readiness import Check, State
from flows.decisions.readiness_access import (
    ApprovalWay,
    judge_approval,
    judge_keys,
    judge_self_test,
)
from flows.tasks.harmless import keys_of
from flows.tasks.immutability import immutability_of, self_test_of
from flows.tasks.incident import Estate, now
from flows.tasks.readiness_scene import Looks, Scene

RECOVERY = "disaster-recovery"
"""Name of the flow whose run waits for a person."""


def access(scene: Scene) -> Looks:
    """Return the looks at repositories' buckets and keys, at zones' keys, and at people."""
    estate = scene.estate
    repositories, zones = estate.repositories, estate.zones
    return [
        *((f"essai du dépôt {name}", partial(_self_test, estate, name)) for name in repositories),
        *((f"clés du dépôt {name}", partial(_keys, estate, name)) for name in repositories),
        *((f"clé DNS {name}", partial(_zone_key, scene, name)) for name in zones),
        *((f"annonces {name}", partial(_notifier, estate, name)) for name in estate.notifiers),
        *_clients(estate),
        ("accord", lambda: [judge_approval(approval_way())]),
    ]


def _self_test(estate: Estate, name: str) -> Sequence[Check]:
    others = [each for other, each in estate.repositories.items() if other != name]
    elsewhere = any(_is_proven(each) for each in others)
    test = self_test_of(estate.repositories[name])
    return (judge_self_test(name, estate.name, test, now(), proven_elsewhere=elsewhere),)


def _is_proven(repository: Repository) -> bool:
    try:
        return immutability_of(repository, now()).proven is True
    except ContinuityError:
        return False


def _keys(estate: Estate, name: str) -> Sequence[Check]:
    repository = estate.repositories[name]
    return (judge_keys(name, keys_of(repository)),)


def _zone_key(scene: Scene, name: str) -> Sequence[Check]:
    domains = {domain for site in scene.sites for domain in site.domains}
    who = scene.estate.zones[name].rehearse(domains)
    return (Check(f"clé DNS {name}", State.READY, f"{who} : modification acceptée, à blanc"),)


def _notifier(estate: Estate, name: str) -> Sequence[Check]:
    return (Check(f"annonces {name}", State.READY, estate.notifiers[name].check()),)


def _clients(estate: Estate) -> Looks:
    """Return the looks at the ways by which clients are told, those that are declared."""
    declared = estate.declared.client_news
    mail = ("courriel aux clients", lambda: _client_mail(declared.mail))
    page = ("page d'état", lambda: _status_page(declared.status_page))
    return [*([mail] if declared.mail else []), *([page] if declared.status_page else [])]


def _client_mail(reference: str) -> Sequence[Check]:
    seen = load(reference, ClientMail).check()
    return (Check("courriel aux clients", State.READY, seen),)


def _status_page(reference: str) -> Sequence[Check]:
    return (Check("page d'état", State.READY, load(reference, StatusPage).check()),)


def approval_way() -> ApprovalWay | None:
    """Ask Prefect how an approved recovery would go on; None without a Prefect server.

    Raises:
        Unreachable: The server does not answer as it must.
    """
    url = PREFECT_API_URL.value()
    if not url:
        return None
    try:
        with get_client(sync_client=True) as client:
            return _way(client)
    except (HTTPError, PrefectException) as error:
        cause = f"does not answer ({type(error).__name__})"
        raise Unreachable(f"Prefect server {url}", cause, "continuity status") from error


def _way(client: SyncPrefectClient) -> ApprovalWay:
    wanted = FlowFilter(name=FlowFilterName(any_=[RECOVERY]))
    deployed = client.read_deployments(flow_filter=wanted, limit=200)
    pools = sorted({each.work_pool_name for each in deployed if each.work_pool_name})
    workers = [each for pool in pools for each in client.read_workers_for_work_pool(pool)]
    return ApprovalWay(
        pools=tuple(pools),
        paused=tuple(pool for pool in pools if client.read_work_pool(pool).is_paused),
        workers=tuple(each.name for each in workers if each.status is WorkerStatus.ONLINE),
    )
