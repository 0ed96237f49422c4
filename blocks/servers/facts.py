"""Read what a Debian server is: one remote script, and the pure reading of what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from blocks.errors import ProviderError
from blocks.types import Account, ServerFacts

SCRIPT = """
set -e
section() { printf '\\n--- %s\\n' "$1"; }
section hostname; hostname
section os-release; cat /etc/os-release
section cores; nproc
section memory; cat /proc/meminfo
section disk; df --block-size=1 --output=size,avail /
section packages; apt-mark showmanual
section passwd; cat /etc/passwd
section group; cat /etc/group
section services
systemctl list-unit-files --state=enabled --type=service --plain --no-legend --no-pager
section untouched
{ dpkg-query -W -f='${Conffiles}\\n' | awk '$1 ~ "^/" && NF == 2 { print $2 "  " $1 }'
  cat /var/lib/ucf/hashfile 2>/dev/null
} | LC_ALL=C md5sum --check 2>/dev/null | sed -n 's/: OK$//p'
section timers
systemctl list-unit-files --state=enabled --type=timer --plain --no-legend --no-pager
section clock; date +%s.%N
"""

FIRST_KEPT_ID, LAST_KEPT_ID = 100, 59_999
"""Debian gives 0-99 the same meaning on every machine; 60000 and up are nobody's."""


def parse_facts(subject: str, text: str) -> ServerFacts:
    """Read the output of `SCRIPT`. Raises `ProviderError` when it is not what it must be."""
    sections = _sections(text)
    try:
        system = _assignments(sections["os-release"])
        size, free = sections["disk"].splitlines()[-1].split()
        return ServerFacts(
            hostname=sections["hostname"].strip(),
            distribution=system["ID"],
            release=system["VERSION_ID"],
            cores=int(sections["cores"]),
            memory=_memory(sections["memory"]),
            disk_size=int(size),
            disk_free=int(free),
            packages=tuple(sorted(sections["packages"].split())),
            accounts=parse_accounts(sections["passwd"], sections["group"]),
            untouched=tuple(sorted(set(sections["untouched"].splitlines()) - {""})),
            services=_enabled(sections["services"]),
            clock=datetime.fromtimestamp(float(sections["clock"]), UTC),
            timers=_enabled(sections["timers"]),
        )
    except (KeyError, ValueError, IndexError) as error:
        _refuse(subject, error)


def parse_release(subject: str, text: str) -> str:
    """Read the release from os-release. Raises `ProviderError` when it is not there."""
    try:
        return _assignments(text)["VERSION_ID"]
    except KeyError as error:
        _refuse(subject, error)


def parse_accounts(passwd: str, group: str) -> tuple[Account, ...]:
    """Return the accounts that a restore must bring back with their numbers, by number."""
    groups = parse_groups(group)
    names = {number: name for name, (number, _) in groups.items()}
    accounts = []
    for name, _, uid, gid, _, home, shell in _rows(passwd, 7):
        if not FIRST_KEPT_ID <= int(uid) <= LAST_KEPT_ID:
            continue
        others = tuple(sorted(other for other, (_, members) in groups.items() if name in members))
        primary = names.get(int(gid), name)
        accounts.append(Account(name, int(uid), int(gid), primary, home, shell, others))
    return tuple(sorted(accounts, key=lambda account: account.uid))


def parse_groups(group: str) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Return number and members of each group in /etc/group's text."""
    return {
        name: (int(gid), tuple(member for member in members.split(",") if member))
        for name, _, gid, members in _rows(group, 4)
    }


def parse_numbers(passwd: str) -> dict[str, int]:
    """Return the number of each user in /etc/passwd's text."""
    return {row[0]: int(row[2]) for row in _rows(passwd, 7)}


def _rows(text: str, columns: int) -> list[list[str]]:
    rows = [line.split(":") for line in text.splitlines() if line and line[0] not in "#+-"]
    for row in rows:
        if len(row) != columns:
            raise ValueError(f"line of {row[0]!r} has {len(row)} columns, not {columns}")
    return rows


def _sections(text: str) -> Mapping[str, str]:
    parts = ("\n" + text).split("\n--- ")[1:]
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1] for part in parts}


def _assignments(text: str) -> Mapping[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, value in pairs}


def _memory(text: str) -> int:
    line = next(line for line in text.splitlines() if line.startswith("MemTotal:"))
    return int(line.split()[1]) * 1024


def _enabled(text: str) -> tuple[str, ...]:
    units = (line.split()[0] for line in text.splitlines() if line.strip())
    # Templates (name@.service) start nothing by themselves.
    return tuple(sorted({unit.removesuffix(".service") for unit in units if "@." not in unit}))


def _refuse(subject: str, error: Exception) -> NoReturn:
    raise ProviderError(
        subject,
        f"its facts cannot be read ({type(error).__name__}: {error})",
        "is it Debian with systemd? On it: cat /etc/os-release; systemctl is-system-running",
    ) from error
