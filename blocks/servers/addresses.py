"""Let a server have an address that its provider leads from one machine to another."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from ipaddress import AddressValueError, IPv4Address

from blocks.errors import ConfigurationError
from blocks.servers.base import Server

PROGRAM = "/usr/local/lib/continuity/address.sh"
UNIT = "/usr/local/lib/systemd/system/continuity-address@.service"
"""Not in /etc, which comes back on other machines: an address belongs to one at a time."""
_SHORT = timedelta(seconds=60)
_UNIT_TEXT = f"""\
[Unit]
Description=Address %i, which its provider leads from one machine to another
Wants=network-online.target
After=network-online.target
Before=nginx.service apache2.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash {PROGRAM} up %i
ExecStop=/bin/bash {PROGRAM} down %i

[Install]
WantedBy=multi-user.target
"""


def take(server: Server, address: str) -> None:
    """Do what `Server.take_address` promises."""
    unit = _unit(address)
    server.put(PROGRAM, files("blocks.servers").joinpath("address.sh").read_bytes(), mode=0o755)
    server.put(UNIT, _UNIT_TEXT.encode(), mode=0o644)
    server.run(("systemctl", "daemon-reload"), timeout=_SHORT)
    server.run(("systemctl", "enable", "--quiet", unit), timeout=_SHORT)
    server.run(("systemctl", "start", unit), timeout=_SHORT)
    # Once more where the unit was up already: the neighbours may have heard another machine since.
    server.run(("bash", PROGRAM, "up", address), timeout=_SHORT)


def drop(server: Server, address: str) -> None:
    """Do what `Server.drop_address` promises."""
    script = '[ ! -e "$1" ] || systemctl disable --now --quiet "$2"; '
    script += '[ ! -e "$3" ] || exec bash "$3" down "$4"'
    words = ("sh", "-euc", script, "drop-address", UNIT, _unit(address), PROGRAM, address)
    server.run(words, timeout=_SHORT)


def _unit(address: str) -> str:
    try:
        return f"continuity-address@{IPv4Address(address)}.service"
    except AddressValueError as wrong:
        raise ConfigurationError(
            f"address {address}", f"is no IPv4 address: {wrong}", "correct the estate file"
        ) from wrong
