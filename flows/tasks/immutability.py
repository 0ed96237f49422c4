"""Test a repository's bucket, keep what was found, and tell others without testing again."""

from __future__ import annotations

import hashlib
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from blocks.errors import DamagedData
from blocks.repositories.base import Repository
from blocks.repositories.sealed import get_sealed, put_sealed
from blocks.types import SelfTest
from flows.decisions.immutability import NEVER, Immutability, judge
from flows.tasks.incident import now
from flows.tasks.work import work

_tests = TypeAdapter(SelfTest)


def immutability_of(repository: Repository, at: datetime | None = None) -> Immutability:
    """Return whether this repository's immutability is proven, and when it was; tests nothing."""
    test = last_self_test(repository)
    return judge(test, at or now()) if test else NEVER


def last_self_test(repository: Repository) -> SelfTest | None:
    """Return what the newest self-test found, None if there was none for this place.

    Raises:
        DamagedData: Somebody without the repository's password wrote it.
    """
    key = _key(repository)
    document = get_sealed(repository, key)
    if document is None:
        return None
    try:
        return _tests.validate_python(document)
    except ValidationError as error:
        raise DamagedData(key, "is no self-test", "continuity repository check NAME") from error


def keep_self_test(repository: Repository) -> SelfTest:
    """Test the bucket with every key, and keep the result."""
    test = repository.self_test(now())
    put_sealed(repository, _key(repository), _tests.dump_python(test, mode="json"))
    return test


@work("bucket", retries=1)
def run_self_test(repository: Repository, *, subject: str) -> SelfTest:
    """Test the bucket with every key, and keep the result."""
    return keep_self_test(repository)


def _key(repository: Repository) -> str:
    return f"immutability/{hashlib.sha256(repository.place().encode()).hexdigest()[:16]}.json"
