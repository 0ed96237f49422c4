"""Proofs and the state of the verification over every object store: sealed, bound to a place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from blocks.errors import DamagedData
from blocks.repositories.base import ObjectStore
from blocks.repositories.proofs import Proofs
from blocks.types import Damage, Proof, Reading, SpotCheck
from tests.fakes.memory_repository import MemoryRepository

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Kept(MemoryRepository):
    """A repository whose state lies in the store under test."""

    _block_type_name = "Memory repository with state elsewhere"
    _block_type_slug = "memory-repository-elsewhere"

    def state(self) -> ObjectStore:
        return self.objects()


@pytest.fixture
def repository(objects: ObjectStore) -> MemoryRepository:
    return Kept().keep_documents_in(objects)


@pytest.fixture
def server() -> str:
    return f"web-{uuid4().hex[:6]}"


def proof(server: str, set_id: str = "s1") -> Proof:
    return Proof(server, set_id, "inc-1", NOON, tables=3, rows=40, files=5, bytes=6000)


def reading(server: str) -> Reading:
    damage = Damage(f"{server}/restic/data/ab/abcd", ("5a" * 32,), NOON)
    spot = SpotCheck("s1", NOON, 100, 10, 1, ("/srv/shop/é\n.txt",))
    return Reading(server, NOON, (NOON, *(None,) * 255), 12, 99, (damage,), spot)


def test_what_is_put_is_read(repository: MemoryRepository, server: str) -> None:
    proofs = Proofs(repository)
    assert proofs.of(server).proofs == {}
    assert proofs.reading(server) is None
    failed = replace(proof(server, "s2"), differences=("table shop.orders: 3 rows, not 4",))
    for each in (proof(server), failed):
        proofs.put(each)
    proofs.put_reading(reading(server))
    assert proofs.of(server).proofs == {"s1": proof(server), "s2": failed}
    assert [each.passed for each in proofs.of(server).proofs.values()] == [True, False]
    assert proofs.reading(server) == reading(server)


def test_the_newest_proof_of_a_set_counts(repository: MemoryRepository, server: str) -> None:
    proofs = Proofs(repository)
    proofs.put(replace(proof(server), differences=("canary missing",)))
    proofs.put(proof(server))
    assert proofs.of(server).proofs["s1"].passed


def test_a_forged_or_moved_proof_is_no_proof(repository: MemoryRepository, server: str) -> None:
    proofs, objects = Proofs(repository), repository.state()
    proofs.put(proof(server))
    true = objects.get(f"proofs/{server}/s1.json")
    objects.put(f"proofs/{server}/s2.json", true)
    objects.put(f"proofs/{server}/s3.json", true.replace(b'"s1"', b'"s3"'))
    objects.put(f"proofs/{server}/s4.json", b"{}")
    found = proofs.of(server)
    assert found.proofs.keys() == {"s1"}
    assert found.refused.keys() == {"s2", "s3", "s4"}
    assert "is the proof of s1" in found.refused["s2"]
    assert "without the repository's password" in found.refused["s3"]


def test_a_forged_state_is_refused(repository: MemoryRepository, server: str) -> None:
    proofs, objects = Proofs(repository), repository.state()
    proofs.put(proof(server))
    proofs.put_reading(reading(server))
    key = f"verification/{server}.json"
    for content in (
        objects.get(key).replace(b'"bytes": 12', b'"bytes": 13'),
        objects.get(f"proofs/{server}/s1.json"),
    ):
        objects.put(key, content)
        with pytest.raises(DamagedData, match="without the repository's password"):
            proofs.reading(server)
    proofs.put_reading(reading("another"))
    objects.put(key, objects.get("verification/another.json"))
    with pytest.raises(DamagedData, match="is about another"):
        proofs.reading(server)
