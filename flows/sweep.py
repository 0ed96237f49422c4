"""Destroy what killed drills left behind, at every provider, every hour."""

from __future__ import annotations

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from blocks.errors import Unavailable
from blocks.records import Notice
from blocks.registry import names, references
from blocks.vps.base import VpsProvider
from flows.reports.sweep_text import stranger_text, sweep_document, sweep_markdown
from flows.tasks.announcing import Failures, tell, tell_failures
from flows.tasks.incident import Estate, open_estate
from flows.tasks.sweeping import Swept, news, server_of, sweep_provider

HEADING = "Ménage des machines d'exercice"


@flow(name="sweep", flow_run_name="sweep", persist_result=False)
def sweep() -> dict[str, object]:
    """Destroy what killed drills left behind, at every provider that the estate knows.

    Preconditions: the estate is applied.
    Changes: destroys machines whose tags say that they are ours and a drill's, when no living run
    holds their drill or their time is over. A machine of anything else is never touched: one that
    nothing explains is told once to people.
    Undo: nothing to undo; a drill can be run again.
    Stops: never; a provider that does not answer does not keep the others from being swept, and the
    run ends red.
    """
    estates: dict[str, Estate] = {}
    swept: list[Swept] = []
    with tell_failures(HEADING) as failures:
        for name in names("protected-server"):
            with failures.of(name):
                estates[name] = open_estate(name)
        for reference in references(VpsProvider):
            with failures.of(_user(estates, reference)):
                swept.append(sweep_provider(estates, reference, subject=reference))
        for each in swept:
            _tell_doubts(estates, each, failures)
        _tell_strangers(estates, swept, failures)
        document = sweep_document(swept, [str(each.error) for each in failures.found])
        create_markdown_artifact(key="sweep", markdown=sweep_markdown(document))
    return document


def _user(estates: dict[str, Estate], reference: str) -> str:
    """Return the server whose people hear of a provider: one that uses it, else the first."""
    using = [name for name, each in estates.items() if reference in each.providers]
    return next(iter([*using, *estates, reference]))


def _tell_doubts(estates: dict[str, Estate], swept: Swept, failures: Failures) -> None:
    for why in swept.unknown:
        with failures.of(_user(estates, swept.provider)):
            raise Unavailable(
                f"drill machines at {swept.provider}",
                f"nobody can tell whether their drill still runs ({why})",
                "make the repository answer, then: continuity sweep",
            )


def _tell_strangers(estates: dict[str, Estate], swept: list[Swept], failures: Failures) -> None:
    found = [each for one in swept for each in one.strangers]
    for name, estate in estates.items():
        ours = [each for each in found if server_of(estates, each.machine) == name]
        with failures.of(name):
            for each in news(estate, ours):
                get_run_logger().warning("%s", stranger_text(each))
                tell(name, Notice("Une machine que rien n'explique", stranger_text(each)))
