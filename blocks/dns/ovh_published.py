"""What a zone's name servers answer, to tell what is published from what is edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from blocks.dns.authoritative import AuthoritativeServer
from blocks.dns.ovh_rows import Answered
from blocks.errors import ConfigurationError, Unreachable

Servers = Callable[[], Iterable[AuthoritativeServer]]


class Published:
    """What the zone's name servers answer, as long as one of them does."""

    def __init__(self, zone: str, servers: Servers) -> None:
        self._zone = zone
        self._servers = servers
        self._server: AuthoritativeServer | None = None
        self._looked = False

    def record(self, name: str, record_type: str) -> Answered | None:
        """Return a record's addresses and TTL, or None where nobody can tell."""
        if not self._looked:
            self._looked, self._server = True, self._first()
        if self._server is None:
            return None
        try:
            return self._server.record(name, record_type)
        except Unreachable:
            self._server = None
            return None

    def _first(self) -> AuthoritativeServer | None:
        try:
            servers = list(self._servers())
        except ConfigurationError:
            return None
        for server in servers:
            try:
                server.ask(self._zone, "SOA")
            except Unreachable:
                continue
            return server
        return None
