"""Keys of the objects of an archive, as `agent.sh` writes them. Pure.

    <server>/<moment>-log-<log>-<identity>-<start>-<end>[-after-<log>-<identity>-<size>].zst.age
    <server>/<moment>-files-<site>-<since>.tar.zst.age
    <server>/<moment>-pulse.zst.age

A moment is UTC, such as 20261123T102618.123Z, so that keys sort by time. `-alone` at the end of a
log's key says that the files of that pass are not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from blocks.types import ArchiveListing, FilePiece, LogId, LogLink, LogPiece, StoredObject

_MOMENT = r"\d{8}T\d{6}\.\d{3}Z"
_LOG = re.compile(
    rf"(?P<at>{_MOMENT})-log-(?P<log>[\w.-]+?)-(?P<id>[0-9a-f]{{16}})-(?P<start>\d+)-(?P<end>\d+)"
    r"(-after-(?P<after>[\w.-]+?)-(?P<after_id>[0-9a-f]{16})-(?P<size>\d+))?(?P<alone>-alone)?"
    r"\.zst\.age"
)
_FILES = re.compile(
    rf"(?P<at>{_MOMENT})-files-(?P<site>[\w.-]+)-(?P<since>{_MOMENT})\.tar\.zst\.age"
)
_PULSE = re.compile(rf"(?P<at>{_MOMENT})-pulse\.zst\.age")


def stamp(moment: datetime) -> str:
    """Return a moment as it stands in keys; times before it sort before it."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S.%f}"[:-3] + "Z"


def moment(text: str) -> datetime:
    """Return the moment of a key. Raises ValueError."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)


def listing(objects: Iterable[StoredObject]) -> ArchiveListing:
    """Sort objects into pieces; what has another name is none of ours."""
    logs: list[LogPiece] = []
    files: list[FilePiece] = []
    seen: list[datetime] = []
    for each in sorted(objects, key=lambda item: item.key):
        name = each.key.rpartition("/")[2]
        if found := _LOG.fullmatch(name):
            logs.append(_log(each, found))
            seen += [] if found["alone"] else [logs[-1].at]
        elif found := _FILES.fullmatch(name):
            at, since = moment(found["at"]), moment(found["since"])
            files.append(FilePiece(each.key, each.size, at, found["site"], since))
        elif found := _PULSE.fullmatch(name):
            seen.append(moment(found["at"]))
    return ArchiveListing(tuple(logs), tuple(files), max(seen, default=None))


def _log(each: StoredObject, found: re.Match[str]) -> LogPiece:
    link = None
    if found["after"]:
        link = LogLink(LogId(found["after"], found["after_id"]), int(found["size"]))
    return LogPiece(
        key=each.key,
        size=each.size,
        at=moment(found["at"]),
        log=LogId(found["log"], found["id"]),
        start=int(found["start"]),
        end=int(found["end"]),
        follows=link,
    )
