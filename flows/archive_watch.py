"""See that every change reaches the archive within a minute, and tell when it does not."""

from __future__ import annotations

from datetime import timedelta

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from blocks.errors import ContinuityError
from blocks.registry import names
from flows.backup import backup
from flows.decisions.archive_state import ArchiveCondition
from flows.tasks.archive_watch_steps import announce, look, repair
from flows.tasks.incident import Estate, open_estate


def _run_name() -> str:
    return f"archive-watch-{flow_run.parameters.get('server') or 'all'}"


@flow(name="archive-watch", flow_run_name=_run_name, persist_result=False)
def archive_watch(server: str = "", limit_seconds: int = 60) -> dict[str, str]:
    """See that every change reaches the archive within a minute, and tell when it does not.

    Preconditions: the estate is applied; the repository answers.
    Changes: starts an agent that does not ship; takes a recovery set when what arrives does not
    lead on from the newest one (RESET MASTER, logs that were purged, a rebuilt server). Tells
    people once when the condition changes.
    Undo: nothing to undo.
    Stops: never; a server that cannot be looked at is told and does not keep others from it.

    Args:
        server: Nom du serveur à surveiller ; vide pour tous.
        limit_seconds: Retard en secondes au-delà duquel une alerte part.
    """
    found: dict[str, str] = {}
    for name in [server] if server else names("protected-server"):
        estate = open_estate(name)
        if estate.archive is not None:
            found[name] = _watch(estate, timedelta(seconds=limit_seconds))
    return found


def _watch(estate: Estate, limit: timedelta) -> str:
    """Look, mend what can be mended, and tell what was found before it was mended."""
    state = look(estate, limit)
    changed = announce(estate, state)
    try:
        if state.condition in (ArchiveCondition.LATE, ArchiveCondition.DEGRADED):
            repair(estate)
        elif state.condition is ArchiveCondition.BROKEN and changed:
            backup(estate.name)
    except ContinuityError as error:
        get_run_logger().warning("%s: %s", estate.name, error)
    return str(state.condition)
