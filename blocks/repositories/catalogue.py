"""The recovery sets of a repository: sealed manifests, written last, never overwritten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from blocks.errors import AlreadyExists, DamagedData
from blocks.repositories.base import Repository
from blocks.repositories.seal import is_sealed, seal
from blocks.types import Part, RecoverySet, Snapshot, SnapshotRef

FORMAT = 1
_READERS = 8
_manifests = TypeAdapter(RecoverySet)


@dataclass(frozen=True, slots=True)
class Listing:
    """The sets of one server, oldest first, and why the others cannot be used: (id, reason)."""

    sets: tuple[RecoverySet, ...]
    refused: tuple[tuple[str, str], ...] = ()


class Catalogue:
    """Read and write manifests. Each carries a seal that only the repository's password gives."""

    def __init__(self, repository: Repository) -> None:
        self._objects = repository.objects()
        self._key = repository.seal_key()

    def put(self, made: RecoverySet) -> None:
        """Write a manifest: from now on the set exists. Raises `AlreadyExists`."""
        manifest = _manifests.dump_python(made, mode="json")
        document = {"manifest": manifest, "seal": seal(self._key, manifest)}
        content = json.dumps(document, indent=1, sort_keys=True).encode()
        key = _key(made.server, made.id)
        # Looked for as well: not every versioned bucket refuses the second writer.
        if self._objects.list(key):
            raise AlreadyExists(key, "this set was written before", "continuity sets SERVER")
        self._objects.put_if_absent(key, content)

    def read(self, server: str, set_id: str) -> RecoverySet:
        """Return a set. Raises `NotFound`; `DamagedData` if it is not as it was written."""
        key = _key(server, set_id)
        found = _opened(key, self._objects.get(key), self._key)
        if (found.server, found.id) != (server, set_id):
            raise _damaged(key, f"is the manifest of {found.id}")
        return found

    def list(self, server: str) -> Listing:
        """Return all sets of a server; one that cannot be read does not hide the others."""
        start, end = f"{server}/sets/", "/manifest.json"
        keys = [each.key for each in self._objects.list(start) if each.key.endswith(end)]
        names = [key.removeprefix(start).removesuffix(end) for key in keys]
        with ThreadPoolExecutor(_READERS, thread_name_prefix="catalogue") as pool:
            found = list(pool.map(lambda name: self._try(server, name), names))
        sets = [each for each in found if isinstance(each, RecoverySet)]
        refused = [each for each in found if isinstance(each, tuple)]
        return Listing(tuple(sorted(sets, key=lambda each: each.started_at)), tuple(refused))

    def _try(self, server: str, set_id: str) -> RecoverySet | tuple[str, str]:
        try:
            return self.read(server, set_id)
        except DamagedData as damage:
            return set_id, damage.cause

    def remove(self, server: str, set_id: str) -> None:
        """Remove a manifest; the set's data stays until `forget`. Idempotent."""
        self._objects.remove(_key(server, set_id))


def contradictions(made: RecoverySet, snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    """Return what a manifest claims and the repository does not confirm, a sentence each."""
    known = {each.id: each for each in snapshots}
    found = [text for ref in made.snapshots for text in _against(made, ref, known.get(ref.id))]
    held = {ref.subject for ref in made.snapshots if ref.part is Part.SITE}
    found += [f"site {name} has no snapshot" for name in made.sites if name not in held]
    return tuple(found)


def _against(made: RecoverySet, ref: SnapshotRef, real: Snapshot | None) -> list[str]:
    name = f"snapshot {ref.id[:8]} ({ref.part} {ref.subject})"
    if real is None:
        return [f"{name} is not in the repository"]
    pairs: dict[str, tuple[object, object]] = {
        "server": (made.server, real.label.server),
        "part": (ref.part, real.label.part),
        "subject": (ref.subject, real.label.subject),
        "set": (ref.taken_in, real.label.set_id),
        "tree": (ref.tree, real.tree),
        "size": (ref.size, real.size),
        "number of files": (ref.files, real.files),
    }
    return [
        f"{name}: the manifest says {what} {claimed}, the repository {there}"
        for what, (claimed, there) in pairs.items()
        if claimed != there
    ]


def _key(server: str, set_id: str) -> str:
    return f"{server}/sets/{set_id}/manifest.json"


def _opened(key: str, content: bytes, seal_key: bytes) -> RecoverySet:
    try:
        document: Any = json.loads(content)
        manifest, given = document["manifest"], str(document["seal"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(key, f"is no manifest ({type(error).__name__})") from error
    if not is_sealed(seal_key, manifest, given):
        raise _damaged(key, "was changed by somebody without the repository's password")
    if manifest.get("format") != FORMAT:
        raise _damaged(key, f"has format {manifest.get('format')}, this program knows {FORMAT}")
    try:
        return _manifests.validate_json(json.dumps(manifest), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _damaged(key, f"{where}: {first['msg']}") from error


def _damaged(key: str, cause: str) -> DamagedData:
    return DamagedData(
        key,
        f"manifest {key} {cause}",
        "use another set, or bring the earlier version back: "
        "continuity repository rewind REPOSITORY --to TIME",
    )
