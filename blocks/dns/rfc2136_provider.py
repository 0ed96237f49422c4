"""octoDNS' RFC 2136 provider, held to address records, prerequisites and our errors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import dns.xfr
from dns.rcode import Rcode
from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Update
from octodns.record.rr import Rr
from octodns.zone import Zone
from octodns_bind import AxfrSourceZoneTransferFailed, Rfc2136Provider

from blocks.dns.authoritative import AuthoritativeServer
from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    NotFound,
    PermissionDenied,
    ProviderError,
    Unavailable,
    Unreachable,
    UpdateRefused,
)
from blocks.types import AddressRecord

CHANGED_BY_OTHERS = {Rcode.NXRRSET, Rcode.YXRRSET, Rcode.NXDOMAIN, Rcode.YXDOMAIN}
TSIG_ERRORS = (
    dns.tsig.PeerError,
    dns.tsig.BadSignature,
    dns.tsig.BadKey,
    dns.tsig.BadAlgorithm,
    dns.message.UnknownTSIGKey,
)


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a zone is changed and under which key, for requests and for errors."""

    zone: str
    server: str
    port: int
    key: str
    timeout: float

    @property
    def subject(self) -> str:
        """Name the zone and its server as errors do."""
        return f"zone {self.zone} on name server {self.server} port {self.port}"

    def failed(self, error: BaseException | None) -> ContinuityError:
        """Translate what dnspython raised."""
        if isinstance(error, dns.xfr.TransferError):
            return self.transfer_refused(Rcode(error.rcode))
        if isinstance(error, (dns.tsig.PeerBadTime, dns.tsig.BadTime)):
            cause = f"the request with key {self.key} was refused because the clocks differ"
            return AuthenticationFailed(self.subject, cause, "compare `date -u` here and there")
        if isinstance(error, TSIG_ERRORS):
            return self.key_refused(type(error).__name__)
        if isinstance(error, (dns.exception.Timeout, OSError, EOFError)):
            cause = f"does not answer ({type(error).__name__})"
            return Unreachable(self.subject, cause, f"dig +tcp @{self.server} {self.zone} SOA")
        if isinstance(error, dns.exception.TooBig):
            cause = "the changes do not fit into one message of 64 KiB; nothing was changed"
            return UpdateRefused(self.subject, cause, "change fewer records at once")
        cause = f"its answer cannot be understood: {type(error).__name__}: {error}"
        return ProviderError(self.subject, cause, "look at the log of the name server")

    def key_refused(self, answer: str) -> ContinuityError:
        """Return the error for a key that the server does not know, or not like this."""
        cause = f"the key {self.key} was refused ({answer})"
        hint = "compare name, secret and algorithm of the key with the server's configuration"
        return AuthenticationFailed(self.subject, cause, hint)

    def transfer_refused(self, rcode: Rcode) -> ContinuityError:
        """Translate the answer code to AXFR."""
        if rcode == Rcode.REFUSED:
            cause = f"refuses to transfer the zone to key {self.key}"
            return PermissionDenied(self.subject, cause, "add the key to allow-transfer")
        return self._not_served(rcode)

    def update_refused(self, rcode: Rcode) -> ContinuityError:
        """Translate the answer code to UPDATE."""
        if rcode in CHANGED_BY_OTHERS:
            cause = "somebody changed one of the records in between; nothing was changed"
            hint = "run the procedure again: it plans from what is there now"
            return UpdateRefused(self.subject, cause, hint)
        if rcode in {Rcode.REFUSED, Rcode.NOTIMP}:
            return self.update_refused_to_key(rcode.name)
        return self._not_served(rcode)

    def update_refused_to_key(self, answer: str = "BADKEY") -> ContinuityError:
        """Return the error for a key that may read and not update."""
        cause = f"refuses the update with key {self.key} ({answer}); nothing was changed"
        hint = (
            "check that this is the primary, its update-policy (BIND), acl (Knot) or "
            "TSIG-ALLOW-DNSUPDATE (PowerDNS), and that it is not frozen"
        )
        return UpdateRefused(self.subject, cause, hint)

    def _not_served(self, rcode: Rcode) -> ContinuityError:
        if rcode in {Rcode.NOTAUTH, Rcode.NOTZONE, Rcode.NXDOMAIN}:
            cause = f"there is no such zone ({rcode.name})"
            return NotFound(self.subject, cause, "correct zone or server, or create the zone there")
        if rcode == Rcode.SERVFAIL:
            cause = "the server cannot serve the zone now (SERVFAIL)"
            return Unavailable(self.subject, cause, "look at the log of the name server")
        return ProviderError(
            self.subject, f"it answered {rcode.name}", "look at the log of the name server"
        )


class Rfc2136AddressProvider(Rfc2136Provider):  # type: ignore[misc]  # octoDNS has no types
    """Read A and AAAA by AXFR; apply a plan in one UPDATE that holds only if nobody else edited."""

    SUPPORTS = frozenset({"A", "AAAA"})

    def __init__(self, connection: Connection, secret: str, algorithm: str) -> None:
        super().__init__(
            "rfc2136",
            connection.server,
            port=connection.port,
            timeout=connection.timeout,
            key_name=connection.key,
            key_secret=secret,
            key_algorithm=algorithm,
        )
        self.connection = connection

    def zone_records(self, zone: Zone, target: bool) -> list[Rr]:
        """Return the zone's address records."""
        try:
            return list(super().zone_records(zone, target))
        except AxfrSourceZoneTransferFailed as error:
            # The library keeps the real cause only here.
            raise self._not_read(error.__context__) from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise self.connection.failed(error) from error

    def _not_read(self, error: BaseException | None) -> ContinuityError:
        if isinstance(error, dns.xfr.TransferError) and error.rcode == Rcode.NOTAUTH:
            server = AuthoritativeServer(self.host, self.port, self.timeout)
            with suppress(Unreachable):
                # PowerDNS says of a wrong key what others say of a zone that they do not have.
                server.ask(self.connection.zone, "SOA")
                return self.connection.key_refused("NOTAUTH")
        return self.connection.failed(error)

    def _apply(self, plan: Plan) -> bool:
        update = dns.update.UpdateMessage(plan.desired.name, **self._auth_params())
        for change in plan.changes:
            _require_as_read(update, change)
            _change(update, change)
        self._send(update)
        return True

    def rehearse(self, records: Sequence[AddressRecord]) -> None:
        """Add what is already there, if it still is: the server checks the key and changes nothing.

        Raises what a real change of these records would raise.
        """
        update = dns.update.UpdateMessage(f"{self.connection.zone}.", **self._auth_params())
        for record in records:
            update.present(f"{record.name}.", record.type, *record.values)
            update.add(f"{record.name}.", record.ttl, record.type, *record.values)
        if records:
            self._send(update)

    def _send(self, update: dns.update.UpdateMessage) -> None:
        try:
            response = dns.query.tcp(update, self.host, port=self.port, timeout=self.timeout)
        except dns.tsig.PeerBadKey as error:
            # It took the key for reading, a moment ago: Knot says so of a right that is missing.
            raise self.connection.update_refused_to_key() from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise self.connection.failed(error) from error
        if response.rcode() != Rcode.NOERROR:
            raise self.connection.update_refused(response.rcode())


class Rfc2136NameReader(Rfc2136AddressProvider):
    """Read what leads to other names, or says addresses in a text, by AXFR."""

    SUPPORTS = frozenset({"CNAME", "MX", "TXT"})


def _require_as_read(update: dns.update.UpdateMessage, change: Create | Update | Delete) -> None:
    # Prerequisites on the RRsets, not on the SOA: PowerDNS fails those (pdns #12351).
    if change.existing is None:
        update.absent(change.new.fqdn, change.new._type)
    else:
        rrset = change.existing.to_rrset()
        update.present(rrset.name, rrset._type, *rrset.rdatas)


def _change(update: dns.update.UpdateMessage, change: Create | Update | Delete) -> None:
    if change.new is None:
        update.delete(change.existing.fqdn, change.existing._type)
    else:
        rrset = change.new.to_rrset()
        update.replace(rrset.name, rrset.ttl, rrset._type, *rrset.rdatas)
