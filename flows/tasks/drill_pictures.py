"""Take a picture of each site's first page in production and on the drill machine, and compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from blocks.browsers.base import Browser
from blocks.browsers.chromium import Chromium
from blocks.errors import ConfigurationError, ContinuityError, Unreachable
from flows.decisions.picture_difference import difference, kept
from flows.decisions.recovery_plan import RecoveryPlan
from flows.reports.wording import counted
from flows.tasks.incident import Incident, StepNote
from flows.tasks.rebuilt import Rebuilt
from flows.tasks.steps import step

browsers: list[Browser] = [Chromium()]
"""The last one is used."""
SIDE_BY_SIDE = 2
"""Browsers at once: each takes some hundred MB."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture of a site's first page, or why there is none."""

    site: str
    png: bytes = b""
    why: str = ""


@step("before", retries=0)
def picture_production(incident: Incident, note: StepNote) -> Mapping[str, bytes]:
    """Return a picture of each site's first page as visitors see it now; none stops a drill."""
    estate = incident.estate
    taken = _each(list(estate.sites), lambda site: _take(incident, site, estate.server.address))
    note.saw = counted(sum(bool(each.png) for each in taken), "capture")
    note.why = _reasons(taken)
    for each in taken:
        if each.png:
            incident.journal.put_file(f"before-{each.site}.png", kept(each.png))
    return {each.site: each.png for each in taken}


@step("pictures", retries=0)
def picture_drill(
    incident: Incident,
    note: StepNote,
    plan: RecoveryPlan,
    rebuilt: Rebuilt,
    before: Mapping[str, bytes],
) -> None:
    """Take the same pictures on the drill machine; what looks different a person must see.

    It does not keep a site from being proven: news, prices and dates change by nature. What nobody
    could take or compare is to be looked at as well.
    """
    healthy = [each.site.name for each in plan.sites if rebuilt.sites[each.site.name].healthy]
    taken = _each(healthy, lambda site: _take(incident, site, rebuilt.server.address))
    found = {each.site: _compared(incident, each, before.get(each.site, b"")) for each in taken}
    for each in taken:
        if each.png:
            incident.journal.put_file(f"after-{each.site}.png", kept(each.png))
    note.saw = counted(sum(bool(each.png) for each in taken), "capture")
    note.data = {"pictures": found, "to_check": _to_check(found, taken)}


def _each(sites: Sequence[str], take: Callable[[str], Taken]) -> list[Taken]:
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        return list(pool.map(take, sites))


def _take(incident: Incident, site: str, address: str) -> Taken:
    """Take a picture there, once the probe has seen page and certificate."""
    first = incident.estate.sites[site].smoke[0].value()
    try:
        seen = incident.estate.probe.check(first, address)
        if not seen.passed:
            raise Unreachable(first.url, seen.observed, "look at the site")
        png = browsers[-1].picture(first.url, address=address, any_certificate=True)
    except ConfigurationError as error:
        return Taken(site, why=f"{error.cause} : {error.hint}")
    except ContinuityError as error:
        return Taken(site, why=f"{error.subject} : {error.cause}")
    return Taken(site, png)


def _compared(incident: Incident, after: Taken, before: bytes) -> dict[str, object]:
    """Return a site's score, None where one of the pictures is missing, and its threshold."""
    both = bool(after.png and before)
    score = round(difference(before, after.png), 4) if both else None
    return {"difference": score, "threshold": incident.estate.sites[after.site].picture_threshold}


def _to_check(found: Mapping[str, dict[str, object]], taken: Sequence[Taken]) -> list[str]:
    said = []
    for each in taken:
        score, threshold = found[each.site]["difference"], found[each.site]["threshold"]
        if not each.png:
            said.append(f"{each.site} : pas de capture ({each.why})")
        elif score is None:
            said.append(f"{each.site} : pas de capture en production à laquelle comparer")
        elif float(str(score)) > float(str(threshold)):
            shares = f"{percent(score)} de sa surface (seuil {percent(threshold)})"
            said.append(
                f"{each.site} : la première page diffère de la production sur {shares} : "
                "comparer les captures"
            )
    return said


def percent(share: object) -> str:
    """Write a share of one in percent."""
    return f"{float(str(share)) * 100:.0f} %"


def _reasons(taken: Sequence[Taken]) -> str:
    """Return why pictures are missing, each reason once."""
    return " ; ".join(dict.fromkeys(each.why for each in taken if each.why))
