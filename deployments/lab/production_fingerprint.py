"""Everything that must be the same on a server before its loss and after its recovery."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from blocks.servers.base import Server
from deployments.lab.production_database import accounts, programs, tables

Fingerprint = dict[str, dict[str, dict[str, str]]]
"""Section -> thing -> property -> value; survives a round trip through JSON unchanged."""

ROOTS = ("/srv/journal", "/srv/boutique", "/srv/vitrine")
CONFIGURATION = (
    "/etc/nginx",
    "/etc/php",
    "/etc/mysql",
    "/etc/wordpress",
    "/etc/ssl/sites",
    "/etc/crontab",
    "/etc/cron.d",
    "/var/spool/cron/crontabs",
    "/etc/logrotate.d",
    "/etc/systemd/system",
    "/etc/timezone",
    "/etc/localtime",
)
VOLATILE = ("/srv/boutique/reports",)
"""Written every five minutes by the shop's cron job, from what is in the database."""
WITHOUT_TABLES = ("continuity.canary", "continuity.pulse")
"""Holds the time of the last backup: meant to differ."""

_TIMEOUT = timedelta(minutes=5)
_FIELDS = ("type", "owner", "group", "mode", "modified", "links", "target")
_LIST = r"""
set -o pipefail
roots=(); skipped=(-false)
while [ "$1" != -- ]; do skipped+=(-o -path "$1"); shift; done; shift
for root; do [ -e "$root" ] || [ -L "$root" ] && roots+=("$root"); done
[ "${#roots[@]}" = 0 ] && exit 0
find "${roots[@]}" -xdev \( "${skipped[@]}" \) -prune -o \
  -printf '%y\0%u\0%g\0%m\0%T@\0%n\0%l\0%p\0'
printf 'contents\0'
find "${roots[@]}" -xdev \( "${skipped[@]}" \) -prune -o -type f -print0 | xargs -0 -r sha256sum -z
"""


def fingerprint(
    server: Server,
    *,
    without_tables: Collection[str] = WITHOUT_TABLES,
    volatile: Sequence[str] = VOLATILE,
) -> Fingerprint:
    """Read the server's fingerprint. Changes nothing.

    Two fingerprints can only be equal if nobody writes in between: stop visitors first.
    """
    return {
        "tables": tables(server, without=without_tables),
        "programs": programs(server),
        "database accounts": accounts(server),
        "files": files(server, ROOTS, without=volatile),
        "configuration": _without_times(files(server, CONFIGURATION)),
        "certificates": _certificates(server),
        "users": _users(server),
        "enabled units": _enabled_units(server),
        "timers": _timers(server),
    }


def compare(
    before: Mapping[str, Mapping[str, Mapping[str, str]]],
    after: Mapping[str, Mapping[str, Mapping[str, str]]],
) -> list[str]:
    """Return one sentence for each thing that differs; none if both are the same."""
    return [
        sentence
        for section in sorted({*before, *after})
        for sentence in _differences(section, before.get(section, {}), after.get(section, {}))
    ]


def _differences(
    section: str, before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> list[str]:
    found = [f"{section}: {_shown(name)} is missing" for name in sorted({*before} - {*after})]
    found += [f"{section}: {_shown(name)} is new" for name in sorted({*after} - {*before})]
    for name in sorted({*before} & {*after}):
        old, new = before[name], after[name]
        found += [
            f"{section}: {_shown(name)}: {key} was {_shown(old.get(key, 'absent'))},"
            f" is {_shown(new.get(key, 'absent'))}"
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
        ]
    return found


def _shown(text: str) -> str:
    """Return the text for people: file names need not be UTF-8, definitions are long."""
    plain = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return plain if len(plain) <= 300 else plain[:297] + "..."


def files(
    server: Server, roots: Sequence[str], *, without: Sequence[str] = ()
) -> dict[str, dict[str, str]]:
    """Return every file, directory and link below the roots, as it lies there.

    Names are decoded with `surrogateescape`, so that each is told apart from every other.
    """
    command = ("bash", "-c", _LIST, "list", *without, "--", *roots)
    told = server.run(command, timeout=_TIMEOUT).stdout
    listed, _, hashed = told.decode(errors="surrogateescape").partition("contents\0")
    words = listed.split("\0")[:-1]
    width = len(_FIELDS) + 1
    found = {}
    for start in range(0, len(words), width):
        facts = dict(zip(_FIELDS, words[start : start + width - 1], strict=True))
        found[words[start + width - 1]] = _meaningful(facts)
    for line in hashed.split("\0")[:-1]:
        checksum, name = line.split("  ", 1)
        found[name]["sha256"] = checksum
    return found


def _meaningful(facts: dict[str, str]) -> dict[str, str]:
    """Drop what the file system makes up: a directory's links, a link's mode."""
    dropped = {"d": ("links", "target"), "l": ("links", "mode")}.get(facts["type"], ("target",))
    return {key: value for key, value in facts.items() if key not in dropped}


def _without_times(found: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the same without times: packages give the machine's own directories new ones."""
    return {
        name: {key: value for key, value in facts.items() if key != "modified"}
        for name, facts in found.items()
    }


def _certificates(server: Server) -> dict[str, dict[str, str]]:
    found = {}
    for path in sorted(files(server, ("/etc/ssl/sites",))):
        if path.endswith("/fullchain.pem"):
            certificate = x509.load_pem_x509_certificate(server.get(path))
            found[path] = {
                "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
                "subject": certificate.subject.rfc4514_string(),
                "expires": certificate.not_valid_after_utc.isoformat(),
            }
    return found


def _users(server: Server) -> dict[str, dict[str, str]]:
    """Return the people's and sites' accounts (numbers from 1000) with their groups."""
    script = (
        "getent passwd | while IFS=: read -r name _ uid gid _ home shell; do "
        '[ "$uid" -ge 1000 ] && [ "$uid" -lt 60000 ] && '
        'echo "$name:$uid:$gid:$home:$shell:$(id -Gn "$name")"; done; true'
    )
    lines = server.run(("bash", "-c", script), timeout=_TIMEOUT).stdout.decode().splitlines()
    keys = ("uid", "gid", "home", "shell", "groups")
    return {
        name: dict(zip(keys, rest, strict=True))
        for name, *rest in (line.split(":") for line in lines)
    }


def _enabled_units(server: Server) -> dict[str, dict[str, str]]:
    command = ("systemctl", "list-unit-files", "--state=enabled", "--no-legend", "--no-pager")
    told = server.run(command, timeout=_TIMEOUT).stdout.decode()
    return {line.split()[0]: {"state": "enabled"} for line in told.splitlines() if line.strip()}


def _timers(server: Server) -> dict[str, dict[str, str]]:
    """Return the timers that wait for their time: one may be enabled and yet stand still."""
    command = ("systemctl", "list-units", "--type=timer", "--plain", "--no-legend", "--no-pager")
    told = server.run(command, timeout=_TIMEOUT).stdout.decode()
    return {line.split()[0]: {"state": line.split()[2]} for line in told.splitlines()}
