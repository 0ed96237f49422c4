"""Put a restored configuration tree in force, leaving the machine's own alone."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import timedelta

from blocks.errors import ConfigurationError, NotFound
from blocks.servers.accounts import (
    Books,
    Command,
    group_numbers,
    plan_hashes,
    plan_memberships,
    renumbered,
)
from blocks.servers.base import Server
from blocks.servers.facts import parse_numbers
from blocks.servers.packages import installed
from blocks.types import Overlay

_SHORT = timedelta(seconds=60)
_COPY = timedelta(minutes=10)

LEFT_ALONE: dict[str, tuple[str, ...]] = {
    "its disks and boot": (
        *("/boot", "/etc/fstab", "/etc/crypttab", "/etc/mtab", "/etc/default/grub*", "/etc/grub.d"),
        *("/etc/kernel", "/etc/initramfs-tools", "/etc/modules", "/etc/modules-load.d"),
        *("/etc/modprobe.d", "/etc/udev", "/etc/lvm", "/etc/mdadm", "/etc/adjtime"),
    ),
    "its name and network": (
        *("/etc/hostname", "/etc/hosts", "/etc/machine-id", "/etc/resolv.conf", "/etc/network"),
        *("/etc/netplan", "/etc/systemd/network", "/etc/systemd/resolved.conf*", "/etc/cloud"),
        "/etc/mailname",
    ),
    "who may log in as root, and how": ("/etc/ssh", "/root/.ssh"),
    "where its packages come from": ("/etc/apt",),
    "accounts, which are merged": (
        *("/etc/passwd*", "/etc/group*", "/etc/shadow*", "/etc/gshadow*"),
        *("/etc/subuid*", "/etc/subgid*", "/etc/.pwd.lock"),
    ),
    "made by installing packages": (
        *("/etc/alternatives", "/etc/ld.so.cache", "/etc/rc?.d", "/var/lib/dpkg", "/var/lib/apt"),
        "/var/cache",
    ),
    "which services start, decided by `start_services`": (
        *("/etc/systemd/system/*.target.wants/*.service", "/etc/systemd/system/*.target.requires"),
        "/etc/systemd/system/*.requires",
    ),
    "data and state, which come back in other ways": ("/var/lib/mysql", "/var/lib/continuity"),
    "what lives in memory": ("/proc", "/sys", "/dev", "/run", "/tmp"),  # noqa: S108
}
"""What is not taken from the lost server, by reason; rsync patterns from the root."""

MIRRORED = {
    "etc/nginx": "nginx.conf",
    "etc/apache2": "apache2.conf",
    "etc/php/*/fpm": "php-fpm.conf",
}
"""Directories of which files that the lost server did not have are deleted (a package's default
site would answer in its place), if they hold this file: only then were they kept whole."""

OF_SITES = {
    "etc/nginx": ("sites-enabled", "conf.d"),
    "etc/apache2": ("sites-enabled", "conf-enabled"),
    "etc/php/*/fpm": ("pool.d",),
}
"""What is mirrored of these directories where the rest belongs to another release."""

_FOLDERS = """
for path in {top}/{path}; do [ ! -e "$path" ] || for part in {parts}; do
  [ ! -d "${{path%/*}}/$part" ] || echo "${{path%/*}}/$part"
done; done
"""
# A tree that was restored again holds the old name again; files that name their directory follow.
_RENAME = """
set -euo pipefail
cd "$1"
while IFS=$'\\t' read -r old new; do
  [ -d ".$old" ] || continue
  rm -rf ".$new"; mv -T ".$old" ".$new"
  { grep -rlIZF "$old/" ".$new" || true; } | xargs -0r sed -i "s,$old/,$new/,g"
done
"""
_APPLY = """
set -euo pipefail
cd "$1"; shift
# From standard input: there may be more of them than a command line holds.
cat >/run/continuity-kept
shopt -s nullglob dotglob
roots=(*)
[ ${#roots[@]} -gt 0 ] || exit 0
# A unit masked on the lost server may have been masked by fencing it.
find . -lname /dev/null -path './etc/systemd/system/*' -printf '- /%P\\n' >/run/continuity-masked
trap 'rm -f /run/continuity-masked /run/continuity-kept' EXIT
rsync --exclude-from=/run/continuity-masked --exclude-from=/run/continuity-kept "$@" \\
  -- "${roots[@]}" /
"""


def apply(server: Server, staging: str, overlay: Overlay | None) -> tuple[str, ...]:
    """Do what `Server.apply_configuration` promises."""
    _require(server, staging)
    if overlay is not None:
        _rename(server, staging, overlay)
    lost = _books(server, staging)
    here = _books(server, "")
    _run_all(server, plan_memberships(lost, here))
    _set_hashes(server, plan_hashes(lost, here))
    kept = overlay.kept if overlay else ()
    changed = _copy(server, staging, lost, _books(server, ""), kept)
    for folder in _mirrored(server, staging, whole=overlay is None):
        changed |= _mirror(server, staging, folder)
    if changed:
        server.run(("systemctl", "daemon-reload"), timeout=_SHORT)
    return tuple(sorted(changed))


def parse_itemized(text: str) -> set[str]:
    """Return the absolute paths that rsync's `--out-format='%i %n'` says were changed."""
    changed = set()
    for line in text.splitlines():
        flags, _, name = line.partition(" ")
        deleted, made = flags.startswith("*deleting"), flags[:1] in ("<", ">", "c", "h")
        attributes_of_folder = flags[1:2] == "d" and flags[:1] != "c"
        if name and (deleted or (made and not attributes_of_folder)):
            changed.add("/" + name.strip().rstrip("/") if deleted else "/" + name.rstrip("/"))
    return changed


def _require(server: Server, staging: str) -> None:
    if not staging.startswith("/") or staging.rstrip("/") == "":
        raise ConfigurationError(
            f"staging directory {staging!r}",
            "is not an absolute path below /",
            "restore the configuration under its own directory",
        )
    found = server.run(("test", "-d", staging), timeout=_SHORT, accept=(0, 1))
    if found.status:
        raise NotFound(
            f"staging directory {staging}",
            "does not exist on the server",
            "restore the snapshot of the configuration there first",
        )
    if not installed(server, ("rsync",)):
        server.install_packages(("rsync",), timeout=timedelta(minutes=5))


def _books(server: Server, root: str) -> Books:
    return Books(*(_text(server, f"{root}/etc/{name}") for name in ("passwd", "group", "shadow")))


def _text(server: Server, path: str) -> str:
    try:
        return server.get(path).decode()
    except NotFound:
        return ""


def _run_all(server: Server, commands: Iterable[Command]) -> None:
    script = "\n".join(shlex.join(command) for command in commands)
    if script:
        server.run(("sh", "-e", "-c", script), timeout=_SHORT)


def _set_hashes(server: Server, lines: str) -> None:
    if lines:
        server.run(("chpasswd", "--encrypted"), timeout=_SHORT, stdin=lines.encode())


def _rename(server: Server, staging: str, overlay: Overlay) -> None:
    lines = "".join(f"{old}\t{new}\n" for old, new in overlay.renamed)
    words = ("bash", "-c", _RENAME, "rename-directories", staging)
    server.run(words, timeout=_SHORT, stdin=lines.encode())


def _copy(server: Server, staging: str, lost: Books, here: Books, kept: Sequence[str]) -> set[str]:
    patterns = [*(pattern for group in LEFT_ALONE.values() for pattern in group), *kept]
    users = renumbered(parse_numbers(lost.passwd), parse_numbers(here.passwd))
    groups = renumbered(group_numbers(lost.group), group_numbers(here.group))
    words = (
        *("--archive", "--hard-links", "--acls", "--xattrs", "--numeric-ids", "--checksum"),
        *("--keep-dirlinks", "--out-format=%i %n"),
        *((f"--usermap={users}",) if users else ()),
        *((f"--groupmap={groups}",) if groups else ()),
    )
    result = server.run(
        ("bash", "-c", _APPLY, "copy-configuration", staging, *words),
        timeout=_COPY,
        stdin="".join(f"- {pattern}\n" for pattern in patterns).encode(),
    )
    return parse_itemized(result.stdout.decode(errors="surrogateescape"))


def _mirrored(server: Server, staging: str, *, whole: bool) -> tuple[str, ...]:
    """Return the directories to mirror: whole ones, or those of sites in them."""
    script = "\n".join(
        _FOLDERS.format(
            top=shlex.quote(staging),
            path=f"{folder}/{proof}",
            parts="''" if whole else " ".join(OF_SITES[folder]),
        )
        for folder, proof in MIRRORED.items()
    )
    said = server.run(("sh", "-c", script, "mirrored"), timeout=_SHORT).stdout.decode()
    top = staging.rstrip("/") + "/"
    return tuple(line.removeprefix(top).rstrip("/") for line in said.splitlines())


def _mirror(server: Server, staging: str, folder: str) -> set[str]:
    words = (
        *("rsync", "--recursive", "--links", "--existing", "--ignore-existing", "--delete"),
        *("--out-format=%i %n", "--", f"{staging}/{folder}/", f"/{folder}/"),
    )
    said = server.run(words, timeout=_COPY).stdout.decode(errors="surrogateescape")
    return {f"/{folder}{path}" for path in parse_itemized(said)}
