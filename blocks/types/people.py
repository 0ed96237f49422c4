"""Whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Duty(StrEnum):
    """What a person does in an incident; the words are those of the estate file."""

    LEADS = "pilote"
    TECHNICAL = "technique"
    COMMUNICATION = "communication"
    DECIDES = "décision"


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody of the agency.

    Attributes:
        order: Place in the call tree; 1 is called first.
        deputies: Names of those who stand in, in their order.
    """

    name: str
    duties: tuple[Duty, ...]
    phone: str
    email: str
    order: int
    deputies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Company:
    """A supplier: what it provides, where its support is, and which number to give there.

    Attributes:
        covers: Names of failure domains' providers that stand for it.
    """

    name: str
    provides: str
    support: str
    contract: str
    covers: tuple[str, ...] = ()
