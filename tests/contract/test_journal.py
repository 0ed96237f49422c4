"""The journal over every object store: in memory, S3 by moto, Ceph RGW (lab)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from blocks.errors import (
    ConfigurationError,
    DamagedData,
)
from blocks.records import StepState
from blocks.repositories.base import ObjectStore
from blocks.repositories.journal import Journal, incidents
from blocks.types import Tier
from tests.fakes.memory_objects import MemoryObjects

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TTL = timedelta(seconds=60)


def write(journal: Journal, step: str, state: StepState = StepState.DONE) -> int:
    return journal.append(step=step, state=state, started_at=NOON, ended_at=NOON).sequence


def test_records_are_numbered_and_read_in_order(objects: ObjectStore) -> None:
    name = uuid4().hex
    journal = Journal(objects, name)
    written = journal.append(
        step="dns-shop",
        state=StepState.DONE,
        started_at=NOON,
        ended_at=NOON + TTL,
        saw="10.0.0.1",
        did="10.0.0.2",
        why="healthy",
        data={"seconds": 1.5, "names": ["a", "b"]},
    )
    assert write(Journal(objects, name), "smoke", StepState.STARTED) == 2
    first, second = journal.records()
    assert first == written
    assert journal.records(after=1) == (second,)
    assert journal.records(after=2) == ()
    assert (second.sequence, second.step, second.state) == (2, "smoke", StepState.STARTED)
    assert [each.key for each in objects.list(f"incidents/{name}/")] == [
        f"incidents/{name}/001-dns-shop-done.json",
        f"incidents/{name}/002-smoke-started.json",
    ]


def test_threads_append_without_losing_or_doubling_a_number(objects: ObjectStore) -> None:
    name = uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: write(Journal(objects, name), f"site-{n}"), range(24)))
    assert sorted(numbers) == list(range(1, 25))
    assert [each.sequence for each in Journal(objects, name).records()] == list(range(1, 25))


def test_documents_lie_beside_the_records(objects: ObjectStore) -> None:
    name = uuid4().hex
    journal = Journal(objects, name)
    assert journal.document("plan.json") is None
    journal.put_document("plan.json", {"at": NOON, "tier": Tier.HOUR_1, "sites": ("a",), "n": 1})
    journal.put_document("report.json", {"verdict": "récupéré"})
    journal.put_document("plan-b.json", {})
    assert journal.documents("plan") == ("plan-b.json", "plan.json")
    assert Journal(objects, "inc-9").documents("plan") == ()
    write(journal, "lease")
    assert journal.document("plan.json") == {
        "at": "2026-11-23T12:00:00Z",
        "tier": "1h",
        "sites": ["a"],
        "n": 1,
    }
    assert len(journal.records()) == 1
    assert name in incidents(objects)


def test_a_record_that_cannot_be_read_is_an_error(objects: ObjectStore) -> None:
    name = uuid4().hex
    write(Journal(objects, name), "lease")
    objects.put(f"incidents/{name}/002-dns-done.json", b"{")
    with pytest.raises(DamagedData, match="002-dns-done"):
        Journal(objects, name).records()
    assert write(Journal(objects, name), "smoke") == 3


@pytest.mark.parametrize("name", ["", "../other", "a/b", "a b"])
def test_names_that_would_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        Journal(MemoryObjects(), name)
    with pytest.raises(ConfigurationError):
        Journal(MemoryObjects(), "inc-1").put_document(name, {})
