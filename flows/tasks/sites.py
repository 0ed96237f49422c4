"""Prove one site on the new machine, lead its names there, and see it as visitors do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from time import monotonic, sleep

from blocks.errors import VerificationFailed
from blocks.servers.base import Server
from blocks.types import AddressChange, SmokeCheck, SmokeResult
from flows.decisions.recovery_plan import SitePlan
from flows.reports.wording import counted, seconds
from flows.tasks.fronted import fronted
from flows.tasks.incident import Incident, StepNote, now
from flows.tasks.steps import step

WARM_UP = timedelta(seconds=20)
"""How long a page may need to answer after its services started."""
SPREAD = timedelta(seconds=60)
"""How long the authoritative servers may take to agree."""


@step("smoke", retries=0)
def smoke(
    incident: Incident, note: StepNote, server: Server, plan: SitePlan, *, subject: str
) -> None:
    """Require all pages of a site at the new machine's own address, before its DNS is touched.

    Raises:
        VerificationFailed: A page does not answer as it must; what was seen instead.
    """
    note.saw = require_pages(incident, plan, server.address)


def require_pages(incident: Incident, plan: SitePlan, address: str) -> str:
    """Require all pages of a site at this address; return what was seen, for people.

    Raises:
        VerificationFailed: A page does not answer as it must; what was seen instead.
    """
    probe = incident.estate.probe
    results = _until_passed(plan.site.smoke, lambda check: probe.check(check, address), WARM_UP)
    _require(plan.site.name, results, f"look at the site: ssh root@{address}")
    return _summary(results)


@step("dns")
def flip_dns(
    incident: Incident,
    note: StepNote,
    server: Server,
    plan: SitePlan,
    floating: str = "",
    *,
    subject: str,
) -> None:
    """Lead a site's names to the new machine; done when every authoritative server says so.

    Names that lead to a floating address stay, once that leads to the new machine; an IPv6 address
    beside it is still the lost server's.

    Raises:
        UpdateRefused: Somebody else changed a record, or the server refuses our key.
        VerificationFailed: An authoritative server still gives the old address, or a name could not
            be changed because its zone could not be read when the plan was made.
    """
    by_zone: dict[str, list[AddressChange]] = defaultdict(list)
    moves = [move for move in plan.moves if not floating or move.type == "AAAA"]
    for move in moves:
        lost = incident.estate.server.address
        by_zone[move.zone].append(move.change(lost, server.address))
    # As they were and as they are: all that a way back needs, each with its zone's block.
    note.data = {
        "records": [
            {"block": reference, **asdict(change)}
            for reference, changes in by_zone.items()
            for change in changes
        ]
    }
    for reference, changes in by_zone.items():
        zone = incident.estate.zones[reference]
        zone.replace(changes)
        for change in changes:
            await_answers(incident, reference, change)
    names = ", ".join(move.name for move in moves)
    note.did = f"{names} → {server.address}" if names and not floating else ""
    note.did = f"AAAA supprimé : {names}" if names and floating else note.did
    note.skipped = not names
    note.why = "" if names else _unchanged(floating)
    if plan.unread and not floating:
        raise VerificationFailed(
            f"names of {subject}",
            f"{', '.join(plan.unread)} still lead elsewhere: their zone could not be read",
            f"when it can: continuity recover {incident.estate.name} --incident {incident.id}; "
            f"or change them by hand to {server.address}",
        )


def _unchanged(floating: str) -> str:
    if floating:
        return f"{floating} mène à la nouvelle machine, DNS inchangé"
    return "aucun enregistrement ne mène à l'ancien serveur"


@step("visitors", retries=0)
def see_as_visitor(
    incident: Incident,
    note: StepNote,
    server: Server,
    plan: SitePlan,
    floating: str = "",
    *,
    subject: str,
) -> datetime:
    """Require all pages through the resolver, at the new address; return when they first answered.

    Waits as long as resolvers may still give the old address (the records' TTL). Of a name that a
    provider answers for with its own addresses the pages alone are looked at.
    """
    earlier = incident.done(f"visitors-{subject}")
    patience = timedelta(seconds=max((move.ttl for move in plan.moves), default=0)) + WARM_UP
    probe = incident.estate.probe
    moved = {move.name for move in plan.moves if move.type == "A"}
    moved |= set(plan.unread) if floating else set()
    entrances = {server.address, floating} - {""}
    moved -= fronted(incident.estate, moved)

    def look(check: SmokeCheck) -> SmokeResult:
        result = probe.check_through_dns(check)
        wrong = _host(check) in moved and result.address not in entrances
        if not wrong:
            return result
        seen = f"visitors are still led to {result.address or 'nowhere'}"
        return SmokeResult(check, result.address, False, seen, result.seconds)

    results = _until_passed(plan.site.smoke, look, patience)
    _require(subject, results, "ask the resolver: dig " + " ".join(plan.site.domains))
    note.saw = _summary(results)
    return earlier.ended_at if earlier and earlier.ended_at else now()


def _host(check: SmokeCheck) -> str:
    return check.url.split("/")[2].split(":")[0]


def _until_passed(
    checks: tuple[SmokeCheck, ...],
    look: Callable[[SmokeCheck], SmokeResult],
    patience: timedelta,
) -> list[SmokeResult]:
    """Repeat the failing checks until all passed or patience is over; return the last results."""
    deadline = monotonic() + patience.total_seconds()
    results = {check: look(check) for check in checks}
    while monotonic() < deadline and not all(each.passed for each in results.values()):
        sleep(0.3)
        results |= {check: look(check) for check, each in results.items() if not each.passed}
    return list(results.values())


def _require(site: str, results: list[SmokeResult], hint: str) -> None:
    failed = [each for each in results if not each.passed]
    if failed:
        said = "; ".join(f"{each.check.url}: {each.observed}" for each in failed)
        raise VerificationFailed(f"site {site}", said, hint)


def _summary(results: list[SmokeResult]) -> str:
    slowest = max((each.seconds for each in results), default=0.0)
    pages = counted(len(results), "page conforme", "pages conformes")
    return f"{pages}{', la plus lente' if results[1:] else ''} en {seconds(slowest)}"


def await_answers(incident: Incident, reference: str, change: AddressChange) -> None:
    """Wait until every authoritative server gives the new addresses."""
    zone = incident.estate.zones[reference]
    deadline = monotonic() + SPREAD.total_seconds()
    while True:
        answers = zone.answers(change.name, change.type)
        late = {
            server: seen for server, seen in answers.items() if seen != tuple(sorted(change.new))
        }
        if not late:
            return
        if monotonic() > deadline:
            raise VerificationFailed(
                f"record {change.name} {change.type}",
                f"still answered differently by {late}",
                f"look at the zone transfer to them, then: dig {change.name} {change.type}",
            )
        sleep(0.2)
