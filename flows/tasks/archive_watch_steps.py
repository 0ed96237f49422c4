"""Look after the archive of one server: how far it is, whether its agent runs, who is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from blocks.archives.places import merged
from blocks.errors import ContinuityError, NotFound
from blocks.records import Notice
from blocks.types import ArchiveListing, RecoverySet
from flows.decisions.archive_state import (
    ArchiveCondition,
    ArchiveState,
    PlaceState,
    judge_archive,
    judge_place,
)
from flows.decisions.log_chain import reach
from flows.reports.wording import duration
from flows.tasks.announcing import tell
from flows.tasks.archive_look import EARLIER, archived_sets
from flows.tasks.incident import Estate, now
from flows.tasks.shipping import log_source, shipped_sites
from flows.tasks.work import work

_RECENT = timedelta(minutes=30)


@work("look")
def look(estate: Estate, limit: timedelta) -> ArchiveState:
    """Compare what lies in the buckets with the newest set and the clock."""
    assert estate.archive is not None  # noqa: S101 - the caller asked only for such servers
    try:
        sets = archived_sets(estate)[:2]
        since = sets[-1].started_at - EARLIER if sets else now() - _RECENT
        found = estate.archive.afresh().listings(estate.name, since)
        listed = [each for each in found.values() if isinstance(each, ArchiveListing)]
        if not listed:
            raise next(each for each in found.values() if isinstance(each, ContinuityError))
    except ContinuityError as error:
        unknown = ArchiveCondition.UNKNOWN
        return ArchiveState(estate.name, unknown, None, None, f"illisible : {error}")
    places = tuple(_place(estate, name, each, sets, limit) for name, each in found.items())
    listing = merged(listed)
    reaches, gap = _reach(estate, listing, sets, limit)
    return judge_archive(
        estate.name, now(), limit, listing.seen_until, reaches, gap, _agent(estate), places
    )


def _place(
    estate: Estate,
    name: str,
    listing: ArchiveListing | ContinuityError,
    sets: Sequence[RecoverySet],
    limit: timedelta,
) -> PlaceState:
    if isinstance(listing, ContinuityError):
        return PlaceState(name, None, f"illisible : {listing.cause}")
    reaches, gap = _reach(estate, listing, sets, limit)
    return judge_place(name, now(), limit, listing.seen_until, reaches, gap)


def _reach(
    estate: Estate, listing: ArchiveListing, sets: Sequence[RecoverySet], limit: timedelta
) -> tuple[datetime | None, str]:
    """Return how far the newest set can be brought, and why no further."""
    if positions := [each.position for each in sets if each.position]:
        return reach(listing, positions, now(), limit)
    # Without databases the files alone are shipped: every pass counts.
    return (listing.seen_until, "") if estate.database is None else (None, "")


def _agent(estate: Estate) -> str:
    """Return what the agent complains of; a server that cannot be reached is no news here."""
    assert estate.archive is not None  # noqa: S101
    try:
        state = estate.archive.state(estate.server, estate.name)
    except ContinuityError as error:
        return f"serveur injoignable : {error.cause}"
    return state.error if state.running else "l'agent est arrêté"


@work("repair")
def repair(estate: Estate) -> bool:
    """Start the agent again, with today's settings; return whether anything was changed."""
    assert estate.archive is not None  # noqa: S101
    logs = log_source(estate, estate.server)
    return estate.archive.start(estate.server, estate.name, logs, shipped_sites(estate))


@work("announce")
def announce(estate: Estate, state: ArchiveState) -> bool:
    """Tell people when the condition changed since the last look; return whether they were told."""
    key = f"archive/{estate.name}/condition.json"
    store = estate.state
    try:
        before = str(json.loads(store.get(key))["condition"])
    except NotFound:
        before = str(ArchiveCondition.CURRENT)
    if before == state.condition:
        return False
    tell(estate.name, _notice(state))
    store.put(key, json.dumps({"condition": state.condition, "at": now().isoformat()}).encode())
    return True


def _notice(state: ArchiveState) -> Notice:
    if state.condition is ArchiveCondition.CURRENT:
        text = f"Archive de {state.server} : à jour de nouveau (retard {duration(state.lag)})"
        return Notice(text)
    heads = {
        ArchiveCondition.LATE: "en retard",
        ArchiveCondition.BROKEN: "interrompue",
        ArchiveCondition.UNKNOWN: "inconnue",
        ArchiveCondition.DEGRADED: "à jour, mais pas dans chaque exemplaire",
    }
    return Notice(
        f"Archive de {state.server} : {heads[state.condition]}", state.detail, failed=True
    )
