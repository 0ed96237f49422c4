"""Test the bucket of a repository or an archive, keep the result, tell it without a new test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from blocks.archives.base import Archive
from blocks.errors import DamagedData
from blocks.repositories.base import ObjectStore, Repository
from blocks.repositories.sealed import get_sealed, put_sealed
from blocks.types import SelfTest
from flows.decisions.immutability import NEVER, Immutability, judge
from flows.tasks.incident import Estate, now
from flows.tasks.work import work

_tests = TypeAdapter(SelfTest)


def immutability_of(repository: Repository, at: datetime | None = None) -> Immutability:
    """Return whether this repository's immutability is proven, and when it was; tests nothing."""
    return _judged(self_test_of(repository), at)


def archive_test_of(archive: Archive, repository: Repository) -> SelfTest | None:
    """Return the newest self-test of an archive that is kept in a repository."""
    return _read(repository, archive.place())


def self_test_of(repository: Repository) -> SelfTest | None:
    """Return the newest self-test that is kept of this repository, None if there was none."""
    return _read(repository, repository.place())


def archive_immutability(
    estate: Estate, archive: Archive, at: datetime | None = None
) -> Immutability:
    """Return the same of one archive, from what is kept in the estate's repositories."""
    return _judged(_read(estate.repository, archive.place(), estate.state), at)


def keep_self_test(repository: Repository) -> SelfTest:
    """Test the bucket with every key, and keep the result in it."""
    test = repository.self_test(now())
    _keep(test, repository)
    return test


def keep_archive_test(archive: Archive, estates: Sequence[Estate]) -> SelfTest:
    """Test an archive's bucket with every key; keep the result in all repositories of these."""
    test = archive.self_test(now())
    for estate in estates:
        _keep(test, estate.repository, estate.state)
    return test


@work("bucket", retries=1)
def run_self_test(repository: Repository, *, subject: str) -> SelfTest:
    """Test the bucket with every key, and keep the result."""
    return keep_self_test(repository)


def _judged(test: SelfTest | None, at: datetime | None) -> Immutability:
    return judge(test, at or now()) if test else NEVER


def _read(
    repository: Repository, place: str, objects: ObjectStore | None = None
) -> SelfTest | None:
    """Return what the newest self-test found, None if there was none for this place.

    Raises:
        DamagedData: Somebody without the repository's password wrote it.
    """
    key = _key(place)
    document = get_sealed(repository, key, objects)
    if document is None:
        return None
    try:
        return _tests.validate_python(document)
    except ValidationError as error:
        raise DamagedData(key, "is no self-test", "continuity retention") from error


def _keep(test: SelfTest, repository: Repository, objects: ObjectStore | None = None) -> None:
    put_sealed(repository, _key(test.place), _tests.dump_python(test, mode="json"), objects)


def _key(place: str) -> str:
    return f"immutability/{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"
