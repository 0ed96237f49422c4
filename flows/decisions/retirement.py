"""Decide which machines that a server left behind may be destroyed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from pydantic import TypeAdapter

from blocks.errors import NotFound, UnsafePlan
from blocks.types import Machine, RecoverySet, SmokeResult
from flows.decisions.recovery_plan import Purpose, ZoneView

LEFT_BY = (Purpose.RECOVERY, Purpose.FAILBACK)
"""Machines that recoveries and moves made; a drill's are swept, others are not ours to destroy."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A machine that is not the server any more, and why it must not go yet ("" if it may)."""

    machine: Machine
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class RetirementSight:
    """What was looked at.

    Attributes:
        moved_at: When the server came to the machine that the estate names; None if it never moved.
        pages: Its sites' pages as visitors see them.
        newest: The newest set that can be used, None without any.
    """

    server: str
    address: str
    machines: tuple[Machine, ...]
    zones: tuple[ZoneView, ...]
    pages: tuple[SmokeResult, ...]
    newest: RecoverySet | None
    moved_at: datetime | None


@dataclass(frozen=True, slots=True)
class RetirementPlan:
    """The machines that will be destroyed, and what proves that nobody needs them."""

    incident: str
    server: str
    address: str
    set_id: str
    retired: tuple[Machine, ...]
    kept: tuple[Leftover, ...]

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 over what will be destroyed."""
        covered = asdict(self)
        covered["retired"] = [[each.provider, each.id] for each in self.retired]
        del covered["kept"]
        text = json.dumps(covered, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def again(self) -> str:
        """The command that goes on with this."""
        return f"continuity retire {self.server} --incident {self.incident}"


def decide_retirement(incident: str, seen: RetirementSight) -> RetirementPlan:
    """Choose the machines that may go.

    Raises:
        NotFound: The server left no machine behind.
        UnsafePlan: It is not proven that the server is well without them; what is missing.
    """
    left = [each for each in seen.machines if _is_leftover(each, seen)]
    if not left:
        raise NotFound(
            f"machines that {seen.server} left behind",
            f"there is none besides {seen.address}",
            "continuity status",
        )
    missing = _missing(seen, seen.moved_at or max(each.created_at for each in left))
    if missing:
        raise UnsafePlan(
            f"server {seen.server}",
            f"is not proven to be well without them: {'; '.join(missing)}",
            f"put that right, then: continuity retire {seen.server}",
        )
    judged = [Leftover(each, _why_not(each, seen)) for each in left]
    retired = tuple(each.machine for each in judged if not each.why_not)
    kept = tuple(each for each in judged if each.why_not)
    if not retired:
        why = "; ".join(f"{each.machine.name}: {each.why_not}" for each in kept)
        raise UnsafePlan(f"server {seen.server}", why, f"continuity retire {seen.server}")
    set_id = seen.newest.id if seen.newest else ""
    return RetirementPlan(incident, seen.server, seen.address, set_id, retired, kept)


def _is_leftover(machine: Machine, seen: RetirementSight) -> bool:
    tags = machine.tags
    ours = tags.get("managed-by") == "continuity" and tags.get("server") == seen.server
    return ours and tags.get("purpose") in LEFT_BY and machine.address != seen.address


def _missing(seen: RetirementSight, since: datetime) -> list[str]:
    """Say what speaks against it for the server as a whole (French).

    A set that is not newer than `since` may be of a machine that is to be destroyed.
    """
    found = [f"zone {view.zone} illisible" for view in seen.zones if view.refused]
    found += [f"{each.check.url} : {each.observed}" for each in seen.pages if not each.passed]
    strayed = sorted({e.address for e in seen.pages if e.passed and e.address != seen.address})
    if strayed:
        found.append(
            f"des pages sont servies par {', '.join(strayed)}, le fichier du parc nomme "
            f"{seen.address} (continuity estate adopt {seen.server})"
        )
    if not seen.pages:
        found.append("aucune page à contrôler")
    if seen.newest is None:
        found.append("aucun jeu utilisable")
    elif seen.newest.consistent_at <= since:
        found.append(
            f"pas encore de jeu de la machine actuelle (le dernier, {seen.newest.id}, est "
            f"d'avant) : continuity backup {seen.server}"
        )
    return found


def _why_not(machine: Machine, seen: RetirementSight) -> str:
    names = sorted(
        {rec.name for view in seen.zones for rec in view.records if machine.address in rec.values}
    )
    return f"{', '.join(names)} y mène encore" if names else ""


_plans = TypeAdapter(RetirementPlan)


def retirement_from_document(document: Mapping[str, object]) -> RetirementPlan:
    """Return the plan that was written to the journal. Raises ValueError if it is none."""
    return _plans.validate_python(document)
