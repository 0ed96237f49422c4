"""Say every day, site by site, whether a recovery would work today."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from blocks.errors import VerificationFailed
from blocks.registry import names
from flows.reports.readiness_text import problems, readiness_markdown
from flows.tasks.announcing import tell_failures
from flows.tasks.incident import open_estate
from flows.tasks.readiness_looks import readiness_of


def _run_name() -> str:
    return f"readiness-{flow_run.parameters.get('server') or 'all'}"


@flow(name="readiness", flow_run_name=_run_name, persist_result=False)
def readiness(server: str = "") -> list[dict[str, object]]:
    """Say of one server and its sites, or of all, whether a recovery would work today.

    Preconditions: the estate is applied.
    Changes: nothing.
    Undo: nothing to undo.
    Stops: never at a finding; what cannot be looked at counts as unknown. The run ends red when a
    site is not ready, and people are told what is missing.

    Args:
        server: Nom du serveur à contrôler (web1) ; vide pour tous les serveurs.
    """
    wanted = [server] if server else list(names("protected-server"))
    documents: list[dict[str, object]] = []
    with tell_failures("Contrôle avant sinistre") as failures:
        for name in wanted:
            with failures.of(name):
                documents.append(readiness_of(open_estate(name), subject=name))
        create_markdown_artifact(key="readiness", markdown=readiness_markdown(documents))
        for document in documents:
            with failures.of(str(document["server"])):
                _raise_unless_ready(document)
    return documents


def _raise_unless_ready(document: dict[str, object]) -> None:
    if not document["ready"]:
        name = document["server"]
        raise VerificationFailed(
            f"readiness of {name}", "; ".join(problems(document)), f"continuity readiness {name}"
        )
