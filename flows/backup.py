"""Take a recovery set of a server: databases, then files, checked, committed by a manifest."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.futures import wait
from prefect.runtime import flow_run

from blocks.databases.base import Database
from blocks.registry import names
from blocks.repositories.catalogue import Catalogue
from blocks.types import (
    DatabaseFacts,
    Frequency,
    LogSource,
    Part,
    Position,
    RecoverySet,
    ServerFacts,
    Snapshot,
)
from flows.decisions.backup_plan import plan_backup
from flows.decisions.recovery_decision import ways_back
from flows.reports.backup_text import backup_markdown
from flows.reports.plan_text import ways_text
from flows.reports.protection_text import copies_markdown
from flows.tasks.announcing import tell_failures
from flows.tasks.backup_steps import (
    BackupRun,
    guard_backup,
    identify,
    publish,
    read_back,
    read_facts,
    reference,
    save_configuration,
    save_site,
    save_stream,
    ship_again,
    sites_of,
    start_archive,
    write_canary,
)
from flows.tasks.copies import copy_everywhere
from flows.tasks.incident import Estate, now, open_estate
from flows.tasks.look import targets_of
from flows.tasks.opening import hold_backup_lease
from flows.tasks.protection import protection_of
from flows.tasks.work import side_by_side, submit


def _run_name() -> str:
    parameters = flow_run.parameters
    return f"backup-{parameters.get('server') or 'all'}-{parameters.get('frequency', 'daily')}"


@flow(
    name="backup",
    flow_run_name=_run_name,
    task_runner=side_by_side(16),
    persist_result=False,
)
def backup(server: str = "", frequency: Frequency = Frequency.DAILY) -> list[str]:
    """Take a recovery set of one server, or of all servers that have a site due.

    Preconditions: the estate is applied; server, database and repository answer.
    Changes: writes the canary (one row, one file) on the server; adds snapshots and one manifest to
    the repository; copies what the server's further repositories lack (a copy that fails is told,
    and made by the next run). Old sets are removed by another flow, `retention`.
    Undo: nothing to undo; a run that fails leaves earlier sets as they were, and no manifest.
    Stops: at the first part that fails; the next server still has its turn.

    Args:
        server: Nom du serveur à sauvegarder (web1) ; vide pour tous les serveurs.
        frequency: daily prend les sites quotidiens, weekly prend tous les sites.
    """
    wanted = [server] if server else list(names("protected-server"))
    made: list[str] = []
    with tell_failures("Sauvegarde", "backup", wanted) as failures:
        for name in wanted:
            with failures.of(name):
                taken = _backup_server(name, frequency, even_if_nothing_is_due=bool(server))
                made += [taken.id] if taken else []
    return made


def _backup_server(
    name: str, frequency: Frequency, *, even_if_nothing_is_due: bool
) -> RecoverySet | None:
    estate = open_estate(name)
    with hold_backup_lease(estate):
        facts, database = read_facts(estate)
        previous = Catalogue(estate.repository).list(name).sets
        plan = plan_backup(
            name,
            sites_of(estate),
            frequency,
            previous[-1] if previous else None,
            now(),
            stored=_stored(estate, database),
        )
        if not plan.due and not even_if_nothing_is_due:
            return None
        guard_backup(plan, facts, database)
        made = _take(BackupRun(estate, plan), facts, database)
        copies = copy_everywhere(estate)
    targets = targets_of(estate)
    page = backup_markdown(made, ways_text(targets, ways_back(made, targets)))
    page += copies_markdown(copies, protection_of(estate), estate.declared.accept_shared_domain)
    create_markdown_artifact(key=f"backup-{name}", markdown=page)
    return made


def _stored(estate: Estate, facts: DatabaseFacts | None) -> set[str] | None:
    """Return the databases on the server; the canary's is there as soon as the backup begins."""
    if estate.database is None or facts is None:
        return None
    return {schema.name for schema in facts.schemas} | {estate.database.canary_home()}


def _take(run: BackupRun, facts: ServerFacts, database: DatabaseFacts | None) -> RecoverySet:
    """Take all parts, read them back, and commit.

    Databases come first: the files then hold at least what the rows name.
    """
    estate, plan = run.estate, run.plan
    estate.repository.initialise(plan.server)
    estate.repository.prepare(estate.server, plan.server)
    logs = start_archive(run)
    canary = write_canary(run)
    snapshots, position, after = _save_databases(run, estate.database, logs)
    later = [submit(save_site, run, site, subject=site.name) for site in plan.due]
    later.append(submit(save_configuration, run))
    wait(later)
    snapshots += [future.result() for future in later]
    ship_again(run)
    made = RecoverySet(
        id=plan.set_id,
        server=plan.server,
        frequency=plan.frequency,
        started_at=plan.started_at,
        consistent_at=position.at if position else plan.started_at,
        finished_at=now(),
        sites=tuple(sorted(estate.sites)),
        snapshots=(*(reference(each) for each in snapshots), *plan.carried),
        server_facts=facts,
        database_facts=database,
        position=position,
        canary=canary,
        read_back=read_back(run),
        database_facts_after=after,
    )
    return publish(run, made)


def _save_databases(
    run: BackupRun, database: Database | None, logs: LogSource | None
) -> tuple[list[Snapshot], Position | None, DatabaseFacts | None]:
    """Copy the whole service, count its rows again, then dump each database side by side."""
    if database is None or not run.plan.has_database:
        return [], None, None
    physical = save_stream(run, Part.PHYSICAL, subject=run.plan.server)
    position = identify(run, database.physical_position(run.estate.server), logs)
    after = database.facts(run.estate.server)
    dumps = [submit(save_stream, run, Part.DATABASE, subject=name) for name in run.plan.databases]
    dumps.append(submit(save_stream, run, Part.GRANTS, subject=run.plan.server))
    wait(dumps)
    return [physical, *(future.result() for future in dumps)], position, after
