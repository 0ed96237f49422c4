"""Weigh how well a server's backups are spread: 3-2-1-1-0, each digit with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from blocks.types import FailureDomain, RecoverySet

NOTHING = "aucun exemplaire complet"


@dataclass(frozen=True, slots=True)
class CopyView:
    """One repository as a look found it.

    Attributes:
        name: The repository's name for people.
        sets: The readable sets in it.
        refused: Why a set in it must not be used, by id.
        failed: Why it could not be read at all, "" if it could.
        immutable: Whether a self-test proved that nobody can delete; None if it proved nothing.
    """

    name: str
    domain: FailureDomain
    sets: tuple[RecoverySet, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    failed: str = ""
    immutable: bool | None = None

    def usable(self) -> tuple[RecoverySet, ...]:
        """Return the sets that nothing speaks against, oldest first."""
        bad = dict(self.refused)
        return tuple(
            sorted((s for s in self.sets if s.id not in bad), key=lambda each: each.started_at)
        )


@dataclass(frozen=True, slots=True)
class ArchiveCopy:
    """One bucket of the continuous archive as a look found it.

    Attributes:
        name: The archive's name for people.
        reaches: Moment up to which it alone brings the newest set; None if it does not.
        problem: Why that is not now (French), "" when all is well.
        immutable: As for `CopyView`.
    """

    name: str
    domain: FailureDomain
    reaches: datetime | None
    problem: str
    immutable: bool | None


@dataclass(frozen=True, slots=True)
class Digit:
    """One line of the rule: whether it holds (None: not known) and what shows it (French)."""

    rule: str
    holds: bool | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Which repositories share the production server's failure domain.

    Attributes:
        shared: Those that one fire or one account would take with the server.
        unknown: Those of which that cannot be said.
    """

    shared: tuple[str, ...]
    unknown: tuple[str, ...]
    apart: tuple[str, ...]

    @property
    def all_shared(self) -> bool:
        """Whether nothing is left when the server's domain is lost."""
        return bool(self.shared) and not self.unknown and not self.apart


def spread(production: FailureDomain, domains: Mapping[str, FailureDomain]) -> Spread:
    """Compare each repository's domain with the server's."""
    known = {n: d for n, d in domains.items() if d.declared and production.declared}
    shared = tuple(name for name, each in known.items() if each.shares_with(production))
    return Spread(
        shared=shared,
        unknown=tuple(name for name in domains if name not in known),
        apart=tuple(name for name in known if name not in shared),
    )


def protection(
    server: str, production: FailureDomain, copies: Sequence[CopyView]
) -> tuple[Digit, ...]:
    """Return the five digits, counted over the copies that hold the newest complete set."""
    newest = max((s.id for each in copies for s in each.usable()), default="")
    holding = [each for each in copies if newest and newest in {s.id for s in each.usable()}]
    late = [each for each in copies if each not in holding]
    return (
        _three(server, newest, holding, late),
        _two(production, holding),
        _off_site("1 hors site", production, {each.name: each.domain for each in holding}),
        _immutable("1 immuable", {each.name: each.immutable for each in holding}),
        _unverified(holding, late),
    )


def archive_protection(
    production: FailureDomain, copies: Sequence[ArchiveCopy]
) -> tuple[Digit, ...]:
    """Return the same for what was written since the newest set; nothing without an archive."""
    if not copies:
        return ()
    current = {each.name: each for each in copies if each.reaches and not each.problem}
    domains = {name: each.domain for name, each in current.items()}
    tested = {name: each.immutable for name, each in current.items()}
    return (
        Digit("archive : 2 exemplaires", len(current) >= 2, " ; ".join(map(_until, copies))),
        _off_site("archive : 1 hors site", production, domains),
        _immutable("archive : 1 immuable", tested),
    )


def _until(copy: ArchiveCopy) -> str:
    if copy.problem or not copy.reaches:
        return f"{copy.name} : {copy.problem}"
    return f"{copy.name} jusqu'au {copy.reaches:%Y-%m-%d %H:%M:%S} UTC"


def _three(
    server: str, newest: str, holding: Sequence[CopyView], late: Sequence[CopyView]
) -> Digit:
    said = [f"{server} en production", *(f"{each.name} ({newest})" for each in holding)]
    said += [f"{each.name} sans ce jeu{_why(each)}" for each in late]
    return Digit("3 exemplaires", len(holding) >= 2, " ; ".join(said))


def _why(copy: CopyView) -> str:
    return f" : {copy.failed}" if copy.failed else ""


def _two(production: FailureDomain, holding: Sequence[CopyView]) -> Digit:
    rule = "2 hébergeurs"
    domains = [production, *(each.domain for each in holding)]
    providers = sorted({each.provider for each in domains if each.provider})
    if len(providers) >= 2:
        return Digit(rule, True, ", ".join(providers))
    if not all(each.provider for each in domains):
        return Digit(rule, None, "`domain` n'est pas déclaré partout dans le fichier du parc")
    return Digit(rule, False, f"tout est chez {', '.join(providers)}")


def _off_site(rule: str, production: FailureDomain, places: Mapping[str, FailureDomain]) -> Digit:
    if not places:
        return Digit(rule, False, NOTHING)
    found = spread(production, places)
    if found.apart:
        said = (f"{n} ({places[n].provider} {places[n].site})".strip() for n in found.apart)
        return Digit(rule, True, ", ".join(said))
    if found.unknown:
        return Digit(rule, None, f"`domain` n'est pas déclaré : {', '.join(found.unknown)}")
    return Digit(rule, False, "chaque copie partage le site ou le compte du serveur")


def _immutable(rule: str, tested: Mapping[str, bool | None]) -> Digit:
    if not tested:
        return Digit(rule, False, NOTHING)
    proven = [name for name, immutable in tested.items() if immutable]
    if proven:
        return Digit(rule, True, f"prouvé par l'essai : {', '.join(proven)}")
    if None in tested.values():
        return Digit(rule, None, "aucun essai ne l'a prouvé")
    return Digit(rule, False, f"l'essai a pu effacer : {', '.join(tested)}")


def _unverified(holding: Sequence[CopyView], late: Sequence[CopyView]) -> Digit:
    rule = "0 copie non vérifiée"
    read = [f"{each.name} : {each.usable()[-1].read_back.objects} objets relus" for each in holding]
    missing = [f"{each.name} n'a pas le dernier jeu" for each in late]
    return Digit(rule, bool(holding) and not late, " ; ".join([*read, *missing]) or "aucun jeu")


def all_sets(copies: Sequence[CopyView]) -> tuple[RecoverySet, ...]:
    """Return every set that lies anywhere, oldest first; the first copy's manifest counts."""
    found = {each.id: each for copy in reversed(copies) for each in copy.sets}
    return tuple(sorted(found.values(), key=lambda each: each.started_at))


def refused_everywhere(copies: Sequence[CopyView]) -> dict[str, str]:
    """Return why the sets that no copy can give must not be used, by set id."""
    usable = {each.id for copy in copies for each in copy.usable()}
    reasons = [pair for copy in reversed(copies) for pair in copy.refused]
    return {name: why for name, why in reasons if name not in usable}
