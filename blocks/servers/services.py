"""Start, fence and isolate what serves clients."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import AddressValueError, IPv4Address

from blocks.errors import CommandFailed, ConfigurationError, VerificationFailed
from blocks.servers.base import Server
from blocks.servers.packages import POLICY

_SHORT = timedelta(seconds=60)
_START = timedelta(minutes=5)
_STOP = timedelta(minutes=4)

OF_THE_MACHINE = re.compile(
    r"ssh|sshd|systemd-.*|dbus.*|networking|NetworkManager.*|ifup.*|getty@.*|serial-getty@.*"
    r"|cloud-.*|console-.*|keyboard-setup|grub-.*|e2scrub.*|apparmor|qemu-guest-agent|lvm2-.*"
    r"|blk-availability|mdadm.*|resolvconf|networkd-.*|wpa_supplicant|continuity-address@.*"
    r"|(?:apt-daily|dpkg-db-backup|fstrim|man-db).*\.timer"
)
"""Services and timers that are neither enabled nor restarted: they carry the machine, no site."""

_SITES = ("nginx", "apache2", "lighttpd", "php*-fpm", "mariadb", "mysql", "cron", "anacron", "atd")
SERVING = (*_SITES, "archive-agent")
"""What is stopped by a fence: all that serves clients or acts in their name."""

_ORDER = (r"mariadb|mysql", r"php.*-fpm", r"cron|anacron|atd", r"nginx|apache2|lighttpd")
_CHECKS = {
    r"nginx": ("nginx", "-t", "-q"),
    r"apache2": ("apache2ctl", "-t"),
    r"(php[0-9.]+)-fpm": (r"php-fpm", "-t"),
}
_CONFIGURED_IN = {
    r"nginx": ("/etc/nginx", "/etc/ssl", "/etc/letsencrypt"),
    r"apache2": ("/etc/apache2", "/etc/ssl", "/etc/letsencrypt"),
    r"php.*-fpm": ("/etc/php",),
    r"mariadb|mysql": ("/etc/mysql",),
}

ISOLATION = "continuity_isolation"


def start(server: Server, names: Sequence[str]) -> tuple[str, ...]:
    """Do what `Server.start_services` promises."""
    server.run(("sh", "-c", f"! grep -qs continuity {POLICY} || rm {POLICY}"), timeout=_SHORT)
    server.run(("systemctl", "daemon-reload"), timeout=_SHORT)
    skipped = {"nftables"} if _isolated(server) else set()
    wanted = [name for name in ordered(names) if name not in skipped]
    known = _existing(server, wanted)
    existing = [name for name in wanted if name in known]
    for name in existing:
        _start_one(server, name)
    return tuple(name for name in existing if _state(server, name)["ActiveState"] == "active")


def ordered(names: Sequence[str]) -> list[str]:
    """Return the services that may be started, in the order in which they need each other."""
    plain = {name.removesuffix(".service") for name in names}
    chosen = [name for name in plain if not OF_THE_MACHINE.fullmatch(name)]
    return sorted(chosen, key=lambda name: (_rank(name), name))


def _unit(name: str) -> str:
    """Return the unit of a name: timers carry their kind, services do not."""
    return name if name.endswith(".timer") else f"{name}.service"


def _rank(name: str) -> int:
    ranks = (rank for rank, pattern in enumerate(_ORDER, 1) if re.fullmatch(pattern, name))
    return next(ranks, 0)


def _start_one(server: Server, name: str) -> None:
    _check(server, name)
    state = _state(server, name)
    verb = "start"
    if state["ActiveState"] == "active":
        changed = _configured_since(server, name, _moment(state["InactiveExitTimestamp"]))
        verb = "restart" if changed else ""
    if state["UnitFileState"] != "enabled":
        server.run(("systemctl", "enable", "--quiet", name), timeout=_SHORT, accept=(0, 1))
    if not verb:
        return
    server.run(("systemctl", "reset-failed", name), timeout=_SHORT, accept=(0, 1))
    begun = server.run(("systemctl", verb, name), timeout=_START, accept=range(256))
    after = _state(server, name)
    # A service of one shot is inactive when it is done; so is one whose condition is not met.
    if begun.status or after["ActiveState"] not in ("active", "inactive"):
        raise _did_not_start(server, name, after, begun.stderr)


def _check(server: Server, name: str) -> None:
    """Let the service read its configuration before it is touched."""
    for pattern, words in _CHECKS.items():
        match = re.fullmatch(pattern, name)
        if match is None:
            continue
        program = words[0] if not match.groups() else f"php-fpm{match[1].removeprefix('php')}"
        try:
            server.run((program, *words[1:]), timeout=_SHORT)
        except CommandFailed as failed:
            raise CommandFailed(
                f"service {name} on {failed.subject}",
                f"its configuration is refused: {failed.stderr or failed.cause}",
                f"on the server: {shlex.join((program, *words[1:]))}; correct the file it names",
                failed.status,
                failed.stderr,
            ) from failed


def _moment(said: str) -> datetime:
    """Return when systemd began to start it, from `Mon 2026-11-23 10:26:18.123456 UTC`."""
    return datetime.strptime(said, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)


def _configured_since(server: Server, name: str, moment: datetime) -> bool:
    """Return whether its files changed since it started; ctime: a restore sets mtime."""
    known = (paths for pattern, paths in _CONFIGURED_IN.items() if re.fullmatch(pattern, name))
    paths = next(known, (f"/etc/{name}", f"/etc/{name}.conf"))
    # The kernel's clock for files moves in steps of up to 10 ms.
    since = (moment - timedelta(milliseconds=10)).isoformat()
    unit = f"/etc/systemd/system/{_unit(name)}"
    words = ("find", *paths, f"/etc/default/{name}", unit, f"{unit}.d", "-newerct", since, "-print")
    # Status 1: some of the paths do not exist.
    return bool(server.run(words, timeout=_SHORT, accept=(0, 1)).stdout)


def _state(server: Server, name: str) -> dict[str, str]:
    properties = "ActiveState,InactiveExitTimestamp,UnitFileState,Result"
    words = ("systemctl", "show", "--timestamp=us+utc", "-p", properties, _unit(name))
    said = server.run(words, timeout=_SHORT).stdout.decode()
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def _did_not_start(server: Server, name: str, state: dict[str, str], said: str) -> CommandFailed:
    words = ("journalctl", "-u", name, "-n", "12", "--no-pager", "-o", "cat")
    log = server.run(words, timeout=_SHORT, accept=range(256)).stdout.decode(errors="replace")
    lines = [line for line in (said + log).splitlines() if line.strip()]
    masked = state["UnitFileState"] == "masked"
    return CommandFailed(
        f"service {name} on server {server.address}",
        f"did not come up ({state['ActiveState']}, {state['Result']}): {' / '.join(lines)}",
        f"it was fenced; if it may serve again: systemctl unmask {name}"
        if masked
        else f"on the server: systemctl status {name}; journalctl -u {name}",
        status=3,
        stderr="\n".join(lines),
    )


def _existing(server: Server, patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the services with a unit file of their own that match, without aliases."""
    if not patterns:
        return ()
    units = tuple(_unit(pattern) for pattern in patterns)
    words = ("systemctl", "list-unit-files", "--plain", "--no-legend", "--no-pager", *units)
    said = server.run(words, timeout=_SHORT, accept=(0, 1)).stdout.decode()
    rows = (line.split() for line in said.splitlines() if line.strip())
    return tuple(row[0].removesuffix(".service") for row in rows if row[1] != "alias")


def fence(server: Server) -> None:
    """Do what `Server.fence` promises."""
    services = _existing(server, SERVING)
    if not services:
        return
    server.run(("systemctl", "mask", "--now", "--quiet", *services), timeout=_STOP)
    running = [name for name in services if _state(server, name)["ActiveState"] != "inactive"]
    alive = [name for name in running if _state(server, name)["ActiveState"] != "failed"]
    if alive:
        raise VerificationFailed(
            "fence",
            f"{', '.join(alive)} still runs after it was stopped and masked",
            f"on the server: systemctl kill -s KILL {' '.join(alive)}; or cut the machine's power",
        )


def unfence(server: Server) -> None:
    """Do what `Server.unfence` promises."""
    services = _existing(server, SERVING)
    if not services:
        return
    server.run(("systemctl", "unmask", "--quiet", *services), timeout=_SHORT)
    server.run(("systemctl", "daemon-reload"), timeout=_SHORT)
    for name in ordered(services):
        if _state(server, name)["UnitFileState"] == "enabled":
            _start_one(server, name)


def isolate(server: Server, allowed: Sequence[str]) -> None:
    """Do what `Server.isolate` promises."""
    server.run(("nft", "-f", "-"), timeout=_SHORT, stdin=isolation_rules(allowed).encode())
    if not _isolated(server):
        raise VerificationFailed(
            "isolation",
            "the rules are not in force",
            f"on the server: nft list table inet {ISOLATION}",
        )


def isolation_rules(allowed: Sequence[str]) -> str:
    """Return the nftables rules; loading them replaces earlier ones at once."""
    try:
        addresses = ", ".join(str(IPv4Address(address)) for address in sorted(set(allowed)))
    except AddressValueError as wrong:
        raise ConfigurationError(
            "addresses allowed in a drill",
            f"not an IPv4 address: {wrong}",
            "correct the estate file",
        ) from wrong
    accept = f"ip daddr {{ {addresses} }} accept" if addresses else ""
    return f"""
table inet {ISOLATION}
delete table inet {ISOLATION}
table inet {ISOLATION} {{
  chain output {{
    type filter hook output priority -150; policy drop;
    oifname "lo" accept
    ct state established,related accept
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }} accept
    {accept}
    # An answer at once, so that a site that calls out is not slow but told.
    reject with icmpx type admin-prohibited
  }}
  chain forward {{ type filter hook forward priority -150; policy drop; }}
}}
"""


def _isolated(server: Server) -> bool:
    words = ("sh", "-c", f"command -v nft >/dev/null && nft list table inet {ISOLATION}")
    return server.run(words, timeout=_SHORT, accept=(0, 1, 127)).status == 0
