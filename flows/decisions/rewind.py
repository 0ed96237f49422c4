"""Decide how a repository becomes again what it was at a moment, by adding and hiding only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from blocks.errors import ApprovalMismatch, UnsafePlan
from blocks.types import ObjectVersion
from flows.decisions.lock_audit import BACKUPS, age, by_key, content, counts

CONFUSING = ("restic/index/", "restic/snapshots/", "restic/keys/", "sets/")
"""What is added here changes what the repository says; an added pack of data does no harm."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """An old version that becomes the newest again."""

    key: str
    version: str
    size: int


@dataclass(frozen=True, slots=True)
class RewindPlan:
    """What has to be done; nothing of it destroys a version.

    Attributes:
        overwritten: Objects with another content than at that moment.
        hidden: Objects that were there at that moment and are hidden now.
        added: Objects that confuse and were not there at that moment: they are hidden.
        locks: restic's own locks, all of them: whoever held one is stopped or an attacker.
        last_change: The newest change in all that was looked at.
    """

    server: str
    to: datetime
    overwritten: tuple[PutBack, ...]
    hidden: tuple[PutBack, ...]
    added: tuple[str, ...]
    locks: tuple[str, ...]
    last_change: datetime | None = None

    @property
    def put_back(self) -> tuple[PutBack, ...]:
        """Every version that becomes the newest again."""
        return (*self.overwritten, *self.hidden)

    @property
    def hide(self) -> tuple[str, ...]:
        """Every object that is hidden."""
        return (*self.added, *self.locks)

    @property
    def empty(self) -> bool:
        """Whether the repository is already as it was."""
        return not self.put_back and not self.hide

    @property
    def digest(self) -> str:
        """Return twelve characters that name this plan and no other."""
        told = asdict(self) | {"to": self.to.isoformat(), "last_change": ""}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    def actions(self) -> frozenset[tuple[str, str]]:
        """Return what is done to each object: its key, and the version or "" for hiding."""
        back = {(each.key, each.version) for each in self.put_back}
        return frozenset(back | {(key, "") for key in self.hide})


def plan_rewind(
    server: str, versions: Sequence[ObjectVersion], to: datetime, now: datetime
) -> RewindPlan:
    """Compare every object with what it was at that moment.

    Raises:
        UnsafePlan: The moment is in the future, or there was no repository then.
    """
    if to > now:
        raise UnsafePlan(f"moment {to.isoformat()}", "is in the future", "give an earlier --to")
    found: dict[str, list[PutBack]] = {"overwritten": [], "hidden": []}
    added, locks = [], []
    for key, group in by_key(versions):
        last = max(group, key=age)
        if key.startswith(f"{server}/{BACKUPS.not_kept}"):
            locks += [key] if not last.hidden else []
        elif counts(server, key):
            then = _at(group, to)
            if then is None:
                confuses = key.startswith(tuple(f"{server}/{each}" for each in CONFUSING))
                added += [key] if confuses and not last.hidden else []
            elif last.hidden or content(last) != content(then):
                kind = "hidden" if last.hidden else "overwritten"
                found[kind].append(PutBack(key, then.id, then.size))
    if _at([each for each in versions if each.key == f"{server}/restic/config"], to) is None:
        hint = f"continuity sets {server}; give a later --to"
        raise UnsafePlan(f"repository {server}", f"did not exist at {to.isoformat()}", hint)
    last_change = max((each.modified for each in versions), default=None)
    return RewindPlan(server, to, tuple(found["overwritten"]), tuple(found["hidden"]),
                      tuple(added), tuple(locks), last_change)  # fmt: skip


def require_approval(plan: RewindPlan, digest: str, approved: RewindPlan | None) -> None:
    """Let a plan pass whose digest was quoted, or what is left of one that was.

    Raises:
        ApprovalMismatch: Another plan was quoted, or none.
    """
    if digest == plan.digest:
        return
    rest = approved is not None and digest == approved.digest and approved.to == plan.to
    if rest and approved is not None and plan.actions() <= approved.actions():
        return
    raise ApprovalMismatch(
        f"rewind of {plan.server}",
        f"the plan is {plan.digest}, approved was {digest or 'none'}",
        f"read the plan, then: continuity repository rewind REPOSITORY --to "
        f"{plan.to:%Y-%m-%dT%H:%M:%S} --approve {plan.digest}",
    )


def _at(group: Sequence[ObjectVersion], to: datetime) -> ObjectVersion | None:
    """Return what a reader saw at that moment, None for nothing."""
    before = [each for each in group if each.modified <= to]
    last = max(before, key=age, default=None)
    return None if last is None or last.hidden else last
