"""Read what restic writes: JSON lines, lists of snapshots, names of damaged files. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from blocks.errors import ProviderError
from blocks.types import Label, Part, RestoreSummary, Snapshot, StoredFile

_FILE = re.compile(r"<(data|index|snapshot|key)/([0-9a-f]{8,64})>")
_BLOB = re.compile(r"blob <(?:data|tree)/[0-9a-f]+> from ([0-9a-f]{8,64})")
_PACK = re.compile(r"\bpack ([0-9a-f]{64})")
_FOLDERS = {"data": "data", "index": "index", "snapshot": "snapshots", "key": "keys"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A snapshot with the paths it was asked to hold."""

    snapshot: Snapshot
    paths: tuple[str, ...]


def tags(label: Label) -> tuple[str, ...]:
    """Return the tags that carry a label; restic splits tags at commas, so they are quoted."""
    values = {"set": label.set_id, "part": label.part, "subject": label.subject}
    return tuple(f"{name}={quote(value, safe='')}" for name, value in values.items())


def messages(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects among the lines; other lines are for people."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


def summary(stdout: bytes) -> Mapping[str, Any]:
    """Return the closing message of `backup --json` or `restore --json`."""
    for message in messages(stdout.decode(errors="replace")):
        if message.get("message_type") == "summary":
            return message
    raise _unreadable("no summary in it")


def restore_summary(stdout: bytes) -> RestoreSummary:
    """Read the closing message of `restore --json`; fields that are zero are missing in it."""
    found = summary(stdout)
    return RestoreSummary(
        files=int(found.get("files_restored", 0)),
        bytes=int(found.get("bytes_restored", 0)),
        skipped=int(found.get("files_skipped", 0)),
    )


def listed(stdout: bytes) -> tuple[Listed, ...]:
    """Read `snapshots --json`, oldest first. Snapshots that somebody took by hand are left out."""
    try:
        found = [_listed(item) for item in json.loads(stdout) if _label(item)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error
    return tuple(sorted(found, key=lambda each: (each.snapshot.time, each.snapshot.id)))


def _listed(item: Mapping[str, Any]) -> Listed:
    numbers, label = item["summary"], _label(item)
    assert label is not None  # noqa: S101 - filtered by the caller
    snapshot = Snapshot(
        id=item["id"],
        label=label,
        tree=item["tree"],
        time=_moment(item["time"]),
        size=int(numbers["total_bytes_processed"]),
        added=int(numbers["data_added_packed"]),
        files=int(numbers["total_files_processed"]),
    )
    return Listed(snapshot, tuple(item["paths"]))


def stored_files(stdout: bytes) -> tuple[StoredFile, ...]:
    """Read `ls --json`: the regular files of one snapshot."""
    try:
        return tuple(
            StoredFile(each["path"], int(each.get("size", 0)), _moment(each["ctime"]))
            for each in map(json.loads, stdout.splitlines())
            if each.get("type") == "file"
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _label(item: Mapping[str, Any]) -> Label | None:
    pairs = dict(tag.split("=", 1) for tag in item.get("tags") or () if "=" in tag)
    if not {"set", "part", "subject"} <= pairs.keys():
        return None
    values = {name: unquote(value) for name, value in pairs.items()}
    return Label(item["hostname"], values["set"], Part(values["part"]), values["subject"])


def refused_sources(stderr: str) -> tuple[str, ...]:
    """Return what restic could not read during a backup, without what vanished meanwhile."""
    reasons = (
        str(message.get("error", {}).get("message", ""))
        for message in messages(stderr)
        if message.get("message_type") == "error" and message.get("during") == "archival"
    )
    return tuple(reason for reason in reasons if not reason.endswith("no such file or directory"))


def damaged_files(text: str) -> tuple[str, ...]:
    """Return the (shortened) names of files in the repository that a message complains of."""
    # In "blob <data/..> from <pack>" the first is a piece of a file, the second is the file.
    packs = [*_BLOB.findall(text), *_PACK.findall(text)]
    files = [f"data/{pack[:2]}/{pack}" for pack in packs]
    for folder, name in _FILE.findall(_BLOB.sub("", text)):
        files.append(
            f"data/{name[:2]}/{name}" if folder == "data" else f"{_FOLDERS[folder]}/{name}"
        )
    return tuple(dict.fromkeys(files))


def blobs_of(index: bytes, pack: str) -> Mapping[str, str] | None:
    """Return ids and types of a pack's blobs, None if this index file does not know it."""
    try:
        for each in json.loads(index)["packs"]:
            if each["id"].startswith(pack):
                return {blob["id"]: blob["type"] for blob in each["blobs"]}
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error
    return None


def packs_of(index: bytes) -> tuple[str, ...]:
    """Return the ids of all packs that an index file knows."""
    try:
        return tuple(str(each["id"]) for each in json.loads(index)["packs"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error


def snapshots_found(text: str) -> frozenset[str]:
    """Return the snapshots in which `find --json` found something, or could not look."""
    found = re.findall(r'"snapshot":"([0-9a-f]{64})"', text)
    return frozenset(found + re.findall(r"belongs to snapshot ([0-9a-f]{64})", text))


def _unreadable(cause: str) -> ProviderError:
    return ProviderError(
        "restic's answer", f"could not be understood: {cause}", "script/fetch-restic; run again"
    )
