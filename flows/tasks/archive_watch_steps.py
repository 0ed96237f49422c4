"""Look after the archive of one server: how far it is, whether its agent runs, who is told."""

from __future__ import annotations

import json
from datetime import timedelta

from blocks.errors import ContinuityError, NotFound
from blocks.records import Notice
from blocks.repositories.catalogue import Catalogue
from flows.decisions.archive_state import ArchiveCondition, ArchiveState, judge_archive
from flows.decisions.log_chain import chain_logs
from flows.reports.wording import duration
from flows.tasks.announcing import tell
from flows.tasks.archive_look import EARLIER
from flows.tasks.incident import Estate, now
from flows.tasks.shipping import log_source, shipped_sites
from flows.tasks.work import work

_RECENT = timedelta(minutes=30)


@work("look")
def look(estate: Estate, limit: timedelta) -> ArchiveState:
    """Compare what lies in the bucket with the newest set and the clock."""
    assert estate.archive is not None  # noqa: S101 - the caller asked only for such servers
    try:
        sets = Catalogue(estate.repository).list(estate.name).sets
        with_archive = [each for each in sets if each.position and each.position.identity]
        newest = with_archive[-1] if with_archive else None
        since = newest.started_at - EARLIER if newest else now() - _RECENT
        listing = estate.archive.listing(estate.name, since)
    except ContinuityError as error:
        unknown = ArchiveCondition.UNKNOWN
        return ArchiveState(estate.name, unknown, None, None, f"illisible : {error}")
    if newest and newest.position:
        chain = chain_logs(listing, newest.position)
        reaches, gap = chain.reaches, chain.gap
    else:
        # Without databases the files alone are shipped: every pass counts.
        reaches, gap = (listing.seen_until, "") if estate.database is None else (None, "")
    return judge_archive(
        estate.name, now(), limit, listing.seen_until, reaches, gap, _agent(estate)
    )


def _agent(estate: Estate) -> str:
    """Return what the agent complains of; a server that cannot be reached is no news here."""
    assert estate.archive is not None  # noqa: S101
    try:
        state = estate.archive.state(estate.server)
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
    store = estate.repository.state()
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
    }
    return Notice(
        f"Archive de {state.server} : {heads[state.condition]}", state.detail, failed=True
    )
