"""What was proven of a repository's sets: sealed records in the state store, as manifests are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from blocks.errors import DamagedData, NotFound
from blocks.repositories.base import ObjectStore, Repository
from blocks.repositories.seal import is_sealed, seal
from blocks.types import Proof, Reading

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Proven:
    """The newest proof of each set, and why a record cannot be trusted, by set id."""

    proofs: dict[str, Proof]
    refused: dict[str, str]


class Proofs:
    """Read and write proofs and the state of the rolling verification.

    Who has only a server's key can neither forge nor move them: the seal covers what a record is
    and whose.
    """

    def __init__(self, repository: Repository) -> None:
        objects, key = repository.state(), repository.seal_key()
        self._proofs = _Sealed(objects, key, TypeAdapter(Proof), "proof")
        self._readings = _Sealed(objects, key, TypeAdapter(Reading), "reading")
        self._objects = objects

    def put(self, proof: Proof) -> None:
        """Write what a restore showed; it replaces an earlier proof of the same set."""
        self._proofs.put(f"{_folder(proof.server)}{proof.set_id}.json", proof)

    def of(self, server: str) -> Proven:
        """Return the proofs of a server's sets; one that cannot be trusted is named, not used."""
        found, refused = {}, {}
        folder = _folder(server)
        for stored in self._objects.list(folder):
            set_id = stored.key.removeprefix(folder).removesuffix(".json")
            try:
                proof = self._proofs.read(stored.key)
                if (proof.server, proof.set_id) != (server, set_id):
                    raise _damaged(stored.key, f"is the proof of {proof.set_id}")
                found[set_id] = proof
            except DamagedData as damage:
                refused[set_id] = damage.cause
        return Proven(found, refused)

    def put_reading(self, reading: Reading) -> None:
        """Write how far the rolling verification is."""
        self._readings.put(_reading_key(reading.server), reading)

    def reading(self, server: str) -> Reading | None:
        """Return how far it is, None if it never began. Raises `DamagedData`."""
        key = _reading_key(server)
        try:
            found = self._readings.read(key)
        except NotFound:
            self._objects.list(key)  # a missing bucket stays an error
            return None
        if found.server != server:
            raise _damaged(key, f"is about {found.server}")
        return found


class _Sealed(Generic[Record]):
    """Records of one kind, each in an object with its seal."""

    def __init__(
        self, objects: ObjectStore, key: bytes, adapter: TypeAdapter[Record], kind: str
    ) -> None:
        self._objects = objects
        self._key = key
        self._adapter = adapter
        self._kind = kind

    def put(self, key: str, record: Record) -> None:
        value = {"kind": self._kind, "record": self._adapter.dump_python(record, mode="json")}
        document = {"value": value, "seal": seal(self._key, value)}
        self._objects.put(key, json.dumps(document, sort_keys=True).encode())

    def read(self, key: str) -> Record:
        try:
            document: Any = json.loads(self._objects.get(key))
            value, given = document["value"], str(document["seal"])
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(key, f"is no record of ours ({type(error).__name__})") from error
        if not is_sealed(self._key, value, given) or value["kind"] != self._kind:
            raise _damaged(key, "was changed by somebody without the repository's password")
        try:
            return self._adapter.validate_json(json.dumps(value["record"]), strict=True)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise _damaged(key, str(first["msg"])) from error


def _folder(server: str) -> str:
    return f"proofs/{server}/"


def _reading_key(server: str) -> str:
    return f"verification/{server}.json"


def _damaged(key: str, cause: str) -> DamagedData:
    return DamagedData(
        key,
        f"record {key} {cause}",
        "find out who wrote it; remove it, then: continuity verify SERVER --load always",
    )
