"""Decide what may be said of a run: never green without proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """What a recovery or drill came to."""

    RECOVERED = "recovered"
    PARTLY = "partly recovered"
    FAILED = "not recovered"


@dataclass(frozen=True, slots=True)
class SiteOutcome:
    """How one site ended.

    Attributes:
        proven: Its pages answered and its data was found as the manifest says; for a real
            recovery, through DNS.
        observed: One sentence for people.
        back_at: When it was first seen healthy the way visitors reach it; None if it was not.
        newest: Time of the newest row that the site's own query found on the restored data.
        restored: Its pages answered on the new machine, whether or not visitors are led there.
    """

    name: str
    title: str
    proven: bool
    observed: str
    back_at: datetime | None = None
    newest: datetime | None = None
    restored: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to, and the figures that prove it.

    Attributes:
        rto: From `down_since` to the last proven site; None if none is.
        rpo: From the moment the restored data stands at to `down_since`; None if unproven.
    """

    incident: str
    server: str
    verdict: Verdict
    sentence: str
    down_since: datetime
    data_as_of: datetime | None
    rto: timedelta | None
    rpo: timedelta | None
    sites: tuple[SiteOutcome, ...]
    problems: tuple[str, ...] = field(default=())
    to_check: tuple[str, ...] = field(default=())
    """What is proven to answer, but a person should look at, such as another version of PHP."""
    to_do: tuple[str, ...] = field(default=())
    """What a person must type now, in this order, so that the new machine is protected."""


def conclude(
    incident: str,
    server: str,
    sites: Sequence[SiteOutcome],
    down_since: datetime,
    data_as_of: datetime | None,
    problems: Sequence[str] = (),
    to_check: Sequence[str] = (),
) -> Outcome:
    """Weigh the sites' outcomes; a problem of the whole server keeps the verdict from green."""
    proven = [site for site in sites if site.proven]
    if not proven and not any(site.restored for site in sites):
        verdict = Verdict.FAILED
    elif len(proven) < len(sites) or problems:
        verdict = Verdict.PARTLY
    else:
        verdict = Verdict.RECOVERED
    backs = [site.back_at for site in proven if site.back_at is not None]
    rto = max(backs) - down_since if backs else None
    rpo = None if data_as_of is None else max(down_since - data_as_of, timedelta())
    return Outcome(
        incident=incident,
        server=server,
        verdict=verdict,
        sentence=_sentence(server, verdict, sites, rto, rpo, problems),
        down_since=down_since,
        data_as_of=data_as_of,
        rto=rto,
        rpo=rpo,
        sites=tuple(sites),
        problems=tuple(problems),
        to_check=tuple(to_check),
    )


def _sentence(
    server: str,
    verdict: Verdict,
    sites: Sequence[SiteOutcome],
    rto: timedelta | None,
    rpo: timedelta | None,
    problems: Sequence[str],
) -> str:
    """Say in one sentence, for a tired reader, what was done and what is missing."""
    proven = [site.name for site in sites if site.proven]
    missing = [f"{site.name} ({site.observed})" for site in sites if not site.proven]
    parts = [f"{server} is {verdict}: {len(proven)} of {len(sites)} sites proven"]
    if rto is not None:
        parts.append(f"the last one after {rto.total_seconds():.0f} s")
    if rpo is not None:
        parts.append(f"{rpo.total_seconds():.0f} s of data lost")
    if missing:
        parts.append("not proven: " + "; ".join(missing))
    parts += problems
    return ", ".join(parts) + "."
