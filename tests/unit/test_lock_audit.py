from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.types import Lock, ObjectVersion
from flows.decisions.lock_audit import AHEAD, audit_locks, to_keep
from tests.unit.samples import NOON

DAY = timedelta(days=1)


def version(name: str, number: int = 1, **more: object) -> ObjectVersion:
    fields: dict = {"size": 10, "etag": f"e{name}"} | more
    return ObjectVersion(f"web1/{name}", f"v{number}", NOON + timedelta(hours=number), **fields)


NAME = "restic/data/aa/aa"
PACK = version(NAME)


def audit(versions, needed=(), locks=None, *, days=14, now=NOON):
    locks = {(each.key, each.id): None for each in versions} | (locks or {})
    return audit_locks("web1", versions, needed, locks, now, timedelta(days=days), "GOVERNANCE")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("restic/config", True),
        ("restic/keys/k", True),
        ("restic/snapshots/s", True),
        ("restic/index/i", True),
        ("restic/data/aa/aa", True),
        ("sets/web1-1/manifest.json", True),
        ("restic/locks/l", False),
        ("self-test/x", False),
    ],
)
def test_everything_that_a_set_needs_counts(name, counts):
    assert len(to_keep("web1", [version(name)], ())) == counts


def test_objects_of_another_server_do_not_count():
    other = ObjectVersion("web10/restic/config", "v1", NOON)
    assert to_keep("web1", [other], ()) == ()


def test_what_pruning_hid_falls_out_of_its_lock():
    hidden = [
        version("restic/data/aa/aa", 1, newest=False),
        version("restic/data/aa/aa", 2, hidden=True),
    ]
    assert to_keep("web1", hidden, ()) == ()


def test_what_somebody_hid_although_it_is_needed_stays_locked_and_is_told():
    hidden = [
        version("restic/data/aa/aa", 1, newest=False),
        version("restic/data/aa/aa", 2, hidden=True),
    ]
    found = audit(hidden, needed=[PACK.key])
    assert found.objects == 1
    assert [each for each, _ in found.lengthen] == [(PACK.key, "v1")]
    assert found.missing == (PACK.key,)


def test_a_needed_object_that_is_not_there_at_all_is_told():
    assert audit([], needed=[PACK.key]).missing == (PACK.key,)


def test_of_what_was_overwritten_every_version_stays_locked():
    versions = [
        version("restic/data/aa/aa", 1, newest=False),
        version("restic/data/aa/aa", 2, etag="evil"),
    ]
    found = audit(versions)
    assert found.objects == 2
    assert found.overwritten == (PACK.key,)


def test_what_was_put_back_is_not_overwritten_any_more():
    versions = [
        version("restic/data/aa/aa", 1, newest=False),
        version("restic/data/aa/aa", 2, newest=False, etag="evil"),
        version("restic/data/aa/aa", 3),
    ]
    assert audit(versions).overwritten == ()


@pytest.mark.parametrize("name", ["sets/s/manifest.json", "restic/config"])
def test_manifest_and_configuration_are_written_once_too(name):
    versions = [version(name, 1, newest=False), version(name, 2, etag="x")]
    found = audit(versions)
    assert found.overwritten == (f"web1/{name}",)
    assert found.tampered_at == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("days", "left", "renewed"),
    [
        (14, 13, False),
        (14, 8, False),
        (14, 6.9, True),
        (14, 0, True),
        (14, -3, True),
        (5, 3.1, False),
        (5, 2.9, True),
    ],
)
def test_a_lock_is_renewed_when_half_its_time_is_over(days, left, renewed):
    held = Lock("COMPLIANCE", NOON + timedelta(days=left))
    found = audit([PACK], locks={(PACK.key, "v1"): held}, days=days)
    assert bool(found.lengthen) == renewed
    assert found.unlocked == (left <= 0)
    for _, lock in found.lengthen:
        assert lock == Lock("COMPLIANCE", NOON + timedelta(days=days))


@pytest.mark.parametrize("days", [5, 7, 14, 30, 400])
@pytest.mark.parametrize("missed", [0, 1, 2])
def test_nothing_ever_falls_out_of_its_lock(days, missed):
    """A year of audits, daily or with one or two days missed between any two."""
    locks: dict = {(PACK.key, "v1"): Lock("GOVERNANCE", NOON + DAY)}
    until, writes = NOON + DAY, 0
    for day in range(0, 365, 1 + missed):
        now = NOON + DAY * day
        assert until > now, day
        found = audit([PACK], locks=locks, days=days, now=now)
        for key, lock in found.lengthen:
            assert lock.until > locks[key].until, "only ever longer"
            locks[key], writes = lock, writes + 1
        until = locks[(PACK.key, "v1")].until
        assert found.earliest == until
        assert until >= now + AHEAD
    assert writes <= 365 / max(1, days / 2 - 1 - missed) + 2


def test_a_version_that_never_had_a_lock_gets_one():
    found = audit([PACK])
    assert found.unlocked == 1
    assert found.lengthen == (((PACK.key, "v1"), Lock("GOVERNANCE", NOON + 14 * DAY)),)
    assert found.earliest == NOON + 14 * DAY
    assert found.bytes == 10


def test_an_empty_repository_has_nothing_to_lock():
    found = audit([])
    assert (found.objects, found.earliest, found.lengthen) == (0, None, ())
