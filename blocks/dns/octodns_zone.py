"""What every zone behind octoDNS has in common; a provider adds its client and its errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from octodns.idna import IdnaError
from octodns.provider.base import BaseProvider
from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Record, Update
from octodns.record.exception import RecordException
from octodns.zone import Zone
from octodns.zone.base import DuplicateRecordException, InvalidNameError
from octodns.zone.exception import ZoneException
from pydantic import Field, field_validator

from blocks.dns.base import DnsZone
from blocks.dns.changes import (
    VERSIONS,
    Held,
    as_changes,
    canonical,
    check_scope,
    remaining,
    remaining_ttls,
)
from blocks.errors import ProviderError, UpdateRefused
from blocks.types import AddressChange, AddressRecord, NamedRecord

UNREADABLE = (
    IdnaError,
    RecordException,
    ZoneException,
    DuplicateRecordException,
    InvalidNameError,
)

# Otherwise it takes the same set and warns of it at every first look, in the operator's face.
Record.enable_validators({"legacy"})


class OctodnsZone(DnsZone, ABC):
    """Read, plan and apply with octoDNS, limited to the address records that are asked for.

    octoDNS' own `plan()` and its 30 % limit are not used: a failover changes most records of a
    zone, and a plan towards a whole zone would undo what others edited since it was read. The plan
    here holds our changes only.
    """

    zone: str = Field(title="Zone", description="Name of the zone, such as atelier.test.")

    @field_validator("zone")
    @classmethod
    def _without_final_dot(cls, value: str) -> str:
        return value.rstrip(".").lower()

    @abstractmethod
    def _provider(self) -> BaseProvider:
        """Return a new provider: they keep what they read, so each look takes its own.

        It reads A and AAAA records only, so that no other record can stand in the way, it applies a
        plan as a whole or not at all, refuses it when a record is not as it was read, and raises
        errors of `blocks.errors`.
        """

    @abstractmethod
    def _reader(self) -> BaseProvider:
        """Return a new provider that reads CNAME, MX and TXT records only; it applies no plan."""

    @abstractmethod
    def _rehearse(self, records: Sequence[AddressRecord]) -> str:
        """Prove that these records may be changed; see `DnsZone.rehearse`."""

    def read(self) -> tuple[AddressRecord, ...]:
        """Return all A and AAAA records of the zone, sorted."""
        return _records(self._populated(self._provider()))

    def others(self) -> tuple[NamedRecord, ...]:
        """Return all CNAME, MX and TXT records of the zone, sorted."""
        found = self._populated(self._reader()).records
        return tuple(sorted(NamedRecord(_name(each), each._type, _values(each)) for each in found))

    def rehearse(self, names: Collection[str]) -> str:
        """Prove that the addresses of these names may be changed; change nothing."""
        return self._rehearse([record for record in self.read() if record.name in names])

    def replace(self, changes: Sequence[AddressChange]) -> None:
        """Carry out all changes or none, then look again with a new provider."""
        check_scope(self.zone, changes)
        if not changes:
            return
        provider = self._provider_for(changes)
        existing = self._populated(provider)
        todo = remaining(self.zone, _held(_records(existing)), changes)
        if todo:
            provider.apply(_plan(provider, existing, todo))
            self._confirm(provider, todo)

    def set_ttl(self, records: Sequence[AddressRecord]) -> tuple[AddressRecord, ...]:
        """Give all records their TTL or none; return those whose TTL the provider decides."""
        wanted = as_changes(records)
        check_scope(self.zone, wanted)
        if not records:
            return ()
        provider = self._provider_for(wanted)
        existing = self._populated(provider)
        todo = remaining_ttls(self.zone, _records(existing), records)
        fixed = {(_name(r), r._type) for r in existing.records if self._has_fixed_ttl(r)}
        able = [change for change in todo if (change.name, change.type) not in fixed]
        if able:
            provider.apply(_plan(provider, existing, able))
            self._confirm_ttls(provider, able)
        asked = {(record.name, record.type) for record in records}
        return tuple(r for r in _records(existing) if (r.name, r.type) in asked & fixed)

    def _has_fixed_ttl(self, record: Record) -> bool:
        """Whether the provider itself decides on the TTL of this octoDNS record."""
        return False

    def _populated(self, provider: BaseProvider) -> Zone:
        zone = Zone(f"{self.zone}.", [])
        with _readable(self.zone):
            provider.populate(zone, lenient=True)
        return zone

    def _provider_for(self, changes: Sequence[AddressChange]) -> BaseProvider:
        """Return a new provider for these changes."""
        return self._provider()

    def _looked_again(
        self, provider: BaseProvider, done: Sequence[AddressChange]
    ) -> tuple[AddressRecord, ...]:
        """Return at least the records of these changes as they are now, not as they were read."""
        return self.read()

    def _confirm(self, provider: BaseProvider, done: Sequence[AddressChange]) -> None:
        held = _held(self._looked_again(provider, done))
        for change in done:
            if held.get((change.name, change.type), ()) != change.new:
                raise UpdateRefused(
                    f"{change.type} record of {change.name} in zone {self.zone}",
                    "was accepted by the server and is not there",
                    "look for a CNAME with this name, and ask who else edits the zone",
                )

    def _confirm_ttls(self, provider: BaseProvider, done: Sequence[AddressChange]) -> None:
        again = self._looked_again(provider, done)
        held = {(record.name, record.type): record for record in again}
        for change in done:
            found = held.get((change.name, change.type))
            if not found or (found.values, found.ttl) != (change.new, change.ttl):
                raise UpdateRefused(
                    f"{change.type} record of {change.name} in zone {self.zone}",
                    f"was accepted with a TTL of {change.ttl} s and has "
                    f"{f'one of {found.ttl} s' if found else 'none'}",
                    "look whether the provider has a smallest TTL, and who else edits the zone",
                )


@contextmanager
def _readable(zone: str) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        cause = f"holds a record that cannot be read: {error}"
        raise ProviderError(f"zone {zone}", cause, "correct this record at the provider") from error


def _records(zone: Zone) -> tuple[AddressRecord, ...]:
    return tuple(
        sorted(
            AddressRecord(_name(record), record._type, record.ttl, values)
            for record in zone.records
            if record._type in VERSIONS
            for values in (canonical(record.values),)
        )
    )


def _name(record: Record) -> str:
    return str(record.fqdn).rstrip(".").lower()


def _values(record: Record) -> tuple[str, ...]:
    if record._type == "CNAME":
        return (_bare(record.value),)
    if record._type == "MX":
        return tuple(sorted(_bare(each.exchange) for each in record.values))
    # octoDNS writes a semicolon as zone files do.
    return tuple(sorted(str(each).replace("\\;", ";") for each in record.values))


def _bare(name: str) -> str:
    return str(name).rstrip(".").lower()


def _held(records: Sequence[AddressRecord]) -> Held:
    return {(record.name, record.type): record.values for record in records}


def _plan(provider: BaseProvider, existing: Zone, changes: Sequence[AddressChange]) -> Plan:
    records = {(_name(record), record._type): record for record in existing.records}
    desired = existing.copy()
    steps: list[Create | Update | Delete] = []
    for change in changes:
        before = records.get((change.name, change.type))
        after = _record(provider, existing, change) if change.new else None
        if before is not None:
            desired.remove_record(before)
        if after is not None:
            desired.add_record(after, lenient=True)
        steps.append(_step(before, after))
    return Plan(existing, desired, steps, exists=True)


def _record(provider: BaseProvider, zone: Zone, change: AddressChange) -> Record:
    data = {"type": change.type, "ttl": change.ttl, "values": list(change.new)}
    name = zone.hostname_from_fqdn(f"{change.name}.")
    return Record.new(zone, name, data, source=provider, lenient=True)


def _step(before: Record | None, after: Record | None) -> Create | Update | Delete:
    if before is None:
        return Create(after)
    return Delete(before) if after is None else Update(before, after)
