"""Decide what an incident that is over means: promises, time limits of the law, what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.records import StepRecord, StepState
from blocks.types import Tier

PROMISED = {Tier.HOURS_48: timedelta(hours=48), Tier.HOUR_1: timedelta(hours=1)}
LOSS_WITH_ARCHIVE, LOSS_WITHOUT = timedelta(seconds=60), timedelta(hours=24)
"""What may be lost of a server with a continuous archive, and of one with daily sets alone."""
CNIL_WITHIN = timedelta(hours=72)
"""GDPR article 33(1): from the moment at which the controller knows of the breach."""


@dataclass(frozen=True, slots=True)
class SitePromise:
    """What was promised for a site, and what came of it.

    Attributes:
        down: None while the site is not proven to be back.
        kept: None if that cannot be said yet.
    """

    title: str
    tier: Tier
    down: timedelta | None
    kept: bool | None


@dataclass(frozen=True, slots=True)
class Breach:
    """The availability breach as the register of article 33(5) wants it.

    Attributes:
        known_at: When this tool was told at the latest; whoever knew earlier counts from there.
        notify_by: End of the time for telling the CNIL, if there is a risk for people.
        lost_since: Data written after this are gone; None when nothing is known to be lost.
    """

    began_at: datetime
    known_at: datetime
    ended_at: datetime | None
    notify_by: datetime
    lost_since: datetime | None


def judge_promise(title: str, tier: Tier, down: timedelta | None, passed: timedelta) -> SitePromise:
    """Compare a site's downtime with its promise.

    Args:
        title: The site's, for people.
        tier: What was promised.
        down: How long it was down; None if it is not back.
        passed: Time since it went down.
    """
    limit = PROMISED[tier]
    if down is None:
        return SitePromise(title, tier, None, False if passed > limit else None)
    return SitePromise(title, tier, down, down <= limit)


def judge_breach(
    began_at: datetime,
    records: Sequence[StepRecord],
    ended_at: datetime | None,
    data_as_of: datetime | None,
) -> Breach:
    """Put the breach's times together; `records` are the incident's, at least one."""
    known = min(each.started_at for each in records)
    lost = data_as_of if data_as_of is None or data_as_of < began_at else None
    return Breach(began_at, known, ended_at, known + CNIL_WITHIN, lost)


def failures(records: Sequence[StepRecord]) -> Mapping[str, str]:
    """Return every step that ever failed with its newest reason, mended since or not."""
    return {each.step: each.why for each in records if each.state is StepState.FAILED}
