"""What was written to clients: drafts, and for each recipient a claim and the proof of sending."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from blocks.errors import AlreadyExists, DamagedData, NotFound
from blocks.repositories.base import ObjectStore
from blocks.types.clients import BegunMessage, Draft, Sending


class ClientMessages:
    """The messages of one incident.

    The claim is written with a condition *before* a message is sent, the proof after it. So a
    message goes out at most once: whoever is killed between the two leaves a claim without a
    proof, which nobody takes up by itself.
    """

    def __init__(self, objects: ObjectStore, incident: str) -> None:
        self._objects = objects
        self._incident = incident
        self._folder = f"incidents/{incident}/messages/"

    def id_of(self, phase: str, address: str) -> str:
        """Return the left part of the Message-ID: the same whenever it is asked for."""
        return f"{self._incident}.{phase}.{self._mark(address)}"

    def put_draft(self, draft: Draft, at: datetime) -> None:
        """Keep a draft, replacing the one of the same client and phase."""
        document = {
            "client": draft.client,
            "phase": draft.phase,
            "subject": draft.subject,
            "body": draft.body,
            "addresses": list(draft.addresses),
            "written_at": at.isoformat(),
        }
        self._objects.put(self._draft_key(draft.phase, draft.client), _dump(document))

    def draft(self, phase: str, client: str) -> Draft | None:
        """Return the draft of a client and phase, None if there is none."""
        found = self._document(self._draft_key(phase, client))
        return None if found is None else _draft(found)

    def drafts(self) -> tuple[Draft, ...]:
        """Return all drafts."""
        keys = [each.key for each in self._objects.list(f"{self._folder}drafts/")]
        return tuple(_draft(found) for key in keys if (found := self._document(key)))

    def begun(self) -> tuple[BegunMessage, ...]:
        """Return every message that somebody began to send, with the time of its claim."""
        keys = {each.key for each in self._objects.list(self._folder)}
        claims = sorted(key for key in keys if key.endswith("-claim.json"))
        return tuple(
            BegunMessage(
                str(found["phase"]),
                str(found["address"]),
                datetime.fromisoformat(str(found["claimed_at"])),
                Sending.SENT if f"{key[:-11]}-sent.json" in keys else Sending.CLAIMED,
            )
            for key in claims
            if (found := self._document(key))
        )

    def state(self, phase: str, address: str) -> Sending:
        """Return how far the message to one recipient is; read from every store."""
        start = self._key(phase, address)
        names = {each.key.removeprefix(start) for each in self._objects.list(start)}
        if "sent.json" in names:
            return Sending.SENT
        return Sending.CLAIMED if "claim.json" in names else Sending.OPEN

    def claim(self, phase: str, address: str, at: datetime) -> bool:
        """Take the right to send one message; False if somebody has, or had it."""
        content = _dump({"address": address, "phase": phase, "claimed_at": at.isoformat()})
        try:
            self._objects.put_if_absent(self._key(phase, address) + "claim.json", content)
        except AlreadyExists:
            return False
        return True

    def claim_again(self, phase: str, address: str, at: datetime) -> bool:
        """Take over a claim whose owner is gone: a person said so. False if another was quicker."""
        key = self._key(phase, address) + "claim.json"
        content = _dump({"address": address, "phase": phase, "claimed_at": at.isoformat(),
                         "again": True})  # fmt: skip
        try:
            self._objects.put_if_match(key, content, self._objects.etag(key))
        except (AlreadyExists, NotFound):
            return False
        return True

    def give_back(self, phase: str, address: str) -> None:
        """Give a claim back: the message was certainly not sent."""
        self._objects.remove(self._key(phase, address) + "claim.json")

    def prove(self, phase: str, address: str, message_id: str, at: datetime) -> None:
        """Write down that a message was sent. Idempotent."""
        content = _dump({"address": address, "phase": phase, "message_id": message_id,
                         "sent_at": at.isoformat()})  # fmt: skip
        self._objects.put(self._key(phase, address) + "sent.json", content)

    def _document(self, key: str) -> Mapping[str, Any] | None:
        try:
            return cast("dict[str, Any]", json.loads(self._objects.get(key)))
        except NotFound:
            self._objects.list(key)  # a missing bucket stays an error
            return None
        except ValueError as error:
            hint = "restore the object's earlier version in the bucket"
            raise DamagedData(key, "is not JSON", hint) from error

    def _draft_key(self, phase: str, client: str) -> str:
        return f"{self._folder}drafts/{phase}/{client}.json"

    def _key(self, phase: str, address: str) -> str:
        return f"{self._folder}{phase}/{self._mark(address)}-"

    def _mark(self, address: str) -> str:
        """Name a recipient without writing the address into keys and mail headers."""
        text = f"{self._incident}\n{address.lower()}"
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def _draft(found: Mapping[str, Any]) -> Draft:
    return Draft(
        str(found["client"]),
        str(found["phase"]),
        str(found["subject"]),
        str(found["body"]),
        tuple(str(each) for each in found["addresses"]),
    )


def _dump(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
