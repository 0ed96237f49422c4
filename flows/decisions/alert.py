"""Decide from looks at a server's sites whether it is lost, and how many places see that.

A place is one vantage point. A server counts as down only when two places or more see nothing
answer at all for any of its sites, twice, and no place sees it answer. Whatever could not be seen
is unknown, never down.

What a monitor elsewhere says when it is asked is one more place, and weighs only when none of our
own sees anything answer and one of them sees silence: a monitor neither finds a server down nor
brings one back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

QUORUM = 2
"""Places that must agree before a server is called down."""
CONFIRM_WITHIN = timedelta(minutes=5)
"""Two looks that lie further apart, or run backwards, confirm nothing: a clock has jumped."""


class Sight(StrEnum):
    """How one page looked from one place."""

    PASSED = "passed"
    WRONG = "wrong"
    """Something answered, but not as it must."""
    SILENT = "silent"
    """Nothing answered."""
    UNNAMED = "unnamed"
    """The DNS gives the name no address."""
    ANSWERED = "answered"
    """A monitor says that it answers; whether as it must is not known."""
    UNSEEN = "unseen"
    """The resolvers gave no answer: nothing is known of the page."""


class Condition(StrEnum):
    """What is concluded of a server."""

    UP = "up"
    TROUBLE = "trouble"
    """The server answers, but a site or several fail: for people, not for a recovery."""
    DOWN = "down"
    OWN_NETWORK = "own-network"
    """One place alone sees a failure that others do not: its own network."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PageSeen:
    """One page of a site from one place."""

    site: str
    url: str
    sight: Sight
    observed: str


@dataclass(frozen=True, slots=True)
class PlaceLook:
    """What one place saw; `blind` says why it saw nothing, "" if it could look.

    Attributes:
        told: Whether it is what a monitor said, not a look of ours.
    """

    place: str
    pages: tuple[PageSeen, ...] = ()
    blind: str = ""
    told: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """One look from every place."""

    taken_at: datetime
    places: tuple[PlaceLook, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is concluded of a server, and on what grounds.

    Attributes:
        since: When the first of the looks was taken.
        failing: Sites that fail wherever they are seen.
        silent: Places that see nothing answer.
        seeing: Places that see something answer.
        blind: Why a place saw nothing, by its name.
        details: What was seen of failing pages, each as (place, URL, sentence).
        why: Set when nothing could be concluded although places saw something (French).
    """

    server: str
    condition: Condition
    since: datetime
    failing: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    seeing: tuple[str, ...] = ()
    blind: tuple[tuple[str, str], ...] = ()
    details: tuple[tuple[str, str, str], ...] = ()
    why: str = ""


def assess(server: str, first: Round, second: Round | None = None) -> Assessment:
    """Conclude from a look and the look that confirms it.

    Args:
        server: Name of the server.
        first: A look.
        second: The look some seconds later; without it nothing is ever down.
    """
    before = _conclude(server, first)
    if second is None:
        return _unconfirmed(before)
    after = _conclude(server, second)
    if not timedelta() <= second.taken_at - first.taken_at <= CONFIRM_WITHIN:
        return _doubt(after, before.since, "l'horloge a sauté entre les deux regards")
    if after.condition is Condition.DOWN and before.condition is not Condition.DOWN:
        return _doubt(after, before.since, "vu une seule fois : le regard suivant décidera")
    return Assessment(
        server, after.condition, before.since, after.failing, after.silent, after.seeing,
        after.blind, after.details, after.why,
    )  # fmt: skip


def needs_confirmation(server: str, first: Round) -> bool:
    """Return whether a second look is worth its time: anything but a server that is well."""
    return _conclude(server, first).condition is not Condition.UP


def wants_monitors(first: Round) -> bool:
    """Return whether what monitors say could weigh: we see silence, and nothing that answers."""
    looks = [each for each in first.places if not _blindness(each)]
    return bool(looks) and all(_nothing_answers(each) for each in looks)


def _unconfirmed(before: Assessment) -> Assessment:
    if before.condition is not Condition.DOWN:
        return before
    return _doubt(before, before.since, "vu une seule fois : le regard suivant décidera")


def _doubt(found: Assessment, since: datetime, why: str) -> Assessment:
    return Assessment(
        found.server, Condition.UNKNOWN, since, found.failing, found.silent, found.seeing,
        found.blind, found.details, why,
    )  # fmt: skip


def _conclude(server: str, seen: Round) -> Assessment:
    looks = _weighty([each for each in seen.places if not _blindness(each)])
    blind = tuple((each.place, why) for each in seen.places if (why := _blindness(each)))
    silent = tuple(each.place for each in looks if _nothing_answers(each))
    seeing = tuple(each.place for each in looks if not _nothing_answers(each))
    failing = _failing([each for each in looks if each.place in seeing] or looks)
    condition, why = _weigh(looks, silent, seeing, failing)
    return Assessment(
        server, condition, seen.taken_at, failing, silent, seeing, blind, _details(looks), why
    )


def _weighty(looks: Sequence[PlaceLook]) -> list[PlaceLook]:
    """Leave out what monitors said unless we ourselves see silence, and nothing that answers."""
    own = [each for each in looks if not each.told]
    silent = bool(own) and all(_nothing_answers(each) for each in own)
    return list(looks) if silent else own


def _weigh(
    looks: Sequence[PlaceLook],
    silent: Sequence[str],
    seeing: Sequence[str],
    failing: Sequence[str],
) -> tuple[Condition, str]:
    if not looks:
        return Condition.UNKNOWN, "aucun point de vue ne voit quoi que ce soit"
    if not seeing:
        return _unanswered(silent)
    if any(each.told for each in looks):
        # They weigh only where all of ours are silent: whoever sees is a monitor.
        return Condition.UNKNOWN, f"un site répondait encore, selon {', '.join(seeing)}"
    if failing:
        return Condition.TROUBLE, ""
    if any(page.sight is not Sight.PASSED for page in _seen(looks)):
        return Condition.OWN_NETWORK, ""
    return Condition.UP, ""


def _unanswered(silent: Sequence[str]) -> tuple[Condition, str]:
    if len(silent) >= QUORUM:
        return Condition.DOWN, ""
    return Condition.UNKNOWN, "un seul point de vue voit : rien n'est prouvé"


def _blindness(look: PlaceLook) -> str:
    """Return why a place knows nothing, "" if it saw a page at least."""
    if look.blind:
        return look.blind
    if not _seen([look]):
        return look.pages[0].observed if look.pages else "aucune page à regarder"
    return ""


def _seen(looks: Iterable[PlaceLook]) -> list[PageSeen]:
    return [page for look in looks for page in look.pages if page.sight is not Sight.UNSEEN]


def _nothing_answers(look: PlaceLook) -> bool:
    """Return whether no page answered there; names without an address alone prove nothing."""
    sights = {page.sight for page in _seen([look])}
    return Sight.SILENT in sights and sights <= {Sight.SILENT, Sight.UNNAMED}


def _failing(looks: Sequence[PlaceLook]) -> tuple[str, ...]:
    """Return the sites that have a failing page at every place of ours that sees the site."""
    fails: dict[str, list[bool]] = {}
    for look in (each for each in looks if not each.told):
        pages = _seen([look])
        for site in {page.site for page in pages}:
            passed = all(p.sight is Sight.PASSED for p in pages if p.site == site)
            fails.setdefault(site, []).append(not passed)
    return tuple(sorted(site for site, seen in fails.items() if all(seen)))


def _details(looks: Sequence[PlaceLook]) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (look.place, page.url, page.observed)
        for look in looks
        for page in look.pages
        if page.sight not in (Sight.PASSED, Sight.ANSWERED)
    )
