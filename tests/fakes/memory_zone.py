"""A DNS zone in memory, held to the contract suite of the real ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from pydantic import Field, PrivateAttr

from blocks.dns.base import DnsZone
from blocks.dns.changes import as_changes, canonical, check_scope, remaining, remaining_ttls
from blocks.errors import ContinuityError, Unreachable
from blocks.types import AddressChange, AddressRecord, NamedRecord

Records = dict[tuple[str, str], AddressRecord]


class MemoryZone(DnsZone):
    """Keep records by name and type; `fail_next`, `close`, `lag`, `silence` make it misbehave."""

    _block_type_name = "Memory zone"
    _block_type_slug = "memory-zone"

    zone: str
    nameservers: list[str] = Field(default_factory=lambda: ["192.0.2.53"])

    _records: Records = PrivateAttr(default_factory=dict)
    _others: dict[tuple[str, str], NamedRecord] = PrivateAttr(default_factory=dict)
    _refusal: ContinuityError | None = PrivateAttr(default=None)
    _lagging: dict[str, Records] = PrivateAttr(default_factory=dict)
    _silent: set[str] = PrivateAttr(default_factory=set)
    _failures: list[ContinuityError] = PrivateAttr(default_factory=list)
    _closed: ContinuityError | None = PrivateAttr(default=None)
    _fronted: set[str] = PrivateAttr(default_factory=set)
    _fixed: set[str] = PrivateAttr(default_factory=set)
    _applied: list[tuple[AddressChange, ...]] = PrivateAttr(default_factory=list)

    # --- what a test does to it ---

    def put(self, name: str, record_type: str, values: Iterable[str], ttl: int = 60) -> None:
        """Edit one record as somebody else would; no values remove it."""
        self._records.pop((name, record_type), None)
        if held := canonical(values):
            self._records[name, record_type] = AddressRecord(name, record_type, ttl, held)

    def say(self, name: str, record_type: str, *values: str) -> None:
        """Hold a CNAME, MX or TXT record; no values remove it."""
        self._others.pop((name, record_type), None)
        if values:
            held = tuple(sorted(values))
            self._others[name, record_type] = NamedRecord(name, record_type, held)

    def forbid(self, error: ContinuityError | None) -> None:
        """Let nobody change anything from now on: `replace` and `rehearse` raise this."""
        self._refusal = error

    def lag(self, server: str) -> None:
        """Let one server answer from now on what it answers now."""
        self._lagging[server] = dict(self._records)

    def front(self, name: str) -> None:
        """Let visitors reach a name at addresses of the provider's."""
        self._fronted.add(name)

    def catch_up(self) -> None:
        """Let all servers answer, with the newest records."""
        self._lagging.clear()
        self._silent.clear()

    def silence(self, server: str) -> None:
        """Let one server answer nothing."""
        self._silent.add(server)

    def fail_next(self, error: ContinuityError) -> None:
        """Raise this from the next `replace` that has something to do."""
        self._failures.append(error)

    def close(self, error: ContinuityError | None) -> None:
        """Raise this from every `read` from now on; None lets it be read again."""
        self._closed = error

    def fix_ttl(self, name: str) -> None:
        """Decide on the TTL of this name ourselves, as a proxy in front of a site does."""
        self._fixed.add(name)

    @property
    def applied(self) -> tuple[tuple[AddressChange, ...], ...]:
        """What each call of `replace` really changed; calls without effect are left out."""
        return tuple(self._applied)

    # --- the contract ---

    def read(self) -> tuple[AddressRecord, ...]:
        """Return all records, sorted."""
        if self._closed:
            raise self._closed
        return tuple(sorted(self._records.values()))

    def others(self) -> tuple[NamedRecord, ...]:
        """Return all CNAME, MX and TXT records, sorted."""
        if self._closed:
            raise self._closed
        return tuple(sorted(self._others.values()))

    def rehearse(self, names: Collection[str]) -> str:
        """Raise what `replace` would."""
        if any(record.name in names for record in self.read()) and self._refusal:
            raise self._refusal
        return "en mémoire"

    def replace(self, changes: Sequence[AddressChange]) -> None:
        """Carry out all changes or none."""
        check_scope(self.zone, changes)
        held = {key: record.values for key, record in self._records.items()}
        self._carry_out(remaining(self.zone, held, changes))

    def set_ttl(self, records: Sequence[AddressRecord]) -> tuple[AddressRecord, ...]:
        """Give all records their TTL or none; return those whose TTL is fixed."""
        check_scope(self.zone, as_changes(records))
        todo = remaining_ttls(self.zone, self.read(), records)
        self._carry_out(tuple(change for change in todo if change.name not in self._fixed))
        return tuple(
            self._records[each.name, each.type] for each in records if each.name in self._fixed
        )

    def _carry_out(self, todo: tuple[AddressChange, ...]) -> None:
        if not todo:
            return
        if self._refusal:
            raise self._refusal
        if self._failures:
            raise self._failures.pop(0)
        for change in todo:
            self.put(change.name, change.type, change.new, change.ttl)
        self._applied.append(todo)

    def answers(self, name: str, record_type: str) -> Mapping[str, tuple[str, ...]]:
        """Return what each server says."""
        return {server: self._answer(server, name, record_type) for server in self.nameservers}

    def _answer(self, server: str, name: str, record_type: str) -> tuple[str, ...]:
        if server in self._silent:
            hint = f"dig @{server} {name} {record_type}"
            raise Unreachable(f"name server {server}", f"does not answer for {name}", hint)
        record = self._lagging.get(server, self._records).get((name, record_type))
        return record.values if record else ()

    def fronted(self, names: Collection[str]) -> frozenset[str]:
        """Return those that `front` was told."""
        return frozenset(names) & self._fronted
