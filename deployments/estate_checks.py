"""Check what the entries of an estate say of each other. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from deployments.estate import Estate, SiteEntry
from deployments.estate_alerts import check_alerts
from deployments.estate_clients import check_clients
from deployments.estate_domains import domains
from deployments.estate_floating import check_floating
from deployments.estate_mistakes import Finding, did_you_mean
from deployments.estate_people import people
from deployments.estate_server import ServerEntry
from deployments.estate_storage import check_storage

NAMED = (
    "providers", "repositories", "archives", "zones", "notifiers", "witnesses", "alerts",
    "servers", "sites", "clients",
)  # fmt: skip

_HOST_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/]+=*( .*)?")

Place = tuple[str | int, ...]
Names = Mapping[str, Sequence[str]]
"""All names of each section, of broken entries too: one mistake shall not look like two."""


def check(estate: Estate, names: Names, zones: Sequence[str]) -> Iterator[Finding]:
    """Yield everything that is wrong between entries that are right by themselves.

    Args:
        estate: The entries that are right by themselves.
        names: See `Names`.
        zones: The domain of each zone, of broken entries too.
    """
    yield from _unknown_in_servers(estate, names)
    yield from _unknown_in_sites(estate, names)
    yield from _domains(estate, zones)
    yield from _roots(estate)
    for index, site in enumerate(estate.sites):
        yield from _smoke(index, site)
        yield from _databases(index, site, estate)
    yield from _servers(estate)
    yield from domains(estate)
    yield from people(estate)
    yield from check_clients(estate, names)
    yield from check_storage(estate)
    yield from check_alerts(estate)
    yield from check_floating(estate)


def covering_zone(zones: Iterable[str], domain: str) -> str:
    """Return the zone that holds a domain, "" if there is none."""
    holding = [zone for zone in zones if domain == zone or domain.endswith(f".{zone}")]
    return max(holding, key=len, default="")


def names_twice(names: Names) -> Iterator[Finding]:
    """Yield the names that two entries of one section share."""
    for section in NAMED:
        known = names[section]
        for index, name in enumerate(known):
            if name and name in known[:index]:
                text = f"{section}: the name '{name}' is given twice"
                yield Finding((section, index, "name"), text, "give one of them another name")


def _unknown_in_servers(estate: Estate, names: Names) -> Iterator[Finding]:
    for index, server in enumerate(estate.servers):
        path: Place = ("servers", index)
        what = f"server '{server.name}'"
        yield from _unknown(server.repository, "repositories", names, (*path, "repository"), what)
        yield from _copies(path, "repositories", "copies", server.repository, server, names)
        if server.archive:
            yield from _unknown(server.archive, "archives", names, (*path, "archive"), what)
        yield from _copies(path, "archives", "archive_copies", server.archive, server, names)
        for position, target in enumerate(server.targets):
            place = (*path, "targets", position, "provider")
            yield from _unknown(target.provider, "providers", names, place, what)
        for key in ("origin", "floating"):
            if entry := getattr(server, key):
                place = (*path, key, "provider")
                yield from _unknown(entry.provider, "providers", names, place, what)
        for position, notifier in enumerate(server.notifiers or ()):
            place = (*path, "notifiers", position)
            yield from _unknown(notifier, "notifiers", names, place, what)


def _copies(
    path: Place, section: str, key: str, first: str | None, server: ServerEntry, names: Names
) -> Iterator[Finding]:
    """Yield what is wrong with the names of a server's copies, of its backups or its archive."""
    what, copies = f"server '{server.name}'", getattr(server, key)
    if copies and not first:
        text = f"{what}: copies of an archive, and no archive"
        yield Finding((*path, key), text, f"name the first one: archive: {copies[0]}")
        return
    for position, copy in enumerate(copies):
        place: Place = (*path, key, position)
        yield from _unknown(copy, section, names, place, what)
        if copy in (first, *copies[:position]):
            text = f"{what}: '{copy}' is named twice"
            yield Finding(place, text, "a copy wants a place of its own")


def _unknown_in_sites(estate: Estate, names: Names) -> Iterator[Finding]:
    for index, site in enumerate(estate.sites):
        path = ("sites", index, "server")
        yield from _unknown(site.server, "servers", names, path, f"site '{site.name}'")


def _unknown(name: str, section: str, names: Names, path: Place, what: str) -> Iterator[Finding]:
    if name not in names[section]:
        kind = {"repositories": "repository"}.get(section, section.removesuffix("s"))
        hint = did_you_mean(name, [known for known in names[section] if known])
        yield Finding(path, f"{what}: unknown {kind} '{name}'", hint)


def _domains(estate: Estate, zones: Sequence[str]) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for index, site in enumerate(estate.sites):
        for position, domain in enumerate(site.domains):
            path = ("sites", index, "domains", position)
            if domain in owner:
                text = (
                    f"site '{site.name}': domain {domain} belongs to site '{owner[domain]}' already"
                )
                yield Finding(path, text, "keep it at one of them")
            elif not covering_zone(zones, domain):
                text = f"site '{site.name}': no zone covers the domain {domain}"
                yield Finding(path, text, f"add the zone that holds {domain} to zones")
            owner.setdefault(domain, site.name)


def _roots(estate: Estate) -> Iterator[Finding]:
    roots = [
        (("sites", index, "roots", position), site, PurePosixPath(root))
        for index, site in enumerate(estate.sites)
        for position, root in enumerate(site.roots)
    ]
    for (_, site, root), (path, other, inner) in combinations(roots, 2):
        if site.server == other.server and (
            root.is_relative_to(inner) or inner.is_relative_to(root)
        ):
            text = f"site '{other.name}': root {inner} overlaps {root} of site '{site.name}'"
            yield Finding(
                path, text, "files belong to one site: name folders that lie side by side"
            )


def _smoke(index: int, site: SiteEntry) -> Iterator[Finding]:
    for position, page in enumerate(site.smoke):
        host = urlsplit(page.url).hostname
        if host not in site.domains:
            path = ("sites", index, "smoke", position, "url")
            text = f"site '{site.name}': smoke check asks {host}, which is none of its domains"
            yield Finding(path, text, did_you_mean(host or "", site.domains))
    login = urlsplit(site.login.url).hostname if site.login else site.domains[0]
    if login not in site.domains:
        text = f"site '{site.name}': the login page is at {login}, which is none of its domains"
        yield Finding(
            ("sites", index, "login", "url"), text, did_you_mean(login or "", site.domains)
        )
    if site.databases and not any(page.needs_database for page in site.smoke):
        text = f"site '{site.name}': no smoke check shows that its database answers"
        hint = "add a page that reads the database, with needs_database: true"
        yield Finding(("sites", index, "smoke"), text, hint, warning=True)


def _databases(index: int, site: SiteEntry, estate: Estate) -> Iterator[Finding]:
    path = ("sites", index)
    if site.freshness and site.freshness.database not in site.databases:
        text = (
            f"site '{site.name}': freshness asks database '{site.freshness.database}', not its own"
        )
        hint = did_you_mean(site.freshness.database, site.databases)
        if not site.databases:
            hint = "add it to databases, or remove freshness"
        yield Finding((*path, "freshness", "database"), text, hint)
    servers = {server.name: server for server in estate.servers}
    if site.databases and site.server in servers and servers[site.server].database is None:
        text = f"site '{site.name}': has databases, but server '{site.server}' has no database"
        yield Finding((*path, "databases"), text, f"give server '{site.server}' its database")


def _servers(estate: Estate) -> Iterator[Finding]:
    with_sites = {site.server for site in estate.sites}
    for index, server in enumerate(estate.servers):
        path: Place = ("servers", index)
        if server.name not in with_sites:
            text = f"server '{server.name}': no site is on it"
            yield Finding(path, text, "only its configuration is backed up", warning=True)
        yield from _host_key(path, server)


def _host_key(path: Place, server: ServerEntry) -> Iterator[Finding]:
    if not _HOST_KEY.fullmatch(str(getattr(server.ssh, "host_key", ""))):
        text = f"server '{server.name}': host_key is not a public host key"
        hint = f"on {server.name} type: cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub"
        yield Finding((*path, "ssh", "host_key"), text, hint)
