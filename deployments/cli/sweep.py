"""`continuity sweep`: destroy what killed drills left behind."""

from __future__ import annotations

import json

from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.page import show
from deployments.cli.progress import shown
from flows.reports.sweep_text import sweep_markdown


def sweep(as_json: Json = False, local: Local = False, estate: EstateFile = None) -> None:
    """Destroy the machines of drills that no longer run; name machines that nothing explains.

    Exit codes: 0 nothing is left, 1 a provider did not answer or a machine could not be destroyed.
    """
    from flows.sweep import sweep as run

    with connected(local=local, estate=estate, quiet=as_json), shown():
        document = run()
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        show(sweep_markdown(document))
