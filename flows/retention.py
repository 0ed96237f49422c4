"""Remove the sets that the rule no longer keeps, and renew the locks of all that is kept."""

from __future__ import annotations

from dataclasses import dataclass

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from blocks.errors import ContinuityError
from blocks.registry import names
from flows.decisions.archive_locks import KeptArchive, LockRecord
from flows.decisions.immutability import judge
from flows.decisions.retention_plan import RetentionRecord, plan_retention
from flows.reports.lock_text import archive_locks_markdown
from flows.reports.retention_text import (
    failed_section,
    retention_page,
    retention_section,
    retention_sentence,
)
from flows.tasks.announcing import Failures, tell_failures
from flows.tasks.archive_locks import (
    archive_records,
    keep_records,
    raise_if_archive_tampered,
    renew_archive_locks,
    repository_record,
)
from flows.tasks.immutability import run_self_test
from flows.tasks.incident import Estate, now, open_estate
from flows.tasks.opening import hold_backup_lease, hold_server_lease
from flows.tasks.retention_steps import (
    look_at_clock,
    look_at_sets,
    remove_sets,
    renew_locks,
    rule_of,
    tampering,
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

    Preconditions: the estate is applied; its repositories answer; no backup runs. The pruning key
    of each repository may hide objects and lengthen locks, and nothing else.
    Changes, in every repository: removes manifests beyond the rule, then the snapshots and data
    that no kept set needs (in a versioned bucket: hides them); lengthens locks that end too soon.
    Undo: what was hidden comes back with `continuity repository rewind` while its versions last; a
    longer lock cannot be undone.
    Stops: before anything when the clock jumped; before removing when a recovery holds the server,
    when a set is damaged or has vanished. Locks are renewed all the same. A repository that stops
    keeps no other one from its turn; the run ends red.

    Args:
        server: Nom du serveur (web1) ; vide pour tous les serveurs.
    """
    wanted = [server] if server else list(names("protected-server"))
    told: list[str] = []
    with tell_failures("Conservation") as failures:
        for name in wanted:
            with failures.of(name):
                told += _keep(open_estate(name), failures)
    return told


def _keep(estate: Estate, failures: Failures) -> list[str]:
    """Go through every repository, whatever was found in the others."""
    with hold_backup_lease(estate):
        kept = [_keep_in(estate, name) for name in estate.repositories]
        archives = dict[str, KeptArchive]()
        # By the sets of the first repository that answers; one that does not has its own failure.
        answering = [each.record.name for each in kept if each.record and not each.record.failed]
        with failures.of(estate.name):
            if answering:
                archives = renew_archive_locks(estate, answering[0])
    page = retention_page(estate.name, [each.section for each in kept])
    page += archive_locks_markdown(archives)
    create_markdown_artifact(key=f"retention-{estate.name}", markdown=page)
    for name, each in zip(estate.repositories, kept, strict=True):
        with failures.of(estate.name, name if estate.copies else ""):
            if each.trouble:
                raise each.trouble
    with failures.of(estate.name):
        if answering:
            made = [each.record for each in kept if each.record]
            made += archive_records(estate, archives)
            keep_records(estate, tuple(made))
        raise_if_archive_tampered(estate, archives)
    return [each.sentence for each in kept if each.sentence]


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of one repository: its part of the page, and a sentence or what went wrong."""

    section: str
    sentence: str = ""
    trouble: ContinuityError | None = None
    record: LockRecord | None = None


def _keep_in(estate: Estate, repository: str) -> Kept:
    alone = estate.only(repository)
    try:
        previous = look_at_clock(alone, subject=repository)
        test = run_self_test(alone.repository, subject=repository)
        gone, stopped = _remove(estate, alone, previous)
        renewed = renew_locks(alone, test.lock_mode, subject=repository)
    except ContinuityError as error:
        record = LockRecord(
            repository, "dépôt", now(), failed=f"verrous illisibles : {error.cause}"
        )
        return Kept(failed_section(repository, error), trouble=error, record=record)
    verdict = judge(test)
    if verdict.proven is not True:
        get_run_logger().warning("%s in %s: %s", estate.name, repository, verdict.sentence)
    section = retention_section(repository, test, verdict, renewed.audit, renewed.lengthened,
                                renewed.hidden, gone, str(stopped or ""))  # fmt: skip
    trouble = tampering(alone, renewed.audit) or renewed.trouble or stopped
    what = f"{estate.name}, dépôt {repository}"
    told = retention_sentence(what, renewed.audit, renewed.lengthened, gone)
    record = repository_record(alone, test.lock_mode, renewed.audit)
    return Kept(section, "" if trouble else told, trouble, record)


def _remove(
    estate: Estate, alone: Estate, previous: RetentionRecord | None
) -> tuple[tuple[str, ...], ContinuityError | None]:
    """Remove what the rule no longer keeps; an error waits until the locks are renewed."""
    repository = alone.repository_name
    try:
        with hold_server_lease(estate):
            view = look_at_sets(alone, previous, subject=repository)
            plan = plan_retention(view, rule_of(estate))
            return remove_sets(alone, plan, subject=repository), None
    except ContinuityError as error:
        return (), error
