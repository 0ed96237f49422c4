"""How a server's certificates are renewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Challenge(StrEnum):
    """What the authority asks for before it signs."""

    HTTP = "HTTP-01"
    """A page that it fetches where the name leads: possible there only."""
    DNS = "DNS-01"
    """A record in the zone: possible from any machine."""
    BY_HAND = "by hand"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Renewal:
    """One certificate that a tool on the server renews, and what the tool needs for that.

    Attributes:
        name: As the tool calls it.
        tool: certbot or acme.sh.
        domains: Names in the certificate; may begin with `*.`.
        plugin: The tool's own word for its way, such as webroot or dns-ovh.
        automatic: Whether the tool renews it without being asked.
        files: Absolute paths of files that must be there.
        folders: Absolute paths of folders that must be there.
        packages: Debian packages that must be installed.
        timer: systemd timer that starts the tool, "" if something else does.
        until: End of the certificate, None if it could not be read.
    """

    name: str
    tool: str
    domains: tuple[str, ...]
    challenge: Challenge
    plugin: str
    automatic: bool
    files: tuple[str, ...]
    folders: tuple[str, ...]
    packages: tuple[str, ...]
    timer: str
    until: datetime | None
