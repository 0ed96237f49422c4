"""What the continuous archive ships of a server: the same for a backup, a recovery, a repair."""

from __future__ import annotations

from blocks.servers.base import Server
from blocks.types import LogSource, ShippedSite
from flows.tasks.incident import Estate


def log_source(estate: Estate, server: Server) -> LogSource | None:
    """Return where the binary logs lie on this server, None if it has no database."""
    return estate.database.log_source(server) if estate.database else None


def shipped_sites(estate: Estate) -> tuple[ShippedSite, ...]:
    """Return what the archive ships of the declared sites."""
    return tuple(
        ShippedSite(name, tuple(site.roots), tuple(site.exclude))
        for name, site in sorted(estate.sites.items())
    )
