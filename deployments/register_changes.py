"""What registration did to one thing in Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happened to a thing."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    LEFT = "left"
    """It is no longer in the estate and was not touched."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one thing, such as the block `client-site/shop`."""

    action: Action
    kind: str
    name: str
