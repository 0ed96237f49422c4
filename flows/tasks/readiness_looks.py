"""Look at everything that a recovery of one server would need; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from blocks.errors import ContinuityError, NotFound
from blocks.types import RecoverySet
from flows.decisions.archive_state import LIMIT
from flows.decisions.database_way import SERIES, restore_way
from flows.decisions.protection import CopyView
from flows.decisions.readiness import (
    Check,
    Practised,
    State,
    judge_archive_lag,
    judge_clock,
    judge_drill,
    judge_newest_set,
    judge_proof,
    judge_rule,
    judge_target,
    newest,
    unseen,
)
from flows.decisions.readiness_site import judge_certificates, judge_names, judge_pages
from flows.decisions.recovery_plan import Purpose, SiteSpec, TargetChoice
from flows.decisions.verdict import Verdict
from flows.reports.readiness_text import readiness_document
from flows.tasks.archive_watch_steps import look
from flows.tasks.ending import reports
from flows.tasks.incident import Estate, now
from flows.tasks.look import look_at_copies, site_spec, targets_of, zone_view
from flows.tasks.protection import protection_of
from flows.tasks.standing import standings
from flows.tasks.work import work

Looks = list[tuple[str, Callable[[], Sequence[Check]]]]


@work("readiness", retries=0)
def readiness_of(estate: Estate, *, subject: str) -> dict[str, object]:
    """Return what is known of a server's readiness; see `readiness_document`."""
    checks = look_at_readiness(estate)
    sites = [site_spec(each, estate) for each in estate.sites]
    return readiness_document(subject, now(), sites, checks)


def look_at_readiness(estate: Estate) -> tuple[Check, ...]:
    """Return all checks of a server and of its sites, in the order of the table."""
    copies = look_at_copies(estate)
    sets = newest(each for copy in copies for each in copy.usable())
    looks = [*_backups(estate, copies), *_machines(estate, sets), *_people(estate), *_sites(estate)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        running = [pool.submit(_seen, about, act) for about, act in looks]
    return tuple(check for each in running for check in each.result())


def _seen(about: str, act: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    """Look; what cannot be looked at is unknown and keeps nothing else from being seen."""
    try:
        return act()
    except ContinuityError as error:
        return (unseen(about, f"{error.subject} : {error.cause}", error.hint),)


def _backups(estate: Estate, copies: Sequence[CopyView]) -> Looks:
    def known() -> Sequence[Check]:
        seen = standings(estate, copies)
        return judge_newest_set(estate.name, seen), judge_proof(estate.name, seen)

    def archive() -> Sequence[Check]:
        state = look.fn(estate, LIMIT) if estate.archive else None
        return (judge_archive_lag(state),)

    return [
        ("jeux", known),
        ("archive", archive),
        ("règle 3-2-1-1-0", lambda: [judge_rule(estate.name, protection_of(estate, copies))]),
        ("exercice", lambda: [judge_drill(estate.name, last_drill(estate), now())]),
    ]


def _machines(estate: Estate, made: RecoverySet | None) -> Looks:
    def clock() -> Sequence[Check]:
        before = now()
        there = estate.server.facts().clock
        return (judge_clock(there, before, now()),)

    def target(each: TargetChoice) -> Sequence[Check]:
        provider = estate.providers[each.provider]
        provider.find({})
        sizes = provider.sizes()
        if made is None:
            raise NotFound(f"set of {estate.name}", "none", f"continuity backup {estate.name}")
        way = restore_way(made.database_facts, SERIES.get(each.release, ""))
        return (judge_target(each, sizes, made, way),)

    return [
        ("horloge", clock),
        *((f"machine {each.provider}", partial(target, each)) for each in targets_of(estate)),
    ]


def _people(estate: Estate) -> Looks:
    def notifier(about: str, name: str) -> Sequence[Check]:
        return (Check(about, State.READY, estate.notifiers[name].check()),)

    labels = {f"annonces {name}": name for name in estate.notifiers}
    return [(about, partial(notifier, about, name)) for about, name in labels.items()]


def _sites(estate: Estate) -> Looks:
    with ThreadPoolExecutor(max_workers=4) as pool:
        views = list(pool.map(lambda ref: zone_view(ref, estate), estate.zones))

    def site(spec: SiteSpec) -> Sequence[Check]:
        pages = [estate.probe.check_through_dns(each) for each in spec.smoke]
        return (
            *judge_names(spec, views, estate.server.address),
            judge_pages(spec, pages),
            *judge_certificates(spec, pages, now()),
        )

    return [(f"site {name}", partial(site, site_spec(name, estate))) for name in estate.sites]


def last_drill(estate: Estate) -> Practised | None:
    """Return the last drill of this server that brought everything back, None if none ever did."""
    found = reports(estate, Purpose.DRILL).values()
    proven = [each for each in found if each["verdict"] == Verdict.RECOVERED]
    if not proven:
        return None
    took = proven[-1]["rto_seconds"]
    span = timedelta(seconds=took) if isinstance(took, int | float) else None
    return Practised(datetime.fromisoformat(str(proven[-1]["down_since"])), span)
