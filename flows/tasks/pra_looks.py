"""Look at one server for the recovery document; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from blocks.errors import ContinuityError
from blocks.types import MachineSize
from flows.decisions.protection import CopyView, Digit
from flows.decisions.recovery_decision import decide_recovery
from flows.decisions.recovery_plan import (
    Observation,
    Purpose,
    RecoveryPlan,
    TargetChoice,
    ZoneView,
)
from flows.tasks.floating import floating_of
from flows.tasks.incident import Estate, now
from flows.tasks.look import (
    choose_for_point,
    look_at_copies,
    shared_domain_notes,
    site_spec,
    targets_of,
    zone_view,
)
from flows.tasks.protection import protection_of

UNREAD = "au moment où ce document a été établi"
"""Stands for a vendor's own words, which are not French."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What was seen of one server's world.

    Attributes:
        sizes: What would be tried at each target; one whose provider did not answer is missing.
    """

    copies: tuple[CopyView, ...]
    views: tuple[ZoneView, ...]
    sizes: Mapping[TargetChoice, tuple[MachineSize, ...]]
    rule: tuple[Digit, ...]
    plan: RecoveryPlan | None


def look(estate: Estate) -> Looks:
    """Look at a server's world; what does not answer is left out: readiness says why."""
    copies = [
        replace(copy, failed=copy.failed and f"ne répondait pas {UNREAD}")
        for copy in look_at_copies(estate)
    ]
    views = tuple(_zones(estate))
    return Looks(
        copies=tuple(copies),
        views=views,
        sizes=_sizes(estate),
        rule=_rule(estate, copies),
        plan=_plan(estate, copies, views),
    )


def _zones(estate: Estate) -> list[ZoneView]:
    views = [zone_view(reference, estate) for reference in estate.zones]
    return [replace(view, refused=view.refused and UNREAD) for view in views]


def _sizes(estate: Estate) -> dict[TargetChoice, tuple[MachineSize, ...]]:
    found = {}
    for each in targets_of(estate):
        with suppress(ContinuityError):
            provider = estate.providers[each.provider]
            found[each] = provider.candidates(each.size, each.region, each.needs)
    return found


def _plan(
    estate: Estate, copies: Sequence[CopyView], views: tuple[ZoneView, ...]
) -> RecoveryPlan | None:
    """Return what a recovery would do if the server were gone now; None if none can be made."""
    if not any(copy.usable() for copy in copies):
        return None
    try:
        chosen, archive = choose_for_point(estate, copies, "", "", "")
        seen = Observation(
            taken_at=now(),
            server=estate.name,
            address=estate.server.address,
            answering=(),
            choice=chosen.choice,
            sites=tuple(site_spec(name, estate) for name in estate.sites),
            zones=views,
            targets=targets_of(estate),
            archive=archive,
            notes=(*chosen.notes, *shared_domain_notes(estate)),
            floating=floating_of(estate),
        )
        return decide_recovery(seen, "INCIDENT", Purpose.RECOVERY)
    except ContinuityError:  # the document says so, and which command tells why
        return None


def _rule(estate: Estate, copies: Sequence[CopyView]) -> tuple[Digit, ...]:
    try:
        return protection_of(estate, copies)
    except ContinuityError:
        return ()
