"""Decide which pieces of an archive live sets still need, and what is said of locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from blocks.types import ArchiveListing, Part, RecoverySet
from flows.decisions.immutability import NEVER, Immutability
from flows.decisions.lock_audit import LockAudit
from flows.decisions.log_chain import chain_logs, choose_changes


@dataclass(frozen=True, slots=True)
class LockRecord:
    """What the newest audit found about one repository or one archive of a server.

    Attributes:
        kind: "dépôt" or "archive".
        mode: GOVERNANCE or COMPLIANCE, "" for no lock.
        days: How far ahead locks are made to reach.
        objects: Versions that must stay locked.
        earliest: When the first of their locks ends, None if none is locked.
        failed: Why nothing could be audited (French), "" if it was.
    """

    name: str
    kind: str
    at: datetime
    mode: str = ""
    days: int = 0
    objects: int = 0
    earliest: datetime | None = None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class KeptArchive:
    """What a retention found of one archive.

    Attributes:
        immutable: The verdict of its self-test.
        mode: Lock mode that new pieces get by themselves, "" for none.
        audit: What was found about the locks; None if they could not be audited.
        failed: Why not (French).
    """

    immutable: Immutability = NEVER
    mode: str = ""
    audit: LockAudit | None = None
    failed: str = ""


def live_sets(sets: Sequence[RecoverySet], last: int) -> tuple[RecoverySet, ...]:
    """Return the sets that the archive must be able to bring further: the newest ones.

    An older set is kept for itself; what came after it is in the sets after it.
    """
    found = [each for each in sets if each.position and each.position.identity]
    return tuple(sorted(found, key=lambda each: each.started_at)[-last:])


def needed_pieces(
    listing: ArchiveListing, sets: Sequence[RecoverySet], until: datetime
) -> Mapping[str, datetime]:
    """Return the keys of the pieces that bring these sets to a moment, and when each was shipped.

    Pieces that a greater one covers are not needed.
    """
    found: dict[str, datetime] = {}
    for each in sets:
        if each.position:
            spans = chain_logs(listing, each.position).spans
            found |= {piece.key: piece.at for span in spans for piece in span.pieces}
        for ref in each.snapshots:
            if ref.part is Part.SITE:
                pieces, _ = choose_changes(listing.files, ref.subject, ref.time, until)
                found |= {piece.key: piece.at for piece in pieces}
    return found
