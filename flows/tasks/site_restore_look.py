"""Look at what one site can go back to, and plan it; nothing here changes anything."""

from __future__ import annotations

from dataclasses import asdict

from blocks.databases.base import Database
from blocks.errors import ConfigurationError
from blocks.types import DatabaseContent
from flows.decisions.site_restore import (
    SiteMark,
    SiteRestorePlan,
    SiteSight,
    command,
    decide_site_restore,
    read_mark,
)
from flows.decisions.site_restore_guard import (
    require_no_broken_load,
    require_physical,
    require_site,
)
from flows.reports.wording import moment
from flows.tasks.approval import PLAN
from flows.tasks.archive_look import chain_behind, spans_to, wanted_point
from flows.tasks.incident import Estate, Incident, Source, StepNote
from flows.tasks.look import choose_for_point, usable_copies
from flows.tasks.steps import step

MARK = "site-restore"
"""Marker on the server: whose databases are being replaced, and how far that is."""


@step("observe")
def look_back(
    incident: Incident, note: StepNote, site: str, point: str, wanted_set: str
) -> SiteSight:
    """Look at the sets and how far the archive leads; refuse what cannot end well.

    Raises:
        NotFound: No such site; or the point cannot be reached, the hint names the furthest one.
        ConfigurationError: The site has no database.
        UnsafePlan: No set can be used here, or another site is half loaded.
    """
    estate = incident.estate
    databases = {name: each.databases for name, each in estate.sites.items()}
    require_site(estate.name, site, databases)
    _require_archive(estate, site, point)
    copies = usable_copies(estate)
    found, archive = choose_for_point(estate, copies, wanted_set, point, command(site))
    chosen = found.choice.chosen
    require_physical(chosen, database_of(estate).installed_series(estate.server))
    mark = mark_of(estate)
    require_no_broken_load(site, mark)
    assert archive.end is not None  # noqa: S101 - a point is wanted, so it was found
    incident.sources = tuple(
        Source(name, estate.repositories[name], held) for name, held in found.held
    )
    note.saw = f"jeu {chosen.id} ; point trouvé : transaction {archive.end.gtid}"
    note.saw += f", {moment(archive.end.at)}" if archive.end.at else ""
    note.why = " ; ".join(found.notes)
    return SiteSight(
        server=estate.name,
        site=site,
        title=estate.sites[site].title,
        databases=tuple(sorted(databases[site])),
        chosen=chosen,
        wanted=point,
        end=archive.end,
        spans=spans_to(chain_behind(estate, chosen), archive.end),
        shared=_sharing(site, estate),
        notes=tuple(found.notes),
        mark=mark,
    )


def _require_archive(estate: Estate, site: str, point: str) -> None:
    if estate.archive is None:
        raise ConfigurationError(
            f"archive of {estate.name}",
            "is not declared: there is no moment to go back to",
            "load a dump by hand: docs/restore-by-hand.md; declare `archive` for the next time",
        )
    if wanted_point(point).latest:
        hint = f'{command(site)} --at "2026-11-23 10:26:18"'
        raise ConfigurationError("point in time", "is not given", hint)


def _sharing(site: str, estate: Estate) -> tuple[str, ...]:
    mine = set(estate.sites[site].databases)
    others = estate.sites.items()
    return tuple(name for name, each in others if name != site and mine & set(each.databases))


def decide(incident: Incident, seen: SiteSight, then: DatabaseContent) -> SiteRestorePlan:
    """Return the plan, written to the journal before anybody is asked about it."""
    estate, database = incident.estate, database_of(incident.estate)
    with incident.step("plan") as note:
        present = database.content(estate.server, seen.databases, checksums=False)
        rights = database.accounts(estate.server)
        plan = decide_site_restore(incident.id, seen, then, present, rights)
        note.did = f"plan {plan.digest} : {', '.join(plan.databases)}"
        note.data = {"digest": plan.digest}
        incident.journal.put_document(PLAN, asdict(plan))
    incident.plan = plan
    return plan


def mark_of(estate: Estate) -> SiteMark | None:
    """Return what an earlier run left on the server."""
    return read_mark(estate.server.read_marker(MARK))


def database_of(estate: Estate) -> Database:
    """Return the service of a server whose site has databases."""
    assert estate.database is not None  # noqa: S101 - a site with databases has a service
    return estate.database
