"""Set up the lab's DNS: the authoritative server with its zones, and the visitors' resolver."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

import dns.exception
import dns.message
import dns.query
import dns.rcode
from pydantic import SecretStr

from blocks.errors import DeadlineExceeded, NotFound
from blocks.servers.ssh import SshServer
from deployments.lab import names_zones
from deployments.lab.config import Lab
from deployments.lab.names_zones import ZONES

_ANSWER_SECONDS = 30
_COMMAND = timedelta(seconds=30)
_SERVICES = ("resolver-address", "named", "unbound")


def configure(lab: Lab) -> None:
    """Install key, configuration and zones, and wait until both servers answer.

    Zones that are already there stay as they are, with every change made to them. Idempotent.
    """
    server = machine(lab)
    zones = names_zones.zone_files(lab)
    missing = {path: text for path, text in zones.items() if _content(server, path) is None}
    files = names_zones.configuration(lab, lab.secret("tsig-key"))
    if _install(server, {**files, **missing}):
        _run(server, "systemctl", "restart", *_SERVICES)
    wait_until_answering(lab)


def reset(lab: Lab) -> None:
    """Put every record back as it was at first, and empty the resolver's memory."""
    server = machine(lab)
    _run(server, "systemctl", "stop", *_SERVICES[1:])
    files = names_zones.zone_files(lab)
    # The journal holds changes made to the old file; named would refuse the new one for it.
    _run(server, "rm", "-f", *(f"{path}.jnl" for path in files))
    _install(server, files)
    _run(server, "systemctl", "start", *_SERVICES[1:])
    wait_until_answering(lab)


def machine(lab: Lab) -> SshServer:
    """Return the machine that both DNS servers run on."""
    return SshServer(
        address=lab.names,
        private_key=SecretStr((lab.secrets / "ssh-key").read_text()),
        host_key=lab.secret("names-host-key.pub"),
    )


def wait_until_answering(lab: Lab) -> None:
    """Wait until both servers answer for every zone. Raises `DeadlineExceeded`."""
    until = time.monotonic() + _ANSWER_SECONDS
    asked = [(address, zone) for address in (lab.names, lab.resolver) for zone in ZONES]
    for address, zone in asked:
        while not _answers(address, zone):
            if time.monotonic() > until:
                raise DeadlineExceeded(
                    f"DNS server {address}",
                    f"it does not answer for {zone} after {_ANSWER_SECONDS} s",
                    "script/lab ssh names journalctl -u named -u unbound",
                )
            time.sleep(0.1)


def _answers(address: str, zone: str) -> bool:
    try:
        answer = dns.query.udp(dns.message.make_query(zone, "SOA"), address, timeout=1)
    except (OSError, dns.exception.DNSException):
        return False
    return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer)


def _install(server: SshServer, files: Mapping[str, str]) -> bool:
    """Write the files that differ; return whether there were any."""
    changed = {path: text for path, text in files.items() if _content(server, path) != text}
    for path, text in changed.items():
        # The folder keeps the key from others; named itself reads as the folder's group.
        server.put(path, text.encode(), mode=0o644)
    return bool(changed)


def _content(server: SshServer, path: str) -> str | None:
    try:
        return server.get(path).decode()
    except NotFound:
        return None


def _run(server: SshServer, *words: str) -> None:
    server.run(words, timeout=_COMMAND)
