"""Sweep one provider: destroy what drills left there, name what nobody can explain."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from blocks.errors import DamagedData, NotFound, ProviderError
from blocks.registry import load
from blocks.repositories.base import ObjectStore
from blocks.repositories.journal import Journal
from blocks.repositories.lease import is_held
from blocks.repositories.mirrored import GONE
from blocks.types import Machine
from blocks.vps.base import VpsProvider
from flows.decisions.sweep import Stranger, is_drill, machines_to_sweep, strange_machines
from flows.tasks.incident import Estate, now
from flows.tasks.work import work

OURS = {"managed-by": "continuity"}


@dataclass(frozen=True, slots=True)
class Swept:
    """What was found at one provider, and what was done.

    Attributes:
        destroyed: Names of drill machines that are gone now.
        kept: Names of drill machines whose drill still runs, or of which nobody can tell.
        others: How many machines of ours are no drill's.
        strangers: Those of them that should not exist.
        unknown: Why the drill of a kept machine could not be looked at.
    """

    provider: str
    destroyed: tuple[str, ...]
    kept: tuple[str, ...]
    others: int
    strangers: tuple[Stranger, ...]
    unknown: tuple[str, ...] = ()


@work("sweep")
def sweep_provider(estates: Mapping[str, Estate], reference: str, *, subject: str) -> Swept:
    """Destroy the drill machines at one provider that no living drill holds; look again.

    Raises:
        ProviderError: It does not answer, or a destroyed machine is still there.
    """
    provider = load(reference, VpsProvider)
    found = _ours(provider, reference)
    drills = [each for each in found if is_drill(each)]
    leases = {each.tags.get("incident", ""): _lease(estates, each) for each in drills}
    # Where nobody can tell, the machine's own expiry decides.
    live = {incident for incident, why in leases.items() if why is not None}
    left = machines_to_sweep(found, live, now())
    for machine in left:
        provider.destroy(machine.id)
    still = {each.id for each in _ours(provider, reference)} & {each.id for each in left}
    if still:
        raise ProviderError(
            f"drill machines {', '.join(sorted(still))}",
            f"are still at {reference} though it said that they were destroyed",
            "destroy them at the provider by hand, then: continuity sweep",
        )
    return Swept(
        reference,
        destroyed=tuple(each.name for each in left),
        kept=tuple(each.name for each in drills if each not in left),
        others=len(found) - len(drills),
        strangers=_strangers(estates, found),
        unknown=tuple(why for why in leases.values() if why),
    )


def news(estate: Estate, strangers: Sequence[Stranger]) -> list[Stranger]:
    """Return the strangers that nobody was told of yet; keep that they are told now."""
    now_here = {f"{each.machine.provider} {each.machine.id}": each for each in strangers}
    key = f"sweep/{estate.name}.json"
    told = _told(estate.state, key)
    if told != set(now_here):
        estate.state.put(key, json.dumps(sorted(now_here)).encode())
    return [each for name, each in now_here.items() if name not in told]


def server_of(estates: Mapping[str, Estate], machine: Machine) -> str:
    """Return the server whose people hear of a machine: its own, else the estate's first."""
    server = machine.tags.get("server", "")
    return server if server in estates else next(iter(estates))


def _ours(provider: VpsProvider, reference: str) -> list[Machine]:
    return [replace(each, provider=reference) for each in provider.find(OURS)]


def _lease(estates: Mapping[str, Estate], machine: Machine) -> str | None:
    """Return None if no living run holds the machine's drill, "" if one does, else why unknown.

    A drill takes its lease in every store that it reaches: one that does not answer may be the
    only one that knows. A server that the estate has forgotten may have kept it anywhere.
    """
    incident, server = (machine.tags.get(each, "") for each in ("incident", "server"))
    failures = []
    for estate in [estates[server]] if server in estates else estates.values():
        for name, store in estate.states().items():
            try:
                if is_held(store, f"drill-{incident}", now()):
                    return ""
            except (*GONE, DamagedData) as error:
                failures.append(f"{incident} : dépôt {name}, {error.cause}")
    return " ; ".join(failures) or None


def _strangers(estates: Mapping[str, Estate], machines: Sequence[Machine]) -> tuple[Stranger, ...]:
    others = [each for each in machines if not is_drill(each)]
    words = {
        incident: at
        for incident in {each.tags.get("incident", "") for each in others} - {""}
        if (at := _last_word(estates, incident)) is not None
    }
    in_service = {each.server.address for each in estates.values()}
    return strange_machines(others, words, in_service, now())


def _last_word(estates: Mapping[str, Estate], incident: str) -> datetime | None:
    """Return when an incident's journal was last written to, None if nobody has one."""
    said = [
        record.ended_at or record.started_at
        for estate in estates.values()
        for record in Journal(estate.state, incident).records()[-1:]
    ]
    return max(said, default=None)


def _told(store: ObjectStore, key: str) -> set[str]:
    try:
        return set(map(str, json.loads(store.get(key))))
    except NotFound:
        return set()
    except ValueError as error:
        raise DamagedData(key, "is no list of names", "remove this object") from error
