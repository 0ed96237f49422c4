"""Decide whether what was proven of a site still holds: an edit of the estate or the plan ends it.

What counts is what a restore would do differently, or what it would be judged by. A title, a
priority, a promise, who is told, how often and for how long sets are kept change nothing of that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from blocks.types import DatabaseFacts
from flows.decisions.database_way import SERIES, restore_way
from flows.decisions.recovery_plan import SiteSpec, TargetChoice

HOLDS = timedelta(days=100)
"""A quarter, and some days for a drill that was put off."""


class SiteState(StrEnum):
    """What may be said of a site."""

    PROVEN = "proven"
    AGAIN = "to be proven again"
    NEVER = "never proven"


@dataclass(frozen=True, slots=True)
class ServerSide:
    """What the sites of one server have in common when they come back.

    Attributes:
        targets: Where a new machine is made, in their order.
        configuration: Paths that make up the server's configuration.
        stores: Names of the first repository and of the first archive.
        database: The databases as the newest set has them; None without any.
    """

    targets: tuple[TargetChoice, ...]
    configuration: tuple[str, ...]
    stores: tuple[str, ...]
    database: DatabaseFacts | None


@dataclass(frozen=True, slots=True)
class Tried:
    """The newest attempt to bring a site back.

    Attributes:
        incident: The drill or recovery.
        facts: What it rested on, by name; None for one that did not keep it.
    """

    incident: str
    at: datetime
    proven: bool
    facts: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class SiteStanding:
    """What may be said of one site.

    Attributes:
        at: When it was last tried, None if never.
        why: Why it is not proven (French), "" if it is.
    """

    site: str
    state: SiteState
    at: datetime | None = None
    why: str = ""


def facts_of(
    site: SiteSpec,
    roots: Sequence[str],
    exclude: Sequence[str],
    server: ServerSide,
    looks: object = None,
) -> dict[str, str]:
    """Return a digest of each thing that a proof of the site rests on, by its French name.

    `looks` is what drills look at beside the pages that must answer, as JSON values.
    """
    database = server.database if site.databases else None
    ways = {restore_way(database, SERIES.get(each.release, "")).way for each in server.targets}
    facts: dict[str, object] = {
        "fichiers": (sorted(roots), sorted(exclude)),
        "bases": (sorted(site.databases), site.freshness_database, site.freshness_query),
        "domaines": sorted(site.domains),
        "pages": (sorted(json.dumps(asdict(each), sort_keys=True) for each in site.smoke), looks),
        "machines": [asdict(each) for each in server.targets],
        "configuration": sorted(server.configuration),
        "dépôts": server.stores,
        "MariaDB": (database.series if database else "", sorted(ways)),
    }
    return {name: _digest(value) for name, value in facts.items()}


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def site_standing(
    site: str, tried: Tried | None, facts: Mapping[str, str], now: datetime
) -> SiteStanding:
    """Say what may be said of a site today.

    Args:
        site: Its name.
        tried: The newest attempt to bring it back, None if there was none.
        facts: What a proof would rest on today.
        now: The time.
    """
    if tried is None:
        return SiteStanding(site, SiteState.NEVER, None, "aucun exercice, aucune reprise")
    why = _against(tried, facts, now)
    return SiteStanding(site, SiteState.AGAIN if why else SiteState.PROVEN, tried.at, why)


def _against(tried: Tried, facts: Mapping[str, str], now: datetime) -> str:
    if not tried.proven:
        return f"pas rétabli lors de {tried.incident}"
    if tried.facts is None:
        return f"{tried.incident} ne dit pas sur quoi portait sa preuve"
    changed = [name for name in facts if tried.facts.get(name) != facts[name]]
    if changed:
        return f"changé depuis la preuve : {', '.join(changed)}"
    if now - tried.at > HOLDS:
        return f"la preuve date de {(now - tried.at).days} jours"
    return ""
