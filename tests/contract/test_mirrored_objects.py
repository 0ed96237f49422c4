"""Several stores as one: what one loses the others have, over memory and a real S3."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from blocks.errors import AlreadyExists, ContinuityError, NotFound, Unavailable, Unreachable
from blocks.records import StepState
from blocks.repositories.base import ObjectStore
from blocks.repositories.journal import Journal, incidents
from blocks.repositories.mirrored import MirroredObjects
from tests.fakes.memory_objects import MemoryObjects

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
GONE = Unreachable("bucket", "burned down", "look at the provider's status page")


@pytest.fixture
def pair(objects: ObjectStore) -> tuple[ObjectStore, MemoryObjects, MirroredObjects]:
    """A store of any kind in front, one in memory behind it, and both as one."""
    behind = MemoryObjects()
    return objects, behind, MirroredObjects.of({"front": objects, "behind": behind})


def test_each_write_is_in_both(pair: tuple[ObjectStore, MemoryObjects, MirroredObjects]) -> None:
    front, behind, both = pair
    a, b = (f"{uuid4().hex}/{name}" for name in "ab")
    both.put(a, b"1")
    etag = both.put_if_absent(b, b"2")
    both.put_if_match(b, b"3", etag)
    with pytest.raises(AlreadyExists):
        both.put_if_absent(b, b"4")
    for store in (front, behind):
        assert (store.get(a), store.get(b)) == (b"1", b"3")
    assert [each.key for each in both.list(a) + both.list(b)] == [a, b]
    assert b"".join(both.stream(b)) == b"3"
    both.remove(a)
    for store in (front, behind, both):
        with pytest.raises(NotFound):
            store.get(a)


def append(journal: Journal, step: str) -> None:
    journal.append(step=step, state=StepState.DONE, started_at=NOON, ended_at=NOON)


def test_a_journal_goes_on_in_the_store_that_is_left() -> None:
    front, behind = MemoryObjects(), MemoryObjects()
    journal = Journal(MirroredObjects.of({"front": front, "behind": behind}), "inc-1")
    append(journal, "one")
    front.gone = GONE
    append(journal, "two")
    assert [(r.sequence, r.step) for r in journal.records()] == [(1, "one"), (2, "two")]
    front.gone = None
    later = MirroredObjects.of({"front": front, "behind": behind})
    append(Journal(later, "inc-1"), "three")
    steps = [r.step for r in Journal(later, "inc-1").records()]
    assert steps == ["one", "two", "three"], "what both saw adds up"
    assert incidents(later) == ("inc-1",)


@pytest.mark.parametrize("error", [GONE, Unavailable("bucket", "503", "wait")])
def test_a_store_that_failed_is_left_out_and_named(error: ContinuityError) -> None:
    front, behind = MemoryObjects(), MemoryObjects()
    both = MirroredObjects.of({"front": front, "behind": behind})
    front.fail_next("put", error)
    both.put("a", b"1")
    assert both.lost == {"front": error.cause}
    both.put("b", b"2")
    assert front.held == {}
    assert both.get("b") == b"2"


def test_the_last_store_is_never_given_up() -> None:
    front, behind = MemoryObjects(), MemoryObjects()
    both = MirroredObjects.of({"front": front, "behind": behind})
    front.gone = behind.gone = GONE
    with pytest.raises(Unreachable, match="burned down"):
        both.put("a", b"1")
    behind.gone = None
    both.put("a", b"1")
    assert behind.held == {"a": b"1"}
