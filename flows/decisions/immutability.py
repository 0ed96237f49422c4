"""Decide whether a repository's immutability is proven, from what its self-test found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from blocks.types import BucketCheck, CheckResult, CheckState, SelfTest

REQUIRED = (
    BucketCheck.VERSIONING,
    BucketCheck.DEFAULT_LOCK,
    BucketCheck.OVERWRITE,
    BucketCheck.HIDE,
    BucketCheck.DESTROY,
    BucketCheck.SHORTEN,
    BucketCheck.LIFECYCLE,
)
"""Without these a thief with the server's key can take a backup away for good."""
VALID = timedelta(days=8)
"""A proof is good for so long: rules of a bucket are changed without notice."""


@dataclass(frozen=True, slots=True)
class Immutability:
    """Whether nobody with a key of ours can take a backup away.

    Attributes:
        proven: None when it is not known: never tested, tested too long ago, or some of it could
            not be tested.
        sentence: Why, in French.
        at: When it was tested, None for never.
        lock_mode: GOVERNANCE (the bucket's owner may lift it) or COMPLIANCE (nobody may), or "".
    """

    proven: bool | None
    sentence: str
    at: datetime | None = None
    lock_mode: str = ""


NEVER = Immutability(None, "l'immuabilité n'a jamais été testée")


def judge(test: SelfTest, now: datetime | None = None) -> Immutability:
    """Return the verdict of a self-test; with `now`, one that is too old proves nothing."""
    required = [each for each in test.results if each.check in REQUIRED]
    broken = [each for each in required if each.state is CheckState.NOT_HELD]
    unknown = [each for each in required if each.state is CheckState.UNTESTED]
    missing = set(REQUIRED) - {each.check for each in required}
    proven: bool | None = True
    text = "immuabilité prouvée"
    if test.lock_mode == "GOVERNANCE":
        text += " (verrou GOVERNANCE : le propriétaire du compartiment peut encore le lever)"
    if broken:
        proven, text = False, f"immuabilité non tenue : {_told(broken)}"
    elif unknown or missing:
        proven, text = None, f"immuabilité non prouvée : {_told(unknown) or 'test incomplet'}"
    elif now is not None and not timedelta(minutes=-10) <= now - test.at <= VALID:
        proven, text = None, f"immuabilité testée le {test.at:%Y-%m-%d}, à tester de nouveau"
    return Immutability(proven, text, test.at, test.lock_mode)


def _told(results: list[CheckResult]) -> str:
    return " ; ".join(each.evidence for each in results)
