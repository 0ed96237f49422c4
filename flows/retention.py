"""Remove the sets that the rule no longer keeps, and renew the locks of all that is kept."""

from __future__ import annotations

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from blocks.errors import ContinuityError
from blocks.registry import names
from flows.decisions.immutability import judge
from flows.decisions.retention import RetentionRule
from flows.decisions.retention_plan import RetentionRecord, plan_retention
from flows.reports.lock_text import archive_locks_markdown
from flows.reports.retention_text import retention_markdown, retention_sentence
from flows.tasks.announcing import tell_failures
from flows.tasks.archive_locks import (
    keep_records,
    raise_if_archive_tampered,
    records_of,
    renew_archive_locks,
)
from flows.tasks.immutability import run_self_test
from flows.tasks.incident import Estate, open_estate
from flows.tasks.opening import hold_backup_lease, hold_server_lease
from flows.tasks.retention_steps import (
    look_at_clock,
    look_at_sets,
    raise_if_tampered,
    remove_sets,
    renew_locks,
)
from flows.tasks.work import side_by_side


def _run_name() -> str:
    return f"retention-{flow_run.parameters.get('server') or 'all'}"


@flow(
    name="retention",
    flow_run_name=_run_name,
    task_runner=side_by_side(4),
    persist_result=False,
)
def retention(server: str = "") -> list[str]:
    """Remove old recovery sets of one server or of all, and keep what is left locked.

    Preconditions: the estate is applied; the repository answers; no backup runs. The pruning key
    may hide objects and lengthen locks, and nothing else.
    Changes: removes manifests beyond the rule, then the snapshots and data that no kept set needs
    (in a versioned bucket: hides them); lengthens locks that end too soon.
    Undo: what was hidden comes back with `continuity repository rewind` while its versions last; a
    longer lock cannot be undone.
    Stops: before anything when the clock jumped; before removing when a recovery holds the server,
    when a set is damaged or has vanished. Locks are renewed all the same.

    Args:
        server: Nom du serveur (web1) ; vide pour tous les serveurs.
    """
    wanted = [server] if server else list(names("protected-server"))
    told: list[str] = []
    with tell_failures("Conservation") as failures:
        for name in wanted:
            with failures.of(name):
                told.append(_keep(open_estate(name)))
    return told


def _keep(estate: Estate) -> str:
    with hold_backup_lease(estate):
        previous = look_at_clock(estate)
        test = run_self_test(estate.repository)
        gone, stopped = _remove(estate, previous)
        renewed = renew_locks(estate, test.lock_mode)
        archives = renew_archive_locks(estate, test.lock_mode)
    keep_records(estate, records_of(estate, test.lock_mode, renewed.audit, archives))
    verdict = judge(test)
    if verdict.proven is not True:
        get_run_logger().warning("%s: %s", estate.name, verdict.sentence)
    text = retention_markdown(estate.name, test, verdict, renewed.audit, renewed.lengthened,
                              renewed.hidden, gone, str(stopped or ""))  # fmt: skip
    text += archive_locks_markdown(archives, test.lock_mode)
    create_markdown_artifact(key=f"retention-{estate.name}", markdown=text)
    raise_if_tampered(estate, renewed)
    raise_if_archive_tampered(estate, archives)
    if stopped:
        raise stopped
    return retention_sentence(estate.name, renewed.audit, renewed.lengthened, gone)


def _remove(
    estate: Estate, previous: RetentionRecord | None
) -> tuple[tuple[str, ...], ContinuityError | None]:
    """Remove what the rule no longer keeps; an error waits until the locks are renewed."""
    rule = estate.declared.retention
    try:
        with hold_server_lease(estate):
            view = look_at_sets(estate, previous)
            plan = plan_retention(
                view, RetentionRule(rule.last, rule.daily, rule.weekly, rule.monthly)
            )
            return remove_sets(estate, plan), None
    except ContinuityError as error:
        return (), error
