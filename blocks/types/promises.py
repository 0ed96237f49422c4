"""What was promised to clients."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """The promise made to a client: the longest time a site may be down."""

    HOURS_48 = "48h"
    HOUR_1 = "1h"


class Frequency(StrEnum):
    """How often a site is backed up."""

    DAILY = "daily"
    WEEKLY = "weekly"
