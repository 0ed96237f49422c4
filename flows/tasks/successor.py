"""Find the machine that a server has become."""

from __future__ import annotations

from blocks.errors import NotFound
from blocks.types import Machine
from flows.decisions.recovery_plan import Purpose
from flows.decisions.verdict import Verdict
from flows.tasks.ending import reports
from flows.tasks.first_login import as_it_is_now
from flows.tasks.incident import Estate
from flows.tasks.machines import find_machines


def successor(estate: Estate, incident: str = "") -> Machine:
    """Return the machine of the newest recovery or move of this server, or of the named one.

    Raises:
        NotFound: None came to an end, or its machine is gone.
    """
    ended = {**reports(estate, Purpose.RECOVERY), **reports(estate, Purpose.FAILBACK)}
    good = {name: each for name, each in ended.items() if each["verdict"] != Verdict.FAILED}
    chosen = incident or max(good, key=lambda name: str(good[name]["down_since"]), default="")
    if chosen not in good:
        raise NotFound(
            f"incident {chosen or 'of ' + estate.name}",
            f"led {estate.name} to no other machine; ended: {', '.join(good) or 'none'}",
            "continuity status",
        )
    found = find_machines(estate, {"incident": chosen, "server": estate.name})
    if len(found) != 1:
        raise NotFound(
            f"machine of incident {chosen}",
            f"{len(found)} are there",
            "see what runs at the provider, then change the estate file by hand",
        )
    return as_it_is_now(estate, found[0])
