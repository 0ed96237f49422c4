"""Decide which TTLs go down before a move, and how records go back to what a journal says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from blocks.errors import ConfigurationError, DamagedData, NotFound, UnsafePlan
from blocks.types import AddressChange, AddressRecord
from flows.decisions.recovery_plan import ZoneView

SHORTEST, LONGEST = 30, 86_400
"""TTLs, in seconds, that a preparation may be asked for."""


@dataclass(frozen=True, slots=True)
class RecordStep:
    """One record from what it is to what it will be; `block` is its zone's."""

    block: str
    name: str
    type: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    old_ttl: int
    ttl: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one record."""
        return self.block, self.name, self.type

    @property
    def change(self) -> AddressChange:
        """The change of its addresses."""
        return AddressChange(self.name, self.type, self.old, self.new, self.ttl)

    @property
    def record(self) -> AddressRecord:
        """The record as it will be."""
        return AddressRecord(self.name, self.type, self.ttl, self.new)


@dataclass(frozen=True, slots=True)
class DnsSight:
    """What was looked at; `domains` are those of the server's sites."""

    server: str
    address: str
    domains: tuple[str, ...]
    zones: tuple[ZoneView, ...]
    fronted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DnsPlan:
    """The records that will change, and what of the wish is not possible (French).

    Attributes:
        back_to: The incident whose records are put back; "" for a preparation.
    """

    incident: str
    server: str
    records: tuple[RecordStep, ...]
    impossible: tuple[str, ...] = ()
    back_to: str = ""
    wanted_ttl: int = 0

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 over what will be done."""
        covered = asdict(self)
        del covered["impossible"]
        text = json.dumps(covered, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def again(self) -> str:
        """The command that does it again."""
        if self.back_to:
            return f"continuity dns restore {self.server} --incident {self.back_to}"
        return f"continuity dns prepare {self.server} --ttl {self.wanted_ttl}"

    @property
    def longest(self) -> timedelta:
        """How long resolvers may still hold what they were told before."""
        return timedelta(seconds=max((each.old_ttl for each in self.records), default=0))


def dns_plan_from_document(document: Mapping[str, object]) -> DnsPlan:
    """Return the plan that was written to the journal. Raises ValueError if it is none."""
    return TypeAdapter(DnsPlan).validate_python(document)


def decide_preparation(incident: str, seen: DnsSight, ttl: int) -> DnsPlan:
    """Choose the records of declared domains that lead to the server and live longer than `ttl`.

    Raises:
        ConfigurationError: No TTL to be had.
        NotFound: No declared name leads to the server by an address.
    """
    if not SHORTEST <= ttl <= LONGEST:
        cause = f"{ttl} s is not between {SHORTEST} and {LONGEST} s"
        raise ConfigurationError("TTL", cause, f"continuity dns prepare {seen.server} --ttl 60")
    held = [
        RecordStep(view.block, rec.name, rec.type, rec.values, rec.values, rec.ttl, ttl)
        for view in seen.zones
        for rec in view.records
        if rec.name in seen.domains and _leads_there(rec, view.records, seen.address)
    ]
    impossible = tuple(_impossible(seen, {each.name for each in held}))
    if not held and not seen.fronted:
        cause = f"no declared domain leads to {seen.address}; {'; '.join(impossible)}".rstrip("; ")
        hint = "correct the sites' domains in the estate file, or the zones"
        raise NotFound(f"records of {seen.server}", cause, hint)
    long = [each for each in held if each.old_ttl > ttl and each.name not in seen.fronted]
    return DnsPlan(incident, seen.server, tuple(long), impossible, wanted_ttl=ttl)


def _leads_there(record: AddressRecord, held: Sequence[AddressRecord], address: str) -> bool:
    """Return whether a recovery would change it: it has the address, or is the AAAA beside."""
    beside = any(each.name == record.name and address in each.values for each in held)
    return address in record.values or (record.type == "AAAA" and beside)


def _impossible(seen: DnsSight, found: set[str]) -> Iterable[str]:
    for view in seen.zones:
        if view.refused:
            yield f"zone {view.zone} illisible : {view.refused}"
    for name in sorted(seen.fronted):
        yield f"{name} est derrière son fournisseur DNS : la bascule y est immédiate, sans TTL"
    for name in sorted(set(seen.domains) - found - seen.fronted):
        yield f"{name} n'a pas d'adresse qui mène à {seen.address} : rien à préparer ici"


def recorded(documents: Iterable[Mapping[str, object]]) -> tuple[RecordStep, ...]:
    """Return what an incident made of which records, from its first word on each to its last.

    Args:
        documents: The data of the journal's records, in order.

    Raises:
        DamagedData: What stands there cannot be read.
    """
    found: dict[tuple[str, str, str], RecordStep] = {}
    for document in documents:
        for entry in _entries(document.get("records", [])):
            step = TypeAdapter(RecordStep).validate_python({"old_ttl": entry["ttl"], **entry})
            first = found.get(step.key)
            if first is None or (first.new, first.ttl) == (first.old, first.old_ttl):
                found[step.key] = step
            else:
                found[step.key] = replace(first, new=step.new, ttl=step.ttl)
    return tuple(found.values())


def _entries(records: object) -> list[dict[str, Any]]:
    try:
        return TypeAdapter(list[dict[str, Any]]).validate_python(records)
    except ValidationError as error:
        cause = "says of records what cannot be read"
        raise DamagedData("journal", cause, "continuity status") from error


def decide_return(
    incident: str, back_to: str, seen: DnsSight, made: Sequence[RecordStep]
) -> DnsPlan:
    """Choose the records that still are as the incident left them; what is back already stays.

    Raises:
        NotFound: The incident changed no record.
        UnsafePlan: Somebody edited a record since, or its zone cannot be read: nothing goes back.
    """
    if not made:
        cause = "changed no record, or its journal does not say which"
        raise NotFound(f"incident {back_to}", cause, "continuity status")
    held = {
        (view.block, rec.name, rec.type): (rec.values, rec.ttl)
        for view in seen.zones
        for rec in view.records
    }
    readable = {view.block for view in seen.zones if not view.refused}
    steps, strange = [], []
    for each in made:
        values, ttl = held.get(each.key, ((), each.ttl))
        if each.block not in readable:
            strange.append(f"{each.name} {each.type}: its zone {each.block} cannot be read")
        elif (values, ttl if values else each.old_ttl) == (each.old, each.old_ttl):
            continue
        elif values == each.new and (ttl == each.ttl or not values):
            steps.append(replace(each, old=each.new, new=each.old, old_ttl=ttl, ttl=each.old_ttl))
        elif values == each.old and ttl == each.ttl:
            steps.append(replace(each, old=each.old, new=each.old, old_ttl=ttl, ttl=each.old_ttl))
        else:
            is_now = ", ".join(values) or "nothing"
            strange.append(f"{each.name} {each.type}: holds {is_now} with a TTL of {ttl} s")
    if strange:
        cause = f"somebody changed it since: {'; '.join(strange)}; nothing was put back"
        raise UnsafePlan(f"records of {seen.server}", cause, "ask who, and change them by hand")
    return DnsPlan(incident, seen.server, tuple(steps), back_to=back_to)
