"""Pack the kit's files into one plain `tar.gz` that stock tools read, and unpack it with care."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from blocks.errors import DamagedData

TOP = "trousse"
"""Folder that stock `tar` makes; only its owner may enter it."""
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
_MOST_BYTES = 2 * 1024**3
"""No kit is larger: what says so is no kit of ours."""
_HINT = "take another copy of the kit, or seal a new one: continuity kit seal --to FILE"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the kit.

    Attributes:
        path: Where it lies, from the kit's folder.
        executable: Whether its owner may run it; nobody else may do anything with it.
    """

    path: str
    content: bytes
    executable: bool = False

    @property
    def sha256(self) -> str:
        """Checksum of the content."""
        return hashlib.sha256(self.content).hexdigest()


def complete(entries: Sequence[Entry], facts: Mapping[str, object]) -> tuple[Entry, ...]:
    """Return the entries with the manifest and with checksums for stock `sha256sum`."""
    files = {each.path: each.sha256 for each in entries}
    text = json.dumps({**facts, "files": files}, indent=2, ensure_ascii=False) + "\n"
    manifest = Entry(MANIFEST, text.encode())
    sums = "".join(f"{each.sha256}  {each.path}\n" for each in (*entries, manifest))
    return (*entries, manifest, Entry(SUMS, sums.encode()))


def pack(entries: Iterable[Entry], at: datetime) -> bytes:
    """Return the archive; the same entries and time give the same bytes inside."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz", compresslevel=1) as archive:
        archive.addfile(_member("", at, tarfile.DIRTYPE, 0o700))
        for each in entries:
            member = _member(each.path, at, tarfile.REGTYPE, 0o700 if each.executable else 0o600)
            member.size = len(each.content)
            archive.addfile(member, io.BytesIO(each.content))
    return output.getvalue()


def unpack(packed: bytes) -> tuple[Entry, ...]:
    """Return all files of an archive once every checksum and every name is right.

    Raises:
        DamagedData: It is no kit, a file is missing, changed or not listed, or a name, a link or a
            device would lead out of the folder.
    """
    try:
        entries = _read(packed)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise _damaged(f"is no archive of ours ({type(error).__name__})") from error
    _compare(entries)
    return tuple(entries.values())


def manifest_of(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return what the kit says of itself. Raises `DamagedData`."""
    found = next((each.content for each in entries if each.path == MANIFEST), b"")
    try:
        manifest = json.loads(found)
        if isinstance(manifest, dict) and isinstance(manifest["files"], dict):
            return manifest
    except (ValueError, KeyError) as error:
        raise _damaged("has no readable manifest") from error
    raise _damaged("has no readable manifest")


def _member(path: str, at: datetime, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"{TOP}/{path}".rstrip("/"))
    member.type, member.mode, member.mtime = kind, mode, int(at.timestamp())
    return member


def _read(packed: bytes) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    left = _MOST_BYTES
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        for member in archive:
            if member.isdir() and member.name == TOP:
                continue
            path = _safe(member)
            left -= member.size
            if path in found or left < 0:
                raise _damaged(f"holds {path} twice" if path in found else "is too large")
            content = archive.extractfile(member)
            assert content is not None  # noqa: S101 - it is a regular file
            found[path] = Entry(path, content.read(), bool(member.mode & 0o100))
    return found


def _safe(member: tarfile.TarInfo) -> str:
    """Return a member's path in the kit. Raises `DamagedData` for all but a plain file inside."""
    path = PurePosixPath(member.name)
    plain = member.isreg() and str(path) == member.name and "\\" not in member.name
    inside = path.parts[:1] == (TOP,) and len(path.parts) > 1 and ".." not in path.parts
    if not (plain and inside and member.name.isprintable()):
        raise _damaged(f"holds {member.name!r}, which is no plain file inside the kit's folder")
    return str(path.relative_to(TOP))


def _compare(entries: Mapping[str, Entry]) -> None:
    listed = manifest_of(entries.values())["files"]
    found = {path for path in entries if path not in (MANIFEST, SUMS)}
    if found != set(listed):
        odd = sorted(found ^ set(listed))
        raise _damaged(f"does not hold what its manifest lists: {', '.join(odd[:3])}")
    for path, sha256 in listed.items():
        if entries[path].sha256 != sha256:
            raise _damaged(f"holds another {path} than its manifest says")


def _damaged(cause: str) -> DamagedData:
    return DamagedData("emergency kit", cause, _HINT)
