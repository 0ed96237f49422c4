"""Refuse to bring a site back where it could not end well, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blocks.errors import ConfigurationError, DiskFull, NotFound, UnsafePlan
from blocks.types import LogSpan, Part, RecoverySet
from flows.decisions.database_way import Way, restore_way
from flows.decisions.site_restore import SiteMark, Stage, command

MARGIN = 256 * 1024 * 1024
"""Bytes that must be left on the server's disk while the second instance is there."""


def require_site(server: str, site: str, databases: Mapping[str, Sequence[str]]) -> None:
    """Refuse a site that is not there or has nothing that could go back.

    Raises:
        NotFound: The server has no such site.
        ConfigurationError: It uses no database.
    """
    if site not in databases:
        names = ", ".join(sorted(databases)) or "none"
        raise NotFound(f"site {site}", f"is not on {server}; there: {names}", command("SITE"))
    if not databases[site]:
        raise ConfigurationError(
            f"site {site}",
            "uses no database, and files are not brought back by this",
            "for its files: docs/restore-by-hand.md; or name its `databases` in the estate file",
        )


def require_physical(chosen: RecoverySet, series: str) -> None:
    """Refuse a set whose databases no second instance here, of this MariaDB series, could hold.

    Raises:
        UnsafePlan: It holds dumps only, or was copied from another series.
    """
    hint = f"choose another set: continuity sets {chosen.server}; then --set SET"
    subject = f"set {chosen.id}"
    if not any(ref.part is Part.PHYSICAL for ref in chosen.snapshots) or chosen.position is None:
        raise UnsafePlan(subject, "holds dumps only, no logs can be replayed onto them", hint)
    if restore_way(chosen.database_facts, series).way is not Way.PHYSICAL:
        then = chosen.database_facts.series if chosen.database_facts else "unknown"
        cause = f"was copied from MariaDB {then}, the server has {series or 'none'}"
        raise UnsafePlan(subject, cause, hint)


def require_no_broken_load(site: str, mark: SiteMark | None) -> None:
    """Refuse to begin while the databases of another site are half replaced. `UnsafePlan`."""
    if mark and mark.stage is Stage.LOADING and mark.site != site:
        raise UnsafePlan(
            f"site {mark.site}",
            f"incident {mark.incident} broke off while its databases were loaded",
            f"finish it first: {command(mark.site)} --at POINT --incident {mark.incident}",
        )


def room_needed(copy: int, spans: Sequence[LogSpan], databases: int) -> int:
    """Return the bytes that copy, logs and what is loaded take on the server's disk.

    Logs lie there packed and unpacked; what is loaded is in the data and in the binary log.
    """
    logs = sum(span.end for span in spans)
    packed = sum(piece.size for span in spans for piece in span.pieces)
    return copy + logs + packed + 2 * databases + MARGIN


def require_room(server: str, free: int, needed: int) -> None:
    """Refuse to fill the disk of a server that serves. `DiskFull`."""
    if free < needed:
        raise DiskFull(
            f"disk of {server}",
            f"{free // 2**20} MiB are free, the second instance needs {needed // 2**20} MiB",
            "make room on the server (df -h), or practise on another machine: "
            f"continuity drill {server} --at POINT",
        )
