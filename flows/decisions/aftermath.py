"""Decide what an incident that is over means: promises, time limits of the law, what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from blocks.records import StepRecord, StepState
from blocks.types import Tier
from flows.decisions.incident_cost import Spent
from flows.decisions.timeline import Timeline

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


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody decided to change after an incident."""

    what: str
    owner: str
    due: date


@dataclass(frozen=True, slots=True)
class Aftermath:
    """All that is known of an incident when its report is written.

    Attributes:
        report: What `outcome_document` returned; without a verdict while there is no outcome.
        approval: Who approved which plan, and when; may be empty.
        records: The incident's journal, at least one.
        promises: Of each site.
        loss_limit: How much may be lost.
        breach: Its times, for the register.
        spent: None where no prices are at hand.
        actions: What was decided since.
        written_at: When this is written.
    """

    report: Mapping[str, object]
    approval: Mapping[str, object]
    records: Sequence[StepRecord]
    promises: Sequence[SitePromise]
    loss_limit: timedelta
    breach: Breach
    timeline: Timeline
    spent: Sequence[Spent] | None
    actions: Sequence[Action]
    written_at: datetime


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
    told: Sequence[datetime] = (),
) -> Breach:
    """Put the breach's times together.

    Args:
        began_at: When the server went down.
        records: The incident's, at least one.
        ended_at: When the last site was back; None while one is not.
        data_as_of: How old the restored data are; None if unproven.
        told: When alerts came in: whoever got one knew.
    """
    known = min([each.started_at for each in records] + list(told))
    lost = data_as_of if data_as_of is None or data_as_of < began_at else None
    return Breach(began_at, known, ended_at, known + CNIL_WITHIN, lost)


def failures(records: Sequence[StepRecord]) -> Mapping[str, str]:
    """Return every step that ever failed with its newest reason, mended since or not."""
    return {each.step: each.why for each in records if each.state is StepState.FAILED}
