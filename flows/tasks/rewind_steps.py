"""Look at all versions of a repository, and make those of a moment the newest again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from pydantic import TypeAdapter

from blocks.errors import VerificationFailed
from blocks.repositories.base import Repository
from blocks.repositories.sealed import get_sealed, put_sealed
from blocks.types import KeyRole
from flows.decisions.rewind import RewindPlan, plan_rewind
from flows.tasks.incident import Estate, now
from flows.tasks.retention_steps import record_key
from flows.tasks.work import work

_AT_ONCE = 8
_plans = TypeAdapter(RewindPlan)


def plan_of(estate: Estate, to: datetime) -> RewindPlan:
    """Look at all versions and decide; changes nothing."""
    versions = estate.repository.versions(KeyRole.WORKER).versions(f"{estate.name}/")
    return plan_rewind(estate.name, versions, to, now())


def approved_before(estate: Estate) -> RewindPlan | None:
    """Return the plan that was approved last, None if there was none."""
    document = get_sealed(estate.repository, _key(estate))
    return _plans.validate_python(document) if document else None


@work("rewind-look")
def observe(estate: Estate, to: datetime) -> RewindPlan:
    """Look at all versions and decide."""
    return plan_of(estate, to)


@work("rewind-apply")
def apply(estate: Estate, plan: RewindPlan) -> None:
    """Write down what was approved, then put versions back and hide what was added."""
    before = approved_before(estate)
    if before is None or before.to != plan.to or not plan.actions() <= before.actions():
        put_sealed(estate.repository, _key(estate), _plans.dump_python(plan, mode="json"))
    carry_out(estate.repository, plan)
    # Sets that were taken since are not seen any more, and that is no reason to stop retention.
    estate.repository.state().remove(record_key(estate))


def carry_out(repository: Repository, plan: RewindPlan) -> None:
    """Put versions back, then hide what was added; can be repeated."""
    seen = repository.versions(KeyRole.WORKER)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rewind") as pool:
        # In this order a reader in between finds too much rather than too little.
        list(pool.map(lambda each: seen.put_back(each.key, each.version), plan.put_back))
        list(pool.map(seen.hide, plan.hide))


@work("rewind-verify")
def verify(estate: Estate, to: datetime, began: datetime) -> None:
    """Look again; read what was put back and compare it with its names.

    Raises:
        VerificationFailed: Something is still not as it was.
        DamagedData: What was put back is not what its name says.
    """
    left = plan_of(estate, to)
    if not left.empty:
        raise VerificationFailed(
            f"rewind of {estate.name}",
            f"{len(left.actions())} objects are still not as they were: somebody goes on writing",
            "change the server's key in the bucket's provider, then run the same command again",
        )
    estate.repository.read_back(estate.name, began)


def _key(estate: Estate) -> str:
    return f"rewinds/{estate.name}.json"
