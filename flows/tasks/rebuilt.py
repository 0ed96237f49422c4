"""What a rebuild hands on to the verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from blocks.servers.base import Server
from blocks.types import Machine


@dataclass(frozen=True, slots=True)
class SiteEnd:
    """How a site's last step ended, and when visitors first saw the site again."""

    healthy: bool
    back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The new server, how each site ended, and the names of the steps that concern all of it.

    Attributes:
        machine: The server's machine at its provider.
        floating: The floating address that leads to it, "" if none does.
    """

    server: Server
    sites: Mapping[str, SiteEnd]
    common: tuple[str, ...]
    machine: Machine
    floating: str = ""
