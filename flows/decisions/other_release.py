"""Decide how a server comes back on another Debian release than the one it was lost on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from blocks.types import Overlay, ServerFacts

_VERSIONED = re.compile(r"([a-z][a-z0-9+.-]*?)(\d+\.\d+)((?:-[a-z0-9+.-]+)?)(?:t64)?")
_LANGUAGE = re.compile(r"(?:libapache2-mod-)?(php|python|ruby)")
_SERVER_VERSION = re.compile(r"-1\d\.\d+$")
"""Up to Debian 11 the name of MariaDB's packages ended in their series."""

_WILD = re.compile(r"([*?\[])")
PHP = {"11": "7.4", "12": "8.2", "13": "8.4"}
"""PHP of each Debian release, as long as no machine says it."""

OF_THE_RELEASE = (
    *("/etc/debian_version", "/etc/os-release", "/etc/issue*", "/etc/dpkg", "/etc/shells"),
    *("/etc/pam.d", "/etc/security", "/etc/nsswitch.conf", "/etc/login.defs", "/etc/profile"),
    *("/etc/ca-certificates*", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/init.d"),
    *("/etc/ld.so.conf*", "/etc/dbus-1", "/etc/apparmor*", "/etc/python3*", "/etc/perl"),
    *("/etc/php/*/*/conf.d", "/etc/php/*/mods-available", "/etc/mysql/debian*"),
)
"""Written by packages while they are installed: this release's own are the right ones."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What this machine has in the place of what the lost server had.

    Attributes:
        release: This machine's release if it is another one, "" if it is the same.
        packages: To install here.
        services: To start here.
        replaced: Old and new name of everything that goes by another one here.
        left_out: Packages that this release has under no name.
    """

    packages: tuple[str, ...]
    services: tuple[str, ...]
    release: str = ""
    replaced: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def versions(self) -> tuple[tuple[str, str, str], ...]:
        """Languages that have another version here: name, old and new version."""
        found = set()
        for names in self.replaced:
            old, new = map(_VERSIONED.fullmatch, names)
            language = _LANGUAGE.fullmatch(old[1]) if old and new else None
            if old and new and language:
                found.add((language[1], old[2], new[2]))
        return tuple(sorted(found))


def same_release(lost: ServerFacts, wanted: Sequence[str]) -> Exchange:
    """Take everything as it was."""
    return Exchange(tuple(wanted), lost.services)


def exchange(
    lost: ServerFacts, wanted: Sequence[str], release: str, offered: Collection[str]
) -> Exchange:
    """Find this release's own version of what the lost server had.

    Args:
        lost: The server as it was.
        wanted: Those of its packages that another machine should have.
        release: This machine's release.
        offered: Names of all packages that it can install.
    """
    newest = _newest(offered)
    names = {name: _successor(name, offered, newest) for name in (*wanted, *lost.services)}
    replaced = tuple((old, new) for old, new in sorted(names.items()) if new not in ("", old))
    return Exchange(
        packages=tuple(sorted({names[name] for name in wanted} - {""})),
        services=tuple(names[name] or name for name in lost.services),
        release=release,
        replaced=replaced,
        left_out=tuple(sorted(name for name in wanted if not names[name])),
    )


def overlay(lost: ServerFacts, exchanged: Exchange) -> Overlay | None:
    """Return how the old configuration is put over this release's, None for the same release.

    A file that nobody had changed since its package brought it stays this release's own. PHP's
    pools are taken as they were, changed or not: the web server knows their sockets.
    """
    if not exchanged.release:
        return None
    renamed = tuple(
        (f"/etc/{family}/{old}", f"/etc/{family}/{new}")
        for family, old, new in exchanged.versions
        if family == "php"
    )
    own = (
        _WILD.sub(r"\\\1", _renamed(path, renamed))
        for path in lost.untouched
        if "/pool.d/" not in path
    )
    return Overlay(renamed=renamed, kept=(*OF_THE_RELEASE, *own))


def expected(lost: ServerFacts, release: str) -> tuple[str, ...]:
    """Say in French what a machine of this release will change, before there is one."""
    if release in ("", lost.release):
        return ()
    matches = (_VERSIONED.fullmatch(name) for name in (*lost.packages, *lost.services))
    olds = sorted({match[2] for match in matches if match and match[1] == "php"})
    php = [f"PHP {old} → {PHP.get(release, 'celui du système')}" for old in olds]
    said = f"Debian {lost.release} → {release}"
    return (f"{said} : {', '.join(php)}, vérifier les sites" if php else said,)


def to_check(exchanged: Exchange) -> tuple[str, ...]:
    """Say in French what a person must look at after a change of release."""
    if not exchanged.release:
        return ()
    said = [
        f"{_TITLES.get(name, name)} {old} → {new} : vérifier les sites"
        for name, old, new in exchanged.versions
    ]
    if exchanged.left_out:
        said.append(
            f"absents de Debian {exchanged.release}, non installés : "
            f"{', '.join(exchanged.left_out)}"
        )
    return tuple(said)


_TITLES = {"php": "PHP", "python": "Python"}


def _successor(name: str, offered: Collection[str], newest: Mapping[tuple[str, ...], str]) -> str:
    """Return the name under which this release has a package (or its service), "" for none."""
    plain = _SERVER_VERSION.sub("", name)
    # Debian 13 renamed libraries when their time became 64 bits wide.
    for candidate in (name, plain, f"{name}t64"):
        if candidate in offered:
            return candidate
    match = _VERSIONED.fullmatch(name)
    return newest.get(_shape(match), "") if match else ""


def _newest(offered: Iterable[str]) -> dict[tuple[str, ...], str]:
    """Return the newest of the packages that differ in their version only."""
    found = [match for name in offered if (match := _VERSIONED.fullmatch(name))]
    return {_shape(match): match[0] for match in sorted(found, key=_version)}


def _shape(match: re.Match[str]) -> tuple[str, ...]:
    return match[1], match[3]


def _version(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in match[2].split("."))


def _renamed(path: str, renamed: Sequence[tuple[str, str]]) -> str:
    for old, new in renamed:
        if path.startswith(f"{old}/"):
            return new + path.removeprefix(old)
    return path
