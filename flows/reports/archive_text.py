"""Which buckets of an archive serve, as people read it (French)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from flows.reports.wording import counted, moment


def archive_notes(
    names: Sequence[str],
    lost: Mapping[str, str],
    damaged: Mapping[str, Collection[str]],
    used: Collection[int],
) -> tuple[str, ...]:
    """Say what is left out and from where else it comes; nothing if the first bucket gives all.

    Args:
        names: The buckets in their order.
        lost: Why buckets cannot be read.
        damaged: Keys of pieces that are not what was put there, by bucket.
        used: Which buckets give what is replayed, counted from 0.
    """
    notes = [f"archive {name} illisible ({cause})" for name, cause in lost.items()]
    for name, keys in damaged.items():
        count = counted(len(keys), "morceau endommagé", "morceaux endommagés")
        notes.append(f"archive {name} : {count}")
    others = [names[each] for each in sorted(used) if each]
    if others:
        verb = "complétée par" if 0 in used else "lue dans"
        notes.append(f"archive {verb} {', '.join(others)}")
    return tuple(notes)


def unread_notes(begin: datetime, read: Sequence[tuple[datetime, datetime]]) -> tuple[str, ...]:
    """Say of which times between `begin` and the end of all logs none is left (French).

    Args:
        begin: The first moment that was asked for.
        read: From when to when there are logs, oldest first.
    """
    ends = [begin, *(until for _, until in read)]
    return tuple(
        f"aucun journal archivé du {moment(since)} au {moment(until)}"
        for since, (until, _) in zip(ends, read, strict=False)
        if since < until
    )
