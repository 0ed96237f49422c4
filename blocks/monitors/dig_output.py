"""Build the command line of dig for one name, and understand its answer. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address
from math import ceil

_STATUS = re.compile(r"->>HEADER<<-.*status: (\w+)")
_ADDRESS = re.compile(r"^\S+\s+\d+\s+IN\s+A\s+(\S+)\s*$", re.MULTILINE)


def dig_words(name: str, resolver: str, port: int, seconds: float) -> tuple[str, ...]:
    """Return the words that ask one resolver ("" for the system's) for a name's IPv4 addresses."""
    return (
        "dig",
        *(() if not resolver else (f"@{resolver}", "-p", str(port))),
        # No .digrc, no search list, each resolver once.
        *("-r", "+nosearch", "+tries=1", f"+time={max(1, ceil(seconds))}"),
        *("+noall", "+comments", "+answer", "-t", "A", "-q", f"{name}."),
    )


def addresses_of(told: str) -> tuple[str, ...] | None:
    """Return the addresses of an answer, sorted; none for a name without; None for no answer."""
    status = _STATUS.search(told)
    if not status or status[1] not in ("NOERROR", "NXDOMAIN"):
        return None
    found = sorted(set(_ADDRESS.findall(told)))
    return tuple(address for address in found if ip_address(address).version == 4)
