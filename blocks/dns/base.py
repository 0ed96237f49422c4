"""A DNS zone whose address records can be changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

from prefect.blocks.core import Block

from blocks.types import AddressChange, AddressRecord, NamedRecord


class DnsZone(Block, ABC):
    """Read and replace A and AAAA records of one zone.

    Names are absolute, lower case, without the final dot. Errors: `NotFound` (zone missing),
    `AuthenticationFailed` (key), `PermissionDenied` (not allowed to read), `UpdateRefused`,
    `Unreachable`, `Unavailable`, `DeadlineExceeded`.
    """

    zone: str

    @abstractmethod
    def read(self) -> tuple[AddressRecord, ...]:
        """Return all A and AAAA records of the zone, sorted, as the provider holds them."""

    @abstractmethod
    def others(self) -> tuple[NamedRecord, ...]:
        """Return all CNAME, MX and TXT records of the zone, sorted; `replace` never changes them.

        Raises `ProviderError` for one that cannot be read; address records can then still be.
        """

    @abstractmethod
    def rehearse(self, names: Collection[str]) -> str:
        """Prove with real calls that the addresses of these names may be changed; change nothing.

        Names without addresses here are left out. Returns who we are there, such as a key's name.
        Raises what `replace` would raise: a key that is refused, a right that is missing.
        """

    @abstractmethod
    def replace(self, changes: Sequence[AddressChange]) -> None:
        """Carry out all changes or none.

        A record that already has its new values is left alone, whatever its TTL, so a repeated call
        changes nothing. A record that has neither its old nor its new values raises `UpdateRefused`
        and nothing is changed: somebody else edited it. A change outside the zone, or of values
        that are not addresses of its type, raises `OutOfScope`. Other records and their settings
        stay as they are.
        """

    @abstractmethod
    def set_ttl(self, records: Sequence[AddressRecord]) -> tuple[AddressRecord, ...]:
        """Give all records the TTL that is said here, or none; their addresses stay.

        Each must hold exactly the addresses that are said here, else `UpdateRefused` is raised and
        nothing is changed: somebody else edited it. One that has its TTL already is left alone, so
        a repeated call changes nothing. Returns those whose TTL the provider itself decides, as
        they are: they were left alone. A record outside the zone raises `OutOfScope`.
        """

    @abstractmethod
    def answers(self, name: str, record_type: str) -> Mapping[str, tuple[str, ...]]:
        """Ask every authoritative server of the zone; return the sorted addresses by server.

        A server that does not answer with its own data raises `Unreachable` with its name.
        """

    def fronted(self, names: Collection[str]) -> frozenset[str]:
        """Return those of these names that visitors reach at the provider's own addresses.

        A changed address of theirs shows at no resolver, only in what the provider then delivers.
        """
        return frozenset()
