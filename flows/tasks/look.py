"""Read the world before a recovery; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from blocks.errors import ContinuityError, NotFound
from blocks.repositories.catalogue import Catalogue, contradictions
from blocks.types import RecoverySet
from flows.decisions.recovery_plan import (
    ArchiveView,
    Observation,
    SiteSpec,
    TargetChoice,
    ZoneView,
)
from flows.decisions.set_choice import SetChoice, choose_set
from flows.reports.wording import answering_text, counted, moment
from flows.tasks.archive_look import look_at_archive, wanted_point
from flows.tasks.incident import Estate, Incident, StepNote, now
from flows.tasks.steps import step

SERVED_PORTS = (22, 80, 443)


@step("observe")
def observe(
    incident: Incident,
    note: StepNote,
    wanted_set: str = "",
    target: str = "",
    point: str = "",
) -> Observation:
    """Look at the old server, the recovery sets, the archive and the zones, side by side."""
    estate = incident.estate
    with ThreadPoolExecutor(max_workers=4) as pool:
        answering = pool.submit(answering_ports, estate)
        sets = pool.submit(usable_sets, estate)
        zones = [pool.submit(_view, ref, estate) for ref in estate.zones]
    found, refused = sets.result()
    choice, archive = _choose(estate, found, refused, wanted_set, point)
    seen = Observation(
        taken_at=now(),
        server=estate.name,
        address=estate.server.address,
        answering=answering.result(),
        choice=choice,
        sites=tuple(_site_spec(name, estate) for name in estate.sites),
        zones=tuple(view.result() for view in zones),
        targets=targets_of(estate, target),
        archive=archive,
    )
    note.saw = (
        f"{estate.name} {answering_text(seen.answering)} ; "
        f"{counted(len(found), 'jeu', 'jeux')} de sauvegarde, choisi : {choice.chosen.id}"
    )
    if archive.reaches:
        note.saw += f" ; archive jusqu'au {moment(archive.reaches)}"
    note.why = " ; ".join(f"zone {z.zone} illisible : {z.refused}" for z in seen.zones if z.refused)
    return seen


def _choose(
    estate: Estate,
    sets: Sequence[RecoverySet],
    refused: dict[str, str],
    wanted_set: str,
    point: str,
) -> tuple[SetChoice, ArchiveView]:
    """Return the newest set from which the point can be reached, and the archive behind it."""
    wanted = wanted_point(point)
    left = [each for each in sets if wanted.before is None or each.consistent_at <= wanted.before]
    if sets and not left:
        raise NotFound(
            f"point in time {point}",
            f"is older than the oldest set, {min(sets, key=lambda s: s.id).id}",
            f"continuity sets {estate.name}",
        )
    while True:
        choice = choose_set(estate.name, left, refused, wanted_set)
        try:
            return choice, look_at_archive(estate, choice.chosen, point)
        except NotFound:
            # A transaction may lie before the newest set.
            left = [each for each in left if each.id < choice.chosen.id]
            if not wanted.gtid or wanted_set or not left:
                raise


def answering_ports(estate: Estate) -> tuple[int, ...]:
    """Return the ports on which the declared server accepts connections now."""
    with ThreadPoolExecutor(max_workers=len(SERVED_PORTS)) as pool:
        answers = pool.map(
            lambda port: estate.server.answers(port, timeout=timedelta(seconds=2)), SERVED_PORTS
        )
    return tuple(port for port, open_ in zip(SERVED_PORTS, answers, strict=True) if open_)


def usable_sets(estate: Estate) -> tuple[Sequence[RecoverySet], dict[str, str]]:
    """Return the readable sets, and why any of the sets must not be used."""
    listing = Catalogue(estate.repository).list(estate.name)
    refused = dict(listing.refused)
    snapshots = estate.repository.snapshots(estate.name) if listing.sets else ()
    for each in listing.sets:
        against = contradictions(each, snapshots)
        if against:
            refused[each.id] = "; ".join(against)
    return listing.sets, refused


def _view(reference: str, estate: Estate) -> ZoneView:
    """Look at a zone, twice if that may help; one that cannot be read must not keep sites down."""
    zone, last = estate.zones[reference], False
    while True:
        try:
            return ZoneView(reference, zone.zone, zone.read())
        except ContinuityError as error:
            if last or not error.transient:
                return ZoneView(reference, zone.zone, (), refused=str(error))
        last = True


def targets_of(estate: Estate, wanted: str = "") -> tuple[TargetChoice, ...]:
    """Return the declared targets, or only those of the provider that the operator named."""
    declared = tuple(
        TargetChoice(each.provider, each.size, each.region) for each in estate.declared.targets
    )
    return tuple(
        replace(each, release=estate.providers[each.provider].release())
        for each in declared
        if not wanted or each.provider == wanted
    )


def _site_spec(name: str, estate: Estate) -> SiteSpec:
    site = estate.sites[name]
    fresh = site.freshness
    return SiteSpec(
        name=name,
        title=site.title,
        domains=tuple(site.domains),
        databases=tuple(site.databases),
        tier=site.tier,
        priority=site.priority,
        smoke=tuple(page.value() for page in site.smoke),
        freshness_database=fresh.database if fresh else "",
        freshness_query=fresh.query if fresh else "",
    )
