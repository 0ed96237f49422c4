"""The world as a recovery finds it, and the plan made from it, as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter

from blocks.types import (
    AddressChange,
    AddressRecord,
    LogPoint,
    MachineNeeds,
    SmokeCheck,
    Tier,
)
from flows.decisions.database_way import DatabaseWay
from flows.decisions.floating import Floating
from flows.decisions.set_choice import SetChoice


class Purpose(StrEnum):
    """Whether a run is real or practice; also the machine's `purpose` tag."""

    RECOVERY = "recovery"
    DRILL = "drill"
    FAILBACK = "failback"
    """The move of a server that serves: home, or to any other machine."""


_TOLD = ("warnings", "reaches", "cost")
"""Fields of a plan that the digest does not cover."""


NO_NEEDS = MachineNeeds()


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """Where the new machine may be made."""

    provider: str
    size: str
    region: str
    release: str = ""
    """Release of Debian that it makes machines of, "" while that is not known."""
    needs: MachineNeeds = NO_NEEDS
    """The least that a machine must have there."""


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """What a recovery must know of a site."""

    name: str
    title: str
    domains: tuple[str, ...]
    databases: tuple[str, ...]
    tier: Tier
    priority: int
    smoke: tuple[SmokeCheck, ...]
    freshness_database: str = ""
    freshness_query: str = ""


CHECKS = ("smoke", "freshness_database", "freshness_query")
"""Fields of a site that only look: a run that goes on takes them from the estate anew."""


@dataclass(frozen=True, slots=True)
class ZoneView:
    """The address records of one zone, as its provider held them when looked at."""

    block: str
    zone: str
    records: tuple[AddressRecord, ...]
    refused: str = ""
    """Why it could not be read; empty when it was."""


@dataclass(frozen=True, slots=True)
class RecordMove:
    """One record that leaves the lost server. AAAA is removed: the new machine has none."""

    zone: str
    name: str
    type: str
    old: tuple[str, ...]
    ttl: int

    def change(self, lost: str, new: str) -> AddressChange:
        """Return the change that puts `new` in the place of the lost address."""
        values = () if self.type == "AAAA" else tuple(new if v == lost else v for v in self.old)
        return AddressChange(self.name, self.type, self.old, values, self.ttl)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """One site's way back: its files, its checks, its records.

    `snapshot` is the files' tree: the same in every repository that holds the set.
    """

    site: SiteSpec
    snapshot: str
    moves: tuple[RecordMove, ...] = ()
    unread: tuple[str, ...] = ()
    """Domains that stay as they are because their zone could not be read."""


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """What the archive adds to the chosen set.

    Attributes:
        wanted: The point as the operator wrote it, "" for as far as possible.
        end: Where the replay ends as things are now; None if there is nothing to replay.
        reaches: All that was committed until then can be brought back; None without an archive.
        problem: Why it reaches no further, "" if nothing is known to be missing.
        notes: What to know of the buckets it lies in (French).
    """

    wanted: str
    end: LogPoint | None
    reaches: datetime | None
    problem: str = ""
    notes: tuple[str, ...] = ()


NO_ARCHIVE = ArchiveView("", None, None)


@dataclass(frozen=True, slots=True)
class Observation:
    """The world as one look found it."""

    taken_at: datetime
    server: str
    address: str
    answering: tuple[int, ...]
    """TCP ports on which the old server still answers."""
    choice: SetChoice
    sites: tuple[SiteSpec, ...]
    zones: tuple[ZoneView, ...]
    targets: tuple[TargetChoice, ...]
    archive: ArchiveView = NO_ARCHIVE
    notes: tuple[str, ...] = ()
    """What to know of the repositories and their failure domains (French)."""
    cost: str = ""
    """What a drill may cost, beside its ceiling (French)."""
    floating: Floating | None = None
    """The server's address, if its provider can lead it to another machine."""
    adopted: str = ""
    """The incident's own machine, if the estate file already says that it is this server."""


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """Everything that will be done, complete enough to approve it.

    `digest` covers all of it but the warnings, the checks (they change nothing in the world) and
    what the archive holds by now, so that an approval is bound to what will be done; nothing else
    in it depends on when it was made.

    Attributes:
        point: What the operator wants to go back to, "" for as far as possible.
        end: Where the replay of binary logs ends, if a point was wanted.
        reaches: For people: all that was committed until then comes back.
    """

    incident: str
    purpose: Purpose
    server: str
    lost_address: str
    fence: bool
    set_id: str
    set_time: datetime
    targets: tuple[TargetChoice, ...]
    sites: tuple[SitePlan, ...]
    warnings: tuple[str, ...] = ()
    point: str = ""
    end: LogPoint | None = None
    reaches: datetime | None = None
    readiness: tuple[DatabaseWay, ...] = ()
    """How the databases come back, a target each, in their order."""
    cost: str = ""
    """For people: what a drill may cost."""
    floating: Floating | None = None
    """The address that is led to the new machine if that is made where it can be."""

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 over the plan's canonical JSON."""
        covered = {name: value for name, value in asdict(self).items() if name not in _TOLD}
        if self.floating is None:
            # A plan without one is the plan that it always was.
            del covered["floating"]
        for each in covered["sites"]:
            for check in CHECKS:
                del each["site"][check]
        text = json.dumps(covered, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def again(self) -> str:
        """The command that goes on with this incident, or practises again."""
        if self.purpose is Purpose.DRILL:
            return f"continuity drill {self.server}"
        command = "failback" if self.purpose is Purpose.FAILBACK else "recover"
        return f"continuity {command} {self.server} --incident {self.incident}"


def plan_from_document(document: Mapping[str, object]) -> RecoveryPlan:
    """Return the plan that was written to the journal. Raises ValueError if it is none."""
    return TypeAdapter(RecoveryPlan).validate_python(document)
