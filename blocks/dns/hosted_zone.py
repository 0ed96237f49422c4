"""What zones have in common whose provider is asked over HTTPS and whose name servers over DNS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from pydantic import Field, PrivateAttr, field_validator

from blocks.dns.authoritative import AuthoritativeServer, resolved
from blocks.dns.octodns_zone import OctodnsZone

DNS_PORT = 53
QUESTION_SECONDS = 5.0


class HostedZone(OctodnsZone, ABC):
    """A zone at a provider of DNS; its name servers are those that the provider assigned."""

    nameservers: list[str] = Field(
        default_factory=list,
        title="Name servers",
        description="All authoritative servers, each as address or address#port; "
        "empty takes those that the provider names.",
    )
    timeout_seconds: float = Field(
        default=15, gt=0, title="Timeout", description="Seconds for each call of the API."
    )

    _assigned: tuple[str, ...] = PrivateAttr(default=())

    @field_validator("nameservers")
    @classmethod
    def _nameservers_are_addresses(cls, value: list[str]) -> list[str]:
        for server in value:
            AuthoritativeServer.named(server, DNS_PORT, QUESTION_SECONDS)
        return value

    @abstractmethod
    def _name_servers(self) -> Sequence[str]:
        """Ask the provider for the names of the zone's name servers."""

    def answers(self, name: str, record_type: str) -> Mapping[str, tuple[str, ...]]:
        """Ask every authoritative server of the zone; return the sorted addresses by server."""
        servers = self._servers()
        return {text: server.addresses(name, record_type) for text, server in servers.items()}

    def _servers(self) -> dict[str, AuthoritativeServer]:
        """Return the name servers by how they are written; looked up once and kept."""
        if not self.nameservers and not self._assigned:
            self._assigned = resolved(self.zone, self._name_servers(), QUESTION_SECONDS)
        return {
            text: AuthoritativeServer.named(text, DNS_PORT, QUESTION_SECONDS)
            for text in self.nameservers or self._assigned
        }
