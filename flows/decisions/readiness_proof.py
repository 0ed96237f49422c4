"""Judge, for readiness, whether each site is proven as it is declared today."""

from __future__ import annotations

from collections.abc import Sequence

from flows.decisions.readiness import Check, State
from flows.decisions.site_proof import SiteStanding, SiteState
from flows.reports.wording import moment

STATES = {
    SiteState.PROVEN: State.READY,
    # What changed since may well come back; nobody has seen it.
    SiteState.AGAIN: State.UNKNOWN,
    SiteState.NEVER: State.FAILED,
}


def judge_site_proofs(server: str, known: Sequence[SiteStanding]) -> tuple[Check, ...]:
    """Say of each site whether it is proven, and else what to type."""
    return tuple(
        Check(
            "preuve du site",
            STATES[each.state],
            each.why or f"rétabli le {moment(each.at)}",
            "" if each.state is SiteState.PROVEN else f"continuity drill {server}",
            site=each.site,
        )
        for each in known
    )
