"""Write the recovery document anew and keep it where it can be read when all else is gone."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.tasks.pra_keep import keep_document, keep_printed


@flow(name="document", flow_run_name="document", persist_result=False)
def document() -> str:
    """Write the recovery document (PRA) from the estate and the backups as they are now.

    Returns the digest of the estate that it describes.

    Preconditions: the estate is applied.
    Changes: the document and its change record, beside the journal in every repository.
    Undo: nothing to undo; a bucket with versions holds every earlier document.
    Stops: never at what is missing; the document itself says what that is.
    """
    written = keep_document(subject="document")
    create_markdown_artifact(key="pra", markdown=written.markdown)
    keep_printed(written, subject="document")
    return written.pra.versions[-1].digest
