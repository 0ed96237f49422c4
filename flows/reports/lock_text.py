"""How repositories and archives are protected against deletion, as people read it (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flows.decisions.archive_locks import KeptArchive, LockRecord
from flows.decisions.immutability import Immutability
from flows.decisions.lock_audit import AHEAD, LockAudit
from flows.reports.wording import counted, moment, size

HEADS = ("Où", "Immuabilité (essai)", "Verrou", "Première échéance")
UNKNOWN = "aucun contrôle : continuity retention"


def lock_rows(
    tests: Mapping[tuple[str, str], Immutability],
    records: Sequence[LockRecord],
    now: datetime,
) -> list[tuple[str, str, str, str]]:
    """Return a row for each repository and archive: place, self-test, lock profile, first end.

    Args:
        tests: By kind and name.
        records: What the newest audit wrote down.
        now: Time of the look.
    """
    known = {(each.kind, each.name): each for each in records}
    rows = []
    for place, test in tests.items():
        record = known.get(place)
        tested = f" ({moment(test.at)})" if test.at else ""
        rows.append(
            (" ".join(place), test.sentence + tested, _profile(record), _first_end(record, now))
        )
    return rows


def _profile(record: LockRecord | None) -> str:
    if record is None:
        return "?"
    if record.failed:
        return record.failed
    if not record.mode:
        return "AUCUN VERROU"
    return f"{record.mode}, {record.days} jours ({counted(record.objects, 'objet')})"


def _first_end(record: LockRecord | None, now: datetime) -> str:
    if record is None:
        return UNKNOWN
    if record.earliest is None:
        return "aucune"
    late = " : TROP TÔT, continuity retention" if record.earliest < now + AHEAD else ""
    return f"{moment(record.earliest)}{late}"


def archive_locks_markdown(found: Mapping[str, KeptArchive]) -> str:
    """Return the part of a retention's page about the archives; "" without one."""
    if not found:
        return ""
    lines = ["", "## Archive continue", ""]
    for name, kept in found.items():
        locks = _audit_text(kept.audit, kept.mode) if kept.audit else kept.failed
        lines.append(f"- {name} : {kept.immutable.sentence} ; {locks}")
    return "\n".join(lines) + "\n"


def _audit_text(audit: LockAudit, mode: str) -> str:
    text = f"{counted(audit.objects, 'morceau utile', 'morceaux utiles')} ({size(audit.bytes)}), "
    if not mode:
        return f"{text}aucun verrou"
    renewed = counted(len(audit.lengthen), "verrou prolongé", "verrous prolongés")
    text += f"{renewed}, première échéance {moment(audit.earliest)}"
    hurt = [
        (audit.overwritten, "écrasé", "écrasés"),
        (audit.missing, "caché ou absent", "cachés ou absents"),
    ]
    said = [f"{counted(len(keys), one, many)}" for keys, one, many in hurt if keys]
    return f"{text} ; **{', '.join(said)}**" if said else text
