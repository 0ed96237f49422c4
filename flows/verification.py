"""Prove that what was backed up can be read, is what the servers hold, and can be restored."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from blocks.registry import names
from flows.decisions.verification_plan import Load
from flows.drill import drill
from flows.reports.verification_text import verification_document, verification_markdown
from flows.tasks.announcing import Failures, tell_failures
from flows.tasks.incident import Estate, open_estate
from flows.tasks.look import look_at_copies
from flows.tasks.opening import hold_verification_lease
from flows.tasks.standing import standing, standings
from flows.tasks.verification_steps import (
    compare_with_server,
    load_is_due,
    raise_unless_green,
    read_due_slices,
)


def _run_name() -> str:
    return f"verification-{flow_run.parameters.get('server') or 'all'}"


@flow(name="verification", flow_run_name=_run_name, persist_result=False)
def verification(server: str = "", load: Load = Load.DUE) -> list[dict[str, object]]:
    """Prove the backups of one server, or of all.

    Preconditions: the estate is applied; repositories and server answer; for a restore, a provider
    has room.
    Changes: nothing on the servers. Records what was read and proven in each repository's state
    store. A restore makes one isolated machine and destroys it (see `drill`).
    Undo: nothing to undo.
    Stops: never at a finding: the other looks go on, the next repository and the next server have
    their turn, and the run ends red. Green means, for every repository: a set was restored from it
    and compared within the promised time, every object in it was read within the promised time,
    and nothing found speaks against any set.

    Args:
        server: Nom du serveur à vérifier (web1) ; vide pour tous les serveurs.
        load: Restaurer un jeu pour le prouver (due : quand c'est nécessaire ; always ; never).
    """
    wanted = [server] if server else list(names("protected-server"))
    documents = []
    with tell_failures("Vérification", "verification", wanted) as failures:
        for name in wanted:
            with failures.of(name):
                documents.append(_verify_server(name, load))
    return documents


def _verify_server(name: str, load: Load) -> dict[str, object]:
    """Look at every repository, whatever was found in the others; then weigh all that is known."""
    estate = open_estate(name)
    with hold_verification_lease(estate):
        troubles = {each: _verify_copy(estate.only(each), load) for each in estate.repositories}
        known = standings(estate, look_at_copies(estate))
    weighed = known.weighed(troubles)
    document = verification_document(known, weighed)
    create_markdown_artifact(key=f"verification-{name}", markdown=verification_markdown(document))
    raise_unless_green(name, weighed)
    return document


def _verify_copy(estate: Estate, load: Load) -> tuple[str, ...]:
    """Look three times at one repository, whatever the earlier looks found; return what failed."""
    troubles, repository = Failures(), estate.repository_name
    with troubles.of("relecture"):
        read_due_slices(estate)
    with troubles.of("comparaison avec le serveur"):
        compare_with_server(estate, standing(estate).usable, subject=repository)
    with troubles.of("restauration"):
        if load_is_due(standing(estate), load):
            drill(server=estate.name, repository=repository)
    return tuple(f"{failure.what} : {failure.error}" for failure in troubles.found)
