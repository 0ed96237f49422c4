"""Ask authoritative servers directly: no resolver, no cache in between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from blocks.dns.changes import canonical
from blocks.errors import ConfigurationError, Unreachable

_SURE = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}


@dataclass(frozen=True, slots=True)
class AuthoritativeServer:
    """One name server; `timeout` is in seconds and holds for each question."""

    address: str
    port: int
    timeout: float

    @classmethod
    def named(cls, text: str, port: int, timeout: float) -> AuthoritativeServer:
        """Return the server that is written as `address` or `address#port`."""
        address, _, own_port = text.partition("#")
        return cls(str(ip_address(address)), int(own_port or port), timeout)

    def addresses(self, name: str, record_type: str) -> tuple[str, ...]:
        """Return the sorted addresses it gives for a name, empty if there are none.

        Raises:
            Unreachable: It does not answer, or not for this name.
        """
        return canonical(_texts(self.ask(name, record_type), record_type))

    def name_servers(self, zone: str) -> tuple[str, ...]:
        """Return the sorted names in the zone's NS records, with their final dot."""
        return tuple(sorted(_texts(self.ask(zone, "NS"), "NS")))

    def record(self, name: str, record_type: str) -> tuple[tuple[str, ...], int] | None:
        """Return the sorted addresses of a name itself and their TTL; neither if there are none.

        What a CNAME leads to does not count. None if it has no authority, as over a delegated name.

        Raises:
            Unreachable: It does not answer at all.
        """
        response = self._response(name, record_type)
        if response.rcode() not in _SURE or not _is_own(response):
            return None
        own, wanted = dns.name.from_text(name), dns.rdatatype.from_text(record_type)
        for rrset in response.answer:
            if rrset.name == own and rrset.rdtype == wanted:
                return canonical(rdata.to_text() for rdata in rrset), int(rrset.ttl)
        return (), 0

    def ask(self, name: str, record_type: str) -> dns.message.Message:
        """Return its own answer (existing or not) to one question."""
        response = self._response(name, record_type)
        if response.rcode() not in _SURE or not _is_own(response):
            cause = f"answers {dns.rcode.to_text(response.rcode())} without authority for {name}"
            hint = "look at its log: is the zone loaded, or expired?"
            raise Unreachable(self._subject, cause, hint)
        return response

    @property
    def _subject(self) -> str:
        return f"name server {self.address} port {self.port}"

    def _response(self, name: str, record_type: str) -> dns.message.Message:
        # No recursion: a resolver would answer from its cache.
        query = dns.message.make_query(dns.name.from_text(name), record_type, flags=0)
        try:
            response, _ = dns.query.udp_with_fallback(
                query, self.address, timeout=self.timeout, port=self.port, ignore_unexpected=True
            )
        except (dns.exception.DNSException, OSError) as error:
            cause = f"does not answer for {name} ({type(error).__name__})"
            raise Unreachable(
                self._subject, cause, f"dig @{self.address} {name} {record_type}"
            ) from error
        return response


def authoritative_servers(zone: str, server: AuthoritativeServer) -> tuple[str, ...]:
    """Return the addresses of the servers in the zone's NS records, as `server` knows them.

    IPv6 addresses are taken only for a server that has no other.

    Raises:
        ConfigurationError: It does not know the addresses of one of them.
    """
    return tuple(
        address
        for name in server.name_servers(zone)
        for address in _known_addresses(zone, name, server)
    )


def resolved(zone: str, names: Iterable[str], timeout: float) -> tuple[str, ...]:
    """Return the addresses of a zone's name servers, as this machine's resolver knows them.

    For zones of a provider, whose name servers have names of another zone. IPv6 addresses are taken
    only for a server that has no other. `timeout` is in seconds and holds for each name.

    Raises:
        ConfigurationError: There are no names, or one of them has no address.
    """
    found = [address for name in names for address in _looked_up(zone, name, timeout)]
    if not found:
        hint = "list the addresses of its authoritative servers in the field nameservers"
        raise ConfigurationError(f"zone {zone}", "its provider names no name server", hint)
    return tuple(dict.fromkeys(found))


def _looked_up(zone: str, name: str, timeout: float) -> tuple[str, ...]:
    for record_type in ("A", "AAAA"):
        try:
            answer = dns.resolver.resolve(name, record_type, lifetime=timeout, search=False)
        except dns.resolver.NoAnswer:
            continue
        except (dns.exception.DNSException, OSError) as error:
            cause = f"the address of name server {name} is not known ({type(error).__name__})"
            hint = f"dig {name}; or list the addresses in the field nameservers"
            raise ConfigurationError(f"zone {zone}", cause, hint) from error
        return canonical(rdata.to_text() for rdata in answer)
    hint = "list the addresses of all its authoritative servers in the field nameservers"
    raise ConfigurationError(f"zone {zone}", f"name server {name} has no address", hint)


def _known_addresses(zone: str, name: str, server: AuthoritativeServer) -> tuple[str, ...]:
    cause = f"name server {name} is not in a zone that {server.address} holds"
    hint = "list the addresses of all its authoritative servers in the field nameservers"
    try:
        addresses = server.addresses(name, "A") or server.addresses(name, "AAAA")
    except Unreachable as error:
        raise ConfigurationError(f"zone {zone}", cause, hint) from error
    if not addresses:
        raise ConfigurationError(f"zone {zone}", f"name server {name} has no address", hint)
    return addresses


def _is_own(response: dns.message.Message) -> bool:
    return bool(response.flags & dns.flags.AA)


def _texts(response: dns.message.Message, record_type: str) -> tuple[str, ...]:
    wanted = dns.rdatatype.from_text(record_type)
    return tuple(
        rdata.to_text() for rrset in response.answer if rrset.rdtype == wanted for rdata in rrset
    )
