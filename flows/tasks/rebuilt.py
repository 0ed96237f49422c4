"""What a rebuild hands on to the verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blocks.servers.base import Server
from flows.tasks.work import Future


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The new server, the last step of each site, and the steps of the whole server."""

    server: Server
    sites: Mapping[str, Future]
    common: Mapping[str, Future]
