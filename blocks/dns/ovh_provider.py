"""octoDNS' OVH provider, held to address records, one publication and our errors.

OVH edits a zone record by record, and publishes all edits by one *refresh*. A call that was cut
off before it leaves edits that nobody is served. They count as not done: what is read is what the
name servers answer, where it differs. The next call finds the edits made and publishes them.

Shapes were read in octodns_ovh 1.2 and in the vendor's TypeScript types `domain.zone.Record`,
`RecordCreate`, `RecordUpdate`, `Zone` and `auth.ApiCredential`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Update
from octodns.record.txt import TxtValue
from octodns_ovh import OvhProvider

from blocks.dns.changes import canonical
from blocks.dns.ovh_client import ANY_ENDPOINT, ZONES, OvhClient
from blocks.dns.ovh_published import Published
from blocks.dns.ovh_rows import Answered, Key, Row, grouped, is_strange, shown, targets, ttl_for
from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    UpdateRefused,
)
from blocks.types import AddressChange, AddressRecord

ADDRESS_TYPES = ("A", "AAAA")
TEXT_TYPES = {"TXT", "SPF", "DKIM", "DMARC"}
"""Types of OVH's that all are TXT in the DNS."""
CALLS = (
    ("GET", "record"),
    ("GET", "record/1"),
    ("PUT", "record/1"),
    ("POST", "record"),
    ("POST", "refresh"),
    ("DELETE", "record/1"),
)
"""What a change of addresses calls below the zone."""


@dataclass(frozen=True, slots=True)
class Step:
    """One record's way: the rows before, and the addresses with their TTL to hold after."""

    key: Key
    before: tuple[Row, ...]
    after: Mapping[str, int]


class OvhAddressProvider(OvhProvider):  # type: ignore[misc]  # octoDNS has no types
    """Read A and AAAA as published; make all edits of a plan, or none, then publish once."""

    SUPPORTS = frozenset(ADDRESS_TYPES)
    FIELD_TYPES: ClassVar[tuple[str, ...]] = ADDRESS_TYPES

    def __init__(
        self, client: OvhClient, published: Published, changes: Sequence[AddressChange] = ()
    ) -> None:
        super().__init__("ovh", ANY_ENDPOINT, "none", "none", "none")
        self._client = client  # the library makes one that waits for three minutes
        self.zone = client.zone
        self.path = f"{ZONES}/{client.zone}"
        self._published = published
        self._changes = {(self._label(each.name), each.type): each for each in changes}
        self._rows: dict[Key, list[Row]] = {}
        self._served: dict[Key, Answered | None] = {}

    # --- reading ---

    def get_records(self, zone_name: str) -> list[Mapping[str, Any]]:
        """Return the address records as they are published."""
        self._rows = grouped(Row.of(each) for each in self._shapes())
        labels = {label for label, _ in self._rows}
        keys = {(label, each) for label in labels for each in ADDRESS_TYPES} | self._changes.keys()
        return [row.shape() for key in sorted(keys) for row in self._shown(key)]

    def edited(self, changes: Sequence[AddressChange]) -> tuple[AddressRecord, ...]:
        """Return what the editor holds for these records now, published or not."""
        keys = {(self._label(each.name), each.type) for each in changes}
        others = {row.id for key, rows in self._rows.items() if key not in keys for row in rows}
        found = grouped(Row.of(each) for each in self._shapes(but=others))
        return tuple(
            AddressRecord(self._name(label), kind, rows[0].ttl, targets(rows))
            for (label, kind), rows in found.items()
            if (label, kind) in keys
        )

    def name_servers(self) -> tuple[str, ...]:
        """Return the names of the servers that were assigned to the zone."""
        return tuple(self._client.get(self.path)["nameServers"])

    def _shapes(self, but: Iterable[int] = ()) -> list[Mapping[str, Any]]:
        """Return the records of our types; there is no call for more than one at a time."""
        listed = [
            number
            for kind in self.FIELD_TYPES
            for number in self._client.get(f"{self.path}/record", fieldType=kind)
        ]
        return self._each(sorted(set(listed) - set(but)))

    def _each(self, numbers: Iterable[int]) -> list[Mapping[str, Any]]:
        found = []
        for number in numbers:
            try:
                found.append(self._client.get(f"{self.path}/record/{number}"))
            except NotFound:
                continue  # removed since it was listed
        return found

    def _shown(self, key: Key) -> list[Row]:
        self._served[key] = self._published.record(self._name(key[0]), key[1])
        return shown(key, self._rows.get(key, []), self._served[key], self._changes.get(key))

    # --- changing ---

    def _apply(self, plan: Plan) -> None:
        steps = [self._step(change) for change in plan.changes]
        tried: list[Step] = []
        try:
            for step in steps:
                tried.append(step)
                self._edit(step)
        except ContinuityError as error:
            raise self._put_back(tried, error) from error
        try:
            self._client.post(f"{self.path}/refresh")
        except ContinuityError as error:
            # Unanswered it may have been done: the edits must stay until the next look.
            if error.transient:
                raise
            raise self._put_back(tried, error) from error

    def _step(self, change: Create | Update | Delete) -> Step:
        record = change.record
        key = record.name, record._type
        rows = tuple(self._rows.get(key, ()))
        old = () if change.existing is None else canonical(change.existing.values)
        new = () if change.new is None else canonical(change.new.values)
        if is_strange(rows, old, new):
            held = ", ".join(targets(rows)) or "no address"
            cause = f"somebody edited it to {held} and did not publish; nothing was changed"
            raise UpdateRefused(self._subject(key), cause, "ask who; publish or undo that edit")
        ttl = ttl_for(rows, record.ttl, self._served.get(key))
        return Step(key, rows, dict.fromkeys(new, ttl))

    def _edit(self, step: Step) -> None:
        now = [Row.of(each) for each in self._each(row.id for row in step.before)]
        if now != list(step.before):
            cause = "somebody changed it in between"
            hint = "run the procedure again: it plans from what is there now"
            raise UpdateRefused(self._subject(step.key), cause, hint)
        self._converge(step.key, now, step.after)

    def _converge(self, key: Key, rows: Sequence[Row], after: Mapping[str, int]) -> None:
        """Edit the rows of one record until they are these; a row that can stay keeps its id."""
        gone = sorted((row for row in rows if row.target not in after), key=lambda row: row.target)
        new = sorted(after.keys() - set(targets(rows)))
        for row in rows:
            if row.target in after and row.ttl != after[row.target]:
                self._put(row, row.target, after[row.target])
        for row, target in zip(gone, new, strict=False):
            self._put(row, target, after[target])
        for target in new[len(gone) :]:
            fields = {"subDomain": key[0], "target": target, "ttl": after[target]}
            self._client.post(f"{self.path}/record", fieldType=key[1], **fields)
        for row in gone[len(new) :]:
            self._client.delete(f"{self.path}/record/{row.id}")

    def _put(self, row: Row, target: str, ttl: int) -> None:
        fields = {"subDomain": row.label, "target": target, "ttl": ttl}
        self._client.put(f"{self.path}/record/{row.id}", **fields)

    def _put_back(self, tried: Sequence[Step], error: ContinuityError) -> ContinuityError:
        """Undo all edits, also the one whose effect is not known; return what to raise."""
        kind = type(error) if error.transient else UpdateRefused
        for step in reversed(tried):
            try:
                self._undo(step)
            except ContinuityError as second:
                cause = (
                    f"{error.cause}; then {self._subject(step.key)} and those before it could not "
                    f"be put back: {second.cause}. They are edited and not published"
                )
                hint = "run it again, which finishes and publishes; until then publish nothing else"
                return kind(error.subject, cause, hint)
        cause = f"{error.cause}; all edits were put back, nothing was published"
        return kind(error.subject, cause, error.hint)

    def _undo(self, step: Step) -> None:
        now = self._listed(step.key)
        if not is_strange(now, targets(step.before), step.after):
            self._converge(step.key, now, _held(step.before))

    def _listed(self, key: Key) -> list[Row]:
        numbers = self._client.get(f"{self.path}/record", fieldType=key[1], subDomain=key[0])
        return [row for each in self._each(numbers) if (row := Row.of(each)).key == key]

    # --- rehearsing ---

    def rehearse(self) -> str:
        """Prove by the rules of the consumer key that all calls are granted; return whose it is."""
        credential = self._client.get("/auth/currentCredential")
        until = str(credential.get("expiration") or "")[:10]
        who = f"clé OVH n° {credential['credentialId']}"
        if credential["status"] != "validated":
            cause = f"the consumer key is {credential['status']}"
            raise AuthenticationFailed(self._client.subject, cause, "make a new consumer key")
        missing = [
            self._client.rule(method, f"{self.path}/{end}")
            for method, end in CALLS
            if not any(_grants(rule, method, f"{self.path}/{end}") for rule in credential["rules"])
        ]
        if missing:
            named = list(dict.fromkeys(missing))
            raise self._client.not_granted(named, f"{who} was asked for its rules")
        return f"{who}{until and f', expire le {until}'}"

    # --- names ---

    def _label(self, name: str) -> str:
        return name.removesuffix(self.zone).rstrip(".")

    def _name(self, label: str) -> str:
        return f"{label}.{self.zone}".lstrip(".")

    def _subject(self, key: Key) -> str:
        return f"{key[1]} record of {self._name(key[0])} in zone {self.zone}"


class OvhNameReader(OvhAddressProvider):
    """Read what leads to other names, or says addresses in a text, as the editor holds it."""

    SUPPORTS = frozenset({"CNAME", "MX", "TXT"})
    FIELD_TYPES = ("CNAME", "MX", *sorted(TEXT_TYPES))

    def get_records(self, zone_name: str) -> list[Mapping[str, Any]]:
        """Return the records with absolute names, and all texts as TXT."""
        return [dict(each) | self._plain(each) for each in self._shapes()]

    def _plain(self, shape: Mapping[str, Any]) -> dict[str, str]:
        target, label = shape["target"], shape.get("subDomain") or ""
        if shape["fieldType"] in TEXT_TYPES:
            return {"fieldType": "TXT", "subDomain": label}
        absolute = target if target.endswith(".") else f"{target}.{self.zone}."
        return {"target": absolute, "subDomain": label}

    @staticmethod
    def _data_for_TXT(_type: str, records: Sequence[Mapping[str, Any]]) -> dict[str, object]:  # noqa: N802
        # The editor holds texts as zone files write them, octoDNS takes them for plain.
        values = [TxtValue.from_rdata_text(each["target"]) for each in records]
        return {"ttl": records[0]["ttl"] or 0, "type": _type, "values": values}


def _held(rows: Iterable[Row]) -> Mapping[str, int]:
    return {row.target: row.ttl for row in rows}


def _grants(rule: Mapping[str, str], method: str, path: str) -> bool:
    return rule["method"] == method and fnmatchcase(path, rule["path"])
