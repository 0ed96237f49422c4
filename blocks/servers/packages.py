"""Install Debian packages without starting what they bring."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

from blocks.errors import CommandFailed, DeadlineExceeded, NotFound
from blocks.servers.base import Server

JOB = "packages"
LISTS_MAX_AGE = timedelta(days=1)
_SHORT = timedelta(seconds=60)
_UPDATE = timedelta(minutes=5)

OF_THE_MACHINE = re.compile(
    r"linux-(image|headers|modules)-.*|grub-.*|shim-.*|firmware-.*|(intel|amd64)-microcode"
    r"|cloud-(init|guest-utils|initramfs-.*|image-utils)|qemu-guest-agent|open-vm-tools"
    r"|initramfs-tools.*|ifupdown2?|netplan\.io|systemd-resolved|resolvconf|cryptsetup.*|mdadm|lvm2"
)
"""Kernel, boot, firmware, disks, network and the provider's agents: another machine has its own."""

POLICY = "/usr/sbin/policy-rc.d"
_POLICY_TEXT = "#!/bin/sh\\n# continuity: no service starts during an installation\\nexit 101\\n"
# `--force-unsafe-io`: a machine that loses power during its rebuild is rebuilt, not repaired.
_INSTALL = f"""
set -e
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt="apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0
     -o Dpkg::Options::=--force-unsafe-io
     -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef"
trap 'rm -f {POLICY}' EXIT
printf '{_POLICY_TEXT}' >{POLICY}
chmod 755 {POLICY}
dpkg --configure -a --force-confold --force-confdef
[ $# -gt 0 ] || exit 0
$apt --no-install-recommends install "$@" || {{
  $apt --fix-broken install
  apt-get -q -o DPkg::Lock::Timeout=120 update
  $apt --no-install-recommends install "$@"
}}
"""
# A list may be stored compressed (_Packages.lz4).
_FRESH_LISTS = """
find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mmin -"$1" 2>/dev/null | grep -q .
"""


def install(server: Server, names: Sequence[str], timeout: timedelta) -> tuple[str, ...]:
    """Do what `Server.install_packages` promises."""
    deadline = monotonic() + timeout.total_seconds()
    wanted = [name for name in sorted(set(names)) if not OF_THE_MACHINE.fullmatch(name)]
    server.run(_words(()), timeout=timeout, job=JOB)
    present = installed(server, wanted)
    missing = [name for name in wanted if name not in present]
    if not missing:
        return ()
    _know(server, missing)
    left = timedelta(seconds=deadline - monotonic())
    if left <= timedelta(0):
        raise _late(timeout)
    server.run(_words(missing), timeout=left, job=JOB)
    return tuple(missing)


def installed(server: Server, names: Sequence[str]) -> frozenset[str]:
    """Return those of the packages that are completely installed."""
    if not names:
        return frozenset()
    query = ("dpkg-query", "-W", "-f", "${Package} ${Package}:${Architecture} ${Status}\\n", *names)
    # Status 1: some of them are not known to dpkg.
    said = server.run(query, timeout=_SHORT, accept=(0, 1)).stdout.decode()
    return parse_installed(said)


def parse_installed(text: str) -> frozenset[str]:
    """Return names (plain, and with their architecture) that dpkg-query says are installed."""
    rows = (line.split() for line in text.splitlines())
    complete = [
        row
        for row in rows
        if row[2:] in (["install", "ok", "installed"], ["hold", "ok", "installed"])
    ]
    return frozenset(name for row in complete for name in row[:2])


def parse_candidates(text: str) -> frozenset[str]:
    """Return the packages for which `apt-cache policy` names a version that can be installed."""
    found, name = set(), ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            name = line.rstrip(":")
        elif line.strip().startswith("Candidate:") and "(none)" not in line:
            found.add(name)
    return frozenset(found)


def offered(server: Server) -> frozenset[str]:
    """Do what `Server.offered_packages` promises."""
    if not _lists_are_fresh(server):
        _update(server)
    said = server.run(("apt-cache", "pkgnames"), timeout=_SHORT).stdout.decode()
    return frozenset(said.split())


def _lists_are_fresh(server: Server) -> bool:
    minutes = str(int(LISTS_MAX_AGE.total_seconds() // 60))
    words = ("sh", "-c", _FRESH_LISTS, "package-lists", minutes)
    return server.run(words, timeout=_SHORT, accept=(0, 1)).status == 0


def _know(server: Server, names: Sequence[str]) -> None:
    """Make sure that the mirror knows all names, asking it anew when that may help."""
    if _lists_are_fresh(server) and not _unknown(server, names):
        return
    _update(server)
    unknown = _unknown(server, names)
    if unknown:
        raise NotFound(
            f"packages {', '.join(unknown)}",
            "are not known to the server's package mirror; nothing was installed",
            "add their source under /etc/apt/sources.list.d, or take them off the list",
        )


def _update(server: Server) -> None:
    words = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2", "update")
    try:
        server.run(words, timeout=_UPDATE)
    except CommandFailed as failed:
        raise CommandFailed(
            failed.subject,
            failed.cause,
            "on the server: apt-get update; has it a route to its mirror, and a resolver?",
            failed.status,
            failed.stderr,
        ) from failed


def _unknown(server: Server, names: Sequence[str]) -> list[str]:
    said = server.run(("apt-cache", "policy", *names), timeout=_SHORT).stdout.decode()
    known = parse_candidates(said)
    return [name for name in names if name not in known]


def _words(names: Sequence[str]) -> tuple[str, ...]:
    return ("bash", "-c", _INSTALL, "install-packages", *names)


def _late(timeout: timedelta) -> DeadlineExceeded:
    return DeadlineExceeded(
        "installation of packages",
        f"did not begin within {timeout.total_seconds():.0f} s",
        "run again: what is installed stays; look at the mirror's speed with: apt-get update",
    )
