"""The newest sealing of the emergency kit, a sealed record in the state store."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from blocks.errors import DamagedData, NotFound
from blocks.repositories.base import Repository
from blocks.repositories.seal import is_sealed, seal
from blocks.types.kits import SealedKit

_KIND = "kit"
_ADAPTER = TypeAdapter(SealedKit)


def put_kit(repository: Repository, kit: SealedKit) -> None:
    """Write that the kit was sealed; it replaces what was known of an earlier one."""
    value = {"kind": _KIND, "record": _ADAPTER.dump_python(kit, mode="json")}
    document = {"value": value, "seal": seal(repository.seal_key(), value)}
    repository.state().put(_key(kit.server), json.dumps(document, sort_keys=True).encode())


def kit_of(repository: Repository, server: str) -> SealedKit | None:
    """Return the newest sealing, None if there never was one.

    Raises:
        DamagedData: Somebody without the repository's password wrote the record.
    """
    objects, key = repository.state(), _key(server)
    try:
        content = objects.get(key)
    except NotFound:
        objects.list(key)  # a missing bucket stays an error
        return None
    try:
        document: Any = json.loads(content)
        value = document["value"]
        if is_sealed(repository.seal_key(), value, str(document["seal"])):
            kit = _ADAPTER.validate_json(json.dumps(value["record"]))
            if (value["kind"], kit.server) == (_KIND, server):
                return kit
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise _damaged(key) from error
    raise _damaged(key)


def _key(server: str) -> str:
    return f"kit/{server}.json"


def _damaged(key: str) -> DamagedData:
    hint = "find out who wrote it, then: continuity kit seal --to FILE"
    return DamagedData(key, f"record {key} is none of ours", hint)
