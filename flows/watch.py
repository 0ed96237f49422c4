"""Look at the sites from several places, and have the recovery of a lost server prepared."""

from __future__ import annotations

from datetime import timedelta

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from blocks.errors import ContinuityError, LeaseHeld
from blocks.registry import names
from flows.decisions.timeline import Mark
from flows.reports.alert_text import headline, received_text
from flows.tasks.incident import open_estate
from flows.tasks.watch_look import look_twice
from flows.tasks.watch_steps import conclude
from flows.tasks.work import side_by_side, submit


def _run_name() -> str:
    return f"watch-{flow_run.parameters.get('server') or 'all'}"


@flow(
    name="watch",
    flow_run_name=_run_name,
    task_runner=side_by_side(8),
    persist_result=False,
)
def watch(server: str = "", alert: str = "", confirm_seconds: float = 10) -> dict[str, str]:
    """Look at the sites as visitors do, from several places; prepare the recovery of a lost server.

    Preconditions: the estate is applied.
    Changes: nothing on any server. Tells people when what is known of a server changes, once; asks
    for a recovery, which shows its plan and waits for a person, when two places see nothing answer
    twice and none waits or runs already.
    Undo: refuse the plan.
    Stops: never at a finding; what cannot be seen is unknown.

    Args:
        server: Nom du serveur à regarder (web1) ; vide pour tous.
        alert: Ce qui a fait regarder, par exemple une alerte reçue ; vide pour l'horaire.
        confirm_seconds: Secondes entre le premier regard et celui qui le confirme.
    """
    log = get_run_logger()
    if alert:
        log.info("asked for by %s", alert)
    estates = [open_estate(name) for name in ([server] if server else names("protected-server"))]
    heard = Mark(flow_run.scheduled_start_time, received_text(alert)) if alert else None
    pause = timedelta(seconds=confirm_seconds)
    looks = {each.name: submit(look_twice, each, pause, subject=each.name) for each in estates}
    found: dict[str, str] = {}
    failures: list[ContinuityError] = []
    for estate in estates:
        seen = looks[estate.name].result()
        log.info("%s", headline(seen))
        found[estate.name] = str(seen.condition)
        try:
            conclude(estate, seen, f"watch-{flow_run.id}", heard, subject=estate.name)
        except LeaseHeld as other:
            log.info("%s: %s", estate.name, other)
        except ContinuityError as error:
            log.warning("%s: %s", estate.name, error)
            failures.append(error)
    if failures:
        raise failures[0]
    return found
