"""Read the world before a recovery; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from blocks.errors import ContinuityError, NotFound
from blocks.repositories.base import Repository
from blocks.repositories.catalogue import Catalogue, contradictions
from blocks.types import RecoverySet
from flows.decisions.copy_choice import CopyChoice, choose_copy
from flows.decisions.protection import CopyView, spread
from flows.decisions.recovery_plan import (
    ArchiveView,
    Observation,
    SiteSpec,
    TargetChoice,
    ZoneView,
)
from flows.reports.wording import answering_text, counted, moment
from flows.tasks.archive_look import look_at_archive, wanted_point
from flows.tasks.floating import carrier, floating_of
from flows.tasks.immutability import immutability_of
from flows.tasks.incident import Estate, Incident, Source, StepNote, now
from flows.tasks.steps import step

SERVED_PORTS = (22, 80, 443)


@step("observe")
def observe(
    incident: Incident,
    note: StepNote,
    wanted_set: str = "",
    target: str = "",
    point: str = "",
    repository: str = "",
) -> Observation:
    """Look at the old server, the recovery sets, the archive and the zones, side by side.

    With `repository`, only at the sets in this one of the server's repositories.
    """
    estate = incident.estate
    with ThreadPoolExecutor(max_workers=4) as pool:
        answering = pool.submit(ports_of_lost, incident)
        looking = pool.submit(usable_copies, estate.only(repository) if repository else estate)
        zones = [pool.submit(zone_view, ref, estate) for ref in estate.zones]
    copies = looking.result()
    again = f"continuity recover {estate.name}"
    chosen, archive = choose_for_point(estate, copies, wanted_set, point, again)
    choice = chosen.choice
    incident.sources = tuple(
        Source(name, estate.repositories[name], held) for name, held in chosen.held
    )
    seen = Observation(
        taken_at=now(),
        server=estate.name,
        address=estate.server.address,
        answering=answering.result(),
        choice=choice,
        sites=tuple(site_spec(name, estate) for name in estate.sites),
        zones=tuple(view.result() for view in zones),
        targets=targets_of(estate, target),
        archive=archive,
        notes=(*chosen.notes, *shared_domain_notes(estate)),
        floating=floating_of(estate),
        adopted=_adopted(incident),
    )
    found = {each.id for copy in copies for each in copy.sets}
    note.saw = (
        f"{estate.name} {answering_text(seen.answering)} ; "
        f"{counted(len(found), 'jeu', 'jeux')} de sauvegarde, choisi : {choice.chosen.id}"
    )
    if archive.reaches:
        note.saw += f" ; archive jusqu'au {moment(archive.reaches)}"
    unread = [f"zone {z.zone} illisible : {z.refused}" for z in seen.zones if z.refused]
    note.why = " ; ".join([*chosen.notes, *unread])
    return seen


def choose_for_point(
    estate: Estate, copies: Sequence[CopyView], wanted_set: str, point: str, again: str
) -> tuple[CopyChoice, ArchiveView]:
    """Return the newest set from which the point can be reached, and the archive behind it.

    Args:
        estate: Whose sets.
        copies: The repositories as they were looked at.
        wanted_set: A set that the operator named.
        point: As the operator wrote it, "" for as far as possible.
        again: The command, without its options, that hints give.

    Raises:
        NotFound: No set leads to the point.
    """
    wanted = wanted_point(point)
    sets = [each for copy in copies for each in copy.sets]
    left = _limited(copies, lambda s: wanted.before is None or s.consistent_at < wanted.before)
    if sets and not any(copy.sets for copy in left):
        raise NotFound(
            f"point in time {point}",
            f"is older than the oldest set, {min(sets, key=lambda s: s.id).id}",
            f"continuity sets {estate.name}",
        )
    while True:
        found = choose_copy(estate.name, left, wanted_set, again)
        try:
            return found, look_at_archive(estate, found.choice.chosen, point, again)
        except NotFound:
            # A transaction may lie before the newest set.
            left = _older(left, found.choice.chosen.id)
            if not wanted.gtid or wanted_set or not any(copy.sets for copy in left):
                raise


def _older(copies: Sequence[CopyView], than: str) -> tuple[CopyView, ...]:
    """Return the views with the sets that were taken before this one."""
    return _limited(copies, lambda each: each.id < than)


def _limited(
    copies: Sequence[CopyView], keep: Callable[[RecoverySet], bool]
) -> tuple[CopyView, ...]:
    """Return the views with those of their sets that may be chosen."""
    return tuple(replace(each, sets=tuple(s for s in each.sets if keep(s))) for each in copies)


def answering_ports(estate: Estate) -> tuple[int, ...]:
    """Return the ports on which the declared server accepts connections now."""
    with ThreadPoolExecutor(max_workers=len(SERVED_PORTS)) as pool:
        answers = pool.map(
            lambda port: estate.server.answers(port, timeout=timedelta(seconds=2)), SERVED_PORTS
        )
    return tuple(port for port, open_ in zip(SERVED_PORTS, answers, strict=True) if open_)


def ports_of_lost(incident: Incident) -> tuple[int, ...]:
    """Return the ports on which the lost server accepts connections now.

    None once its address leads to the new machine: who answers there is another one.
    """
    return () if carrier(incident) else answering_ports(incident.estate)


def _adopted(incident: Incident) -> str:
    """Return the incident's machine that the estate file names as the server, "" if it does not."""
    held = carrier(incident)
    return held if held and held == incident.estate.declared.origin_machine else ""


def serves(seen: Observation) -> bool:
    """Return whether the old server was found to serve pages."""
    return any(port != SERVED_PORTS[0] for port in seen.answering)


def usable_copies(estate: Estate) -> tuple[CopyView, ...]:
    """Look at all repositories to recover from one of them.

    Raises:
        ContinuityError: None has a set, and one could not be read; what the first of those said.
    """
    found = _look(estate)
    failures = [error for _, error in found if error]
    if failures and not any(view.sets for view, _ in found):
        raise failures[0]
    return tuple(view for view, _ in found)


def look_at_copies(estate: Estate) -> tuple[CopyView, ...]:
    """Look at all repositories, side by side; one that cannot be read says why."""
    return tuple(view for view, _ in _look(estate))


def _look(estate: Estate) -> list[tuple[CopyView, ContinuityError | None]]:
    with ThreadPoolExecutor(max_workers=len(estate.repositories)) as pool:
        running = {
            name: pool.submit(_copy_view, estate.name, name, each)
            for name, each in estate.repositories.items()
        }
    return [_looked(estate.repositories[name], name, each) for name, each in running.items()]


def _looked(
    repository: Repository, name: str, look: Future[CopyView]
) -> tuple[CopyView, ContinuityError | None]:
    try:
        return look.result(), None
    except ContinuityError as error:
        return CopyView(name, repository.failure_domain(), failed=error.cause), error


def usable_sets(estate: Estate) -> tuple[Sequence[RecoverySet], dict[str, str]]:
    """Return the first repository's sets, and why any of them must not be used."""
    view = _copy_view(estate.name, "", estate.repository)
    return view.sets, dict(view.refused)


def _copy_view(server: str, name: str, repository: Repository) -> CopyView:
    listing = Catalogue(repository).list(server)
    refused = dict(listing.refused)
    snapshots = repository.snapshots(server) if listing.sets else ()
    for each in listing.sets:
        against = contradictions(each, snapshots)
        if against:
            refused[each.id] = "; ".join(against)
    return CopyView(
        name,
        repository.failure_domain(),
        tuple(listing.sets),
        tuple(sorted(refused.items())),
        immutable=_proven_immutable(repository),
    )


def _proven_immutable(repository: Repository) -> bool | None:
    """Return what the last self-test proved; a record that cannot be read keeps no set away."""
    try:
        return immutability_of(repository).proven
    except ContinuityError:
        return None


def shared_domain_notes(estate: Estate) -> tuple[str, ...]:
    """Say when one fire or one account takes the server and all copies, or nobody can tell."""
    declared = estate.declared
    domains = {name: each.failure_domain() for name, each in estate.repositories.items()}
    found = spread(declared.domain.value(), domains)
    if found.all_shared:
        accepted = declared.accept_shared_domain
        why = f" (accepté : {accepted})" if accepted else ""
        return (f"toutes les copies partagent le site ou le compte du serveur{why}",)
    if found.unknown and not found.apart:
        return ("domaines de défaillance non déclarés : rien ne prouve une copie hors site",)
    return ()


def zone_view(reference: str, estate: Estate) -> ZoneView:
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
    needs, found = estate.declared.needs.value(), list[TargetChoice]()
    for each in estate.declared.targets:
        if wanted in ("", each.provider):
            there = estate.providers[each.provider]
            place, release = there.place(each.region), there.release()
            found.append(TargetChoice(each.provider, each.size, place, release, needs))
    return tuple(found)


def site_spec(name: str, estate: Estate) -> SiteSpec:
    """Return what is known of a declared site."""
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
