"""The journal of incidents: one object a record, so that a killed run leaves all it had written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock
from typing import Any

from pydantic import TypeAdapter, ValidationError

from blocks.errors import AlreadyExists, ConfigurationError, DamagedData, NotFound, Unavailable
from blocks.records import StepRecord, StepState
from blocks.repositories.base import ObjectStore

_ROOT = "incidents/"
_RECORD = re.compile(r"(\d{3,})-(.+)-(started|done|failed|skipped)\.json")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_READERS = 8
_ATTEMPTS = 50
_record = TypeAdapter(StepRecord)
_document: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_appending: defaultdict[str, Lock] = defaultdict(Lock)
"""By incident: threads of one run append side by side, each with a journal of its own."""


def incidents(objects: ObjectStore) -> tuple[str, ...]:
    """Return the ids of all incidents, sorted."""
    keys = (each.key.removeprefix(_ROOT) for each in objects.list(_ROOT))
    return tuple(sorted({key.split("/", 1)[0] for key in keys if "/" in key}))


class Journal:
    """What happened in one incident, in order, and the documents that belong to it."""

    def __init__(self, objects: ObjectStore, incident: str) -> None:
        self._objects = objects
        self._incident = _checked(incident)
        self._folder = f"{_ROOT}{incident}/"

    def records(self, after: int = 0) -> tuple[StepRecord, ...]:
        """Return all records, oldest first. Raises `DamagedData` for one that cannot be read.

        Each is a request. Who follows a run gives the number of the newest that it knows: numbers
        are given one after the other, so nothing comes later with a smaller one.
        """
        keys = [key for key in self._keys() if _number(key) > after]
        with ThreadPoolExecutor(_READERS, thread_name_prefix="journal") as pool:
            found = list(pool.map(self._read, keys))
        return tuple(sorted(found, key=lambda each: each.sequence))

    def append(
        self,
        *,
        step: str,
        state: StepState,
        started_at: datetime,
        ended_at: datetime | None = None,
        saw: str = "",
        did: str = "",
        why: str = "",
        data: Mapping[str, object] | None = None,
    ) -> StepRecord:
        """Write the next record; return it with its number."""
        with _appending[self._incident]:
            number = max((_number(key) for key in self._keys()), default=0)
            for _ in range(_ATTEMPTS):
                number += 1
                record = StepRecord(
                    incident=self._incident,
                    sequence=number,
                    step=_checked(step),
                    state=state,
                    started_at=started_at,
                    ended_at=ended_at,
                    saw=saw,
                    did=did,
                    why=why,
                    data=dict(data or {}),
                )
                if self._written(record):
                    return record
        raise Unavailable(
            f"journal of {self._incident}", "others keep writing to it", "see: continuity status"
        )

    def document(self, name: str) -> dict[str, Any] | None:
        """Return a document such as `plan.json`, None if there is none."""
        key = self._folder + _checked(name)
        try:
            content = self._objects.get(key)
        except NotFound:
            self._objects.list(key)  # a missing bucket stays an error
            return None
        try:
            return _document.validate_json(content)
        except ValidationError as error:
            raise _damaged(key, error) from error

    def documents(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the documents that begin so, sorted."""
        keys = (each.key for each in self._objects.list(self._folder + _checked(prefix)))
        return tuple(sorted(key.removeprefix(self._folder) for key in keys))

    def put_document(self, name: str, document: Mapping[str, object]) -> None:
        """Write a document, replacing it. Times, tuples and enums become their JSON text."""
        content = _document.dump_json(dict(document), indent=1)
        self._objects.put(self._folder + _checked(name), content)

    def file(self, name: str) -> bytes:
        """Return what was kept under a name such as `before-shop.png`, empty if nothing was."""
        try:
            return self._objects.get(self._folder + _checked(name))
        except NotFound:
            return b""

    def put_file(self, name: str, content: bytes) -> None:
        """Keep a small file beside the records, replacing it."""
        self._objects.put(self._folder + _checked(name), content)

    def _written(self, record: StepRecord) -> bool:
        name = f"{record.sequence:03d}-{record.step}-{record.state}.json"
        try:
            self._objects.put_if_absent(self._folder + name, _record.dump_json(record, indent=1))
        except AlreadyExists:
            return False
        return True

    def _keys(self) -> list[str]:
        keys = [each.key for each in self._objects.list(self._folder)]
        return [key for key in keys if _RECORD.fullmatch(key.removeprefix(self._folder))]

    def _read(self, key: str) -> StepRecord:
        try:
            return _record.validate_json(self._objects.get(key))
        except ValidationError as error:
            raise _damaged(key, error) from error


def _number(key: str) -> int:
    return int(key.rsplit("/", 1)[-1].split("-", 1)[0])


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"name {name!r}", "cannot be part of a key", "use letters, digits, dots and dashes"
        )
    return name


def _damaged(key: str, error: ValidationError) -> DamagedData:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return DamagedData(
        key, f"{where}: {first['msg']}", "restore the object's earlier version in the bucket"
    )
