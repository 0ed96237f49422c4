"""Decide how a lost server comes back: a plan as data, with its own safety check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import TypeAdapter

from blocks.errors import ConfigurationError, OutOfScope, StaleObservation
from blocks.types import AddressChange, AddressRecord, LogPoint, RecoverySet, SmokeCheck, Tier
from flows.decisions.other_release import expected
from flows.decisions.readiness import NO_REPLAY, SERIES, Readiness, Way, no_way_back, restore_way
from flows.decisions.set_choice import SetChoice


class Purpose(StrEnum):
    """Whether a run is real or practice; also the machine's `purpose` tag."""

    RECOVERY = "recovery"
    DRILL = "drill"


_TOLD = ("warnings", "reaches")
"""Fields of a plan that the digest does not cover."""


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """Where the new machine may be made."""

    provider: str
    size: str
    region: str
    release: str = ""
    """Release of Debian that it makes machines of, "" while that is not known."""


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """What a recovery must know of a site."""

    name: str
    title: str
    domains: tuple[str, ...]
    databases: tuple[str, ...]
    tier: Tier
    priority: int
    smoke: tuple[SmokeCheck, ...]
    freshness_database: str = ""
    freshness_query: str = ""


CHECKS = ("smoke", "freshness_database", "freshness_query")
"""Fields of a site that only look: a run that goes on takes them from the estate anew."""


@dataclass(frozen=True, slots=True)
class ZoneView:
    """The address records of one zone, as its provider held them when looked at."""

    block: str
    zone: str
    records: tuple[AddressRecord, ...]
    refused: str = ""
    """Why it could not be read; empty when it was."""


@dataclass(frozen=True, slots=True)
class RecordMove:
    """One record that leaves the lost server. AAAA is removed: the new machine has none."""

    zone: str
    name: str
    type: str
    old: tuple[str, ...]
    ttl: int

    def change(self, lost: str, new: str) -> AddressChange:
        """Return the change that puts `new` in the place of the lost address."""
        values = () if self.type == "AAAA" else tuple(new if v == lost else v for v in self.old)
        return AddressChange(self.name, self.type, self.old, values, self.ttl)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """One site's way back: its files, its checks, its records.

    `snapshot` is the files' tree: the same in every repository that holds the set.
    """

    site: SiteSpec
    snapshot: str
    moves: tuple[RecordMove, ...] = ()
    unread: tuple[str, ...] = ()
    """Domains that stay as they are because their zone could not be read."""


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """What the archive adds to the chosen set.

    Attributes:
        wanted: The point as the operator wrote it, "" for as far as possible.
        end: Where the replay ends as things are now; None if there is nothing to replay.
        reaches: All that was committed until then can be brought back; None without an archive.
        problem: Why it reaches no further, "" if nothing is known to be missing.
    """

    wanted: str
    end: LogPoint | None
    reaches: datetime | None
    problem: str = ""


NO_ARCHIVE = ArchiveView("", None, None)


@dataclass(frozen=True, slots=True)
class Observation:
    """The world as one look found it."""

    taken_at: datetime
    server: str
    address: str
    answering: tuple[int, ...]
    """TCP ports on which the old server still answers."""
    choice: SetChoice
    sites: tuple[SiteSpec, ...]
    zones: tuple[ZoneView, ...]
    targets: tuple[TargetChoice, ...]
    archive: ArchiveView = NO_ARCHIVE
    notes: tuple[str, ...] = ()
    """What to know of the repositories and their failure domains (French)."""


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """Everything that will be done, complete enough to approve it.

    `digest` covers all of it but the warnings, the checks (they change nothing in the world) and
    what the archive holds by now, so that an approval is bound to what will be done; nothing else
    in it depends on when it was made.

    Attributes:
        point: What the operator wants to go back to, "" for as far as possible.
        end: Where the replay of binary logs ends, if a point was wanted.
        reaches: For people: all that was committed until then comes back.
    """

    incident: str
    purpose: Purpose
    server: str
    lost_address: str
    fence: bool
    set_id: str
    set_time: datetime
    targets: tuple[TargetChoice, ...]
    sites: tuple[SitePlan, ...]
    warnings: tuple[str, ...] = ()
    point: str = ""
    end: LogPoint | None = None
    reaches: datetime | None = None
    readiness: tuple[Readiness, ...] = ()
    """How the databases come back, a target each, in their order."""

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 over the plan's canonical JSON."""
        covered = {name: value for name, value in asdict(self).items() if name not in _TOLD}
        for each in covered["sites"]:
            for check in CHECKS:
                del each["site"][check]
        text = json.dumps(covered, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def again(self) -> str:
        """The command that goes on with this incident."""
        return f"continuity recover {self.server} --incident {self.incident}"


def decide_recovery(seen: Observation, incident: str, purpose: Purpose) -> RecoveryPlan:
    """Plan the way back of every site in the set, most important first.

    Raises:
        ConfigurationError: No place is declared where a machine could be made.
        UnsafePlan: The databases cannot come back at any of the targets.
    """
    if not seen.targets:
        raise ConfigurationError(
            f"server {seen.server}",
            "no target is declared where a new machine could be made",
            "add `targets` to the server in the estate file (Prefect: continuity estate apply)",
        )
    drill = purpose is Purpose.DRILL
    chosen = seen.choice.chosen
    files = {ref.subject: ref.tree for ref in chosen.snapshots if ref.part == "site"}
    ordered = sorted(seen.sites, key=lambda site: (site.priority, site.name))
    plans = tuple(
        SitePlan(site, files[site.name])
        if drill
        else SitePlan(site, files[site.name], moves_of(site, seen), unread_domains(site, seen))
        for site in ordered
        if site.name in files
    )
    readiness = ways_back(chosen, seen.targets)
    if all(each.way is Way.IMPOSSIBLE for each in readiness):
        raise no_way_back(chosen.id, readiness[0])
    return RecoveryPlan(
        incident=incident,
        purpose=purpose,
        server=seen.server,
        lost_address=seen.address,
        fence=not drill,
        set_id=chosen.id,
        set_time=chosen.consistent_at,
        targets=seen.targets,
        sites=plans,
        warnings=(
            *warnings(seen, plans, incident, drill=drill),
            *_target_warnings(seen, readiness),
        ),
        readiness=readiness,
        point=seen.archive.wanted,
        end=seen.archive.end if seen.archive.wanted else None,
        reaches=seen.archive.reaches,
    )


def ways_back(chosen: RecoverySet, targets: Sequence[TargetChoice]) -> tuple[Readiness, ...]:
    """Decide how the set's databases come back, a target each."""
    facts = chosen.database_facts
    return tuple(restore_way(facts, SERIES.get(each.release, "")) for each in targets)


def guard_recovery(
    plan: RecoveryPlan, seen: Observation, now: datetime, oldest: timedelta = timedelta(minutes=10)
) -> None:
    """Refuse a plan that reaches beyond what was declared, or rests on an old look.

    Raises:
        StaleObservation: The world was looked at longer ago than `oldest`.
        OutOfScope: A record to change belongs to none of the sites' domains, or does not lead
            to the lost server.
    """
    if now - seen.taken_at > oldest:
        raise StaleObservation(
            f"plan {plan.digest}",
            f"the world was looked at {now - seen.taken_at} ago",
            f"run it again: continuity recover {plan.server} --incident {plan.incident}",
        )
    declared = {domain for site in seen.sites for domain in site.domains}
    for site in plan.sites:
        for move in site.moves:
            if move.name not in declared or (
                move.type == "A" and plan.lost_address not in move.old
            ):
                raise OutOfScope(
                    f"record {move.name} {move.type}",
                    f"is not declared, or does not lead to {plan.lost_address}",
                    "correct the site's domains in the estate file",
                )


def moves_of(site: SiteSpec, seen: Observation) -> tuple[RecordMove, ...]:
    """Return the site's records that lead to the lost server, and AAAA beside them."""
    moves = []
    for domain in site.domains:
        held = [(view, rec) for view in seen.zones for rec in view.records if rec.name == domain]
        leads_there = any(seen.address in rec.values for _, rec in held)
        moves += [
            RecordMove(view.block, rec.name, rec.type, rec.values, rec.ttl)
            for view, rec in held
            if leads_there and (seen.address in rec.values or rec.type == "AAAA")
        ]
    return tuple(moves)


def unread_domains(site: SiteSpec, seen: Observation) -> tuple[str, ...]:
    """Return the site's domains whose zone could not be read."""
    return tuple(each for each in site.domains if _is_unread(each, seen.zones))


def _is_unread(domain: str, zones: Sequence[ZoneView]) -> bool:
    """Return whether the innermost zone that covers the domain could not be read."""
    covering = [view for view in zones if f".{domain}".endswith(f".{view.zone.rstrip('.')}")]
    return bool(covering) and bool(max(covering, key=lambda view: len(view.zone)).refused)


def warnings(
    seen: Observation, plans: Sequence[SitePlan], incident: str, *, drill: bool
) -> tuple[str, ...]:
    """Say what a person should know before approving."""
    found = [f"zone {view.zone} illisible : {view.refused}" for view in seen.zones if view.refused]
    out_of_reach = [plan for plan in plans if plan.unread]
    if out_of_reach:
        names = ", ".join(domain for plan in out_of_reach for domain in plan.unread)
        found.append(
            f"{', '.join(plan.site.name for plan in out_of_reach)} : restauré mais hors d'atteinte,"
            f" {names} menant encore à {seen.address} ; une fois la zone lisible : "
            f"continuity recover {seen.server} --incident {incident}"
        )
    found += seen.notes
    found += [f"jeu {name} écarté : {why}" for name, why in seen.choice.passed_over]
    in_set = {plan.site.name for plan in plans}
    found += [
        f"le site {site.name} n'est pas dans le jeu : il ne reviendra pas"
        for site in seen.sites
        if site.name not in in_set
    ]
    if seen.archive.problem:
        found.append(f"archive continue : {seen.archive.problem}")
    if drill:
        return tuple(found)
    moved = {move.name for plan in plans for move in plan.moves}
    found += [
        f"{domain} ne mène pas à {seen.address} : son DNS reste tel quel"
        for plan in plans
        for domain in plan.site.domains
        if domain not in moved and domain not in plan.unread
    ]
    if seen.answering:
        ports = ", ".join(str(port) for port in seen.answering)
        found.append(f"l'ancien serveur répond encore (port {ports}) : il est d'abord arrêté")
    return tuple(found)


def _target_warnings(seen: Observation, readiness: Sequence[Readiness]) -> tuple[str, ...]:
    """Say what is different on a machine of another release."""
    lost = seen.choice.chosen.server_facts
    found = []
    for target, ready in zip(seen.targets, readiness, strict=True):
        said = list(expected(lost, target.release))
        if ready.way in (Way.LOGICAL, Way.IMPOSSIBLE):
            said.append(f"bases : {ready.reason}")
        if ready.way is Way.LOGICAL and seen.archive.reaches is not None:
            said.append(NO_REPLAY)
        found += [f"{target.provider}, {each}" for each in said]
    return tuple(found)


def plan_from_document(document: Mapping[str, object]) -> RecoveryPlan:
    """Return the plan that was written to the journal. Raises ValueError if it is none."""
    return TypeAdapter(RecoveryPlan).validate_python(document)
