"""Small documents in a store that only who has the repository's password can write."""

from __future__ import annotations

import json
from typing import Any

from blocks.errors import DamagedData, NotFound
from blocks.repositories.base import ObjectStore, Repository
from blocks.repositories.seal import is_sealed, seal


def put_sealed(
    repository: Repository, key: str, document: object, objects: ObjectStore | None = None
) -> None:
    """Write a document (JSON values) to the repository's state or to `objects`, replacing it."""
    made = {"document": document, "seal": seal(repository.seal_key(), document)}
    (objects or repository.state()).put(key, json.dumps(made, indent=1, sort_keys=True).encode())


def get_sealed(repository: Repository, key: str, objects: ObjectStore | None = None) -> Any | None:  # noqa: ANN401 - JSON
    """Return a document, None if there is none. Raises `DamagedData` if it was forged."""
    store = objects or repository.state()
    try:
        made = json.loads(store.get(key))
        document, given = made["document"], str(made["seal"])
    except NotFound:
        store.list(key)  # a missing bucket stays an error
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise _forged(key, f"cannot be read ({type(error).__name__})") from error
    if not is_sealed(repository.seal_key(), document, given):
        raise _forged(key, "was changed by somebody without the repository's password")
    return document


def _forged(key: str, cause: str) -> DamagedData:
    return DamagedData(key, cause, "find out who wrote it, then remove the object")
