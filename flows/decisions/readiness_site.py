"""Decide whether a site's names, pages and certificates are ready for a recovery."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from blocks.types import AddressRecord, SmokeResult
from flows.decisions.readiness import Check, State
from flows.decisions.readiness_records import NamesView
from flows.decisions.recovery_plan import SiteSpec, ZoneView
from flows.reports.wording import counted, duration

TTL_LIMIT = timedelta(minutes=5)
"""Visitors may be led to a lost server for so long after its records were changed."""
CERTIFICATE_WARNING, CERTIFICATE_LIMIT = timedelta(days=21), timedelta(days=7)
"""Renewals begin a month before the end: what is nearer than this was not renewed."""


def judge_names(
    site: SiteSpec, zones: NamesView, address: str, moved: Collection[str] = ()
) -> list[Check]:
    """Say whether every name of a site can be led elsewhere, and how soon visitors follow.

    Args:
        site: Whose names.
        zones: The zones that were declared; one that could not be read makes its names unknown.
        address: Where the server is now.
        moved: All names that a recovery leads elsewhere, of this site and its neighbours.
    """
    views, moved = zones.views, {*moved, *site.domains}
    held: dict[tuple[str, str], AddressRecord] = {
        (record.name, record.type): record for view in views for record in view.records
    }
    unread = [view for view in views if view.refused]
    aliases = [domain for domain in site.domains if zones.other(domain, "CNAME")]
    names = [
        _alias(site, domain, zones, address, moved)
        if domain in aliases
        else _name(site, domain, held, unread, address)
        for domain in site.domains
    ]
    slow = [
        f"{record.name} : {record.ttl} s"
        for (name, _), record in sorted(held.items())
        if name in site.domains and record.ttl > TTL_LIMIT.total_seconds()
    ]
    limit = int(TTL_LIMIT.total_seconds())
    unseen_names = [
        domain for domain in site.domains if (domain, "A") not in held and domain not in aliases
    ]
    if unseen_names:
        seen = f"pas d'enregistrement lu : {', '.join(unseen_names)}"
        ttl = Check("durée DNS", State.UNKNOWN, seen, "voir les lignes DNS", site.name)
    elif slow:
        ttl = Check(
            "durée DNS", State.WARNING, ", ".join(slow), f"ramener le TTL à {limit} s", site.name
        )
    else:
        ttl = Check("durée DNS", State.READY, f"au plus {limit} s", site=site.name)
    return [*names, ttl]


def _alias(
    site: SiteSpec, domain: str, zones: NamesView, address: str, moved: Collection[str]
) -> Check:
    """Judge a name that follows another one: a recovery changes addresses only."""
    about, chain = f"DNS {domain}", [domain]
    while (link := zones.other(chain[-1], "CNAME")) and link.values[0] not in chain:
        chain.append(link.values[0])
    end, seen = chain[-1], f"suit {chain[-1]} (CNAME)"
    led = [record for record in zones.addresses(end) if record.type == "A"]
    hint = "remplacer le CNAME par un enregistrement A"
    if not led:
        return Check(about, State.FAILED, f"{seen}, hors de nos zones", hint, site.name)
    if address not in led[0].values:
        there = f"{seen}, qui mène à {', '.join(led[0].values)}, pas à {address}"
        return Check(about, State.FAILED, there, hint, site.name)
    if end not in moved:
        left = f"{seen}, qu'aucun site ne déclare : la reprise ne le changera pas"
        return Check(about, State.FAILED, left, f"`domains` : ajouter {end}", site.name)
    return Check(about, State.READY, f"{seen}, qui sera changé", site=site.name)


def _name(
    site: SiteSpec,
    domain: str,
    held: Mapping[tuple[str, str], AddressRecord],
    unread: Sequence[ZoneView],
    address: str,
) -> Check:
    about = f"DNS {domain}"
    record = held.get((domain, "A"))
    if record is None:
        refused = [v for v in unread if domain == v.zone or domain.endswith(f".{v.zone}")]
        if refused:
            return Check(
                about, State.UNKNOWN, refused[0].refused, "zones: clé ou droits", site.name
            )
        hint = "zones: déclarer sa zone, ou créer l'enregistrement"
        return Check(about, State.FAILED, "aucun enregistrement A", hint, site.name)
    if address not in record.values:
        seen = f"mène à {', '.join(record.values)}, pas à {address}"
        hint = "corriger le DNS, ou `address` dans le fichier du parc"
        return Check(about, State.FAILED, seen, hint, site.name)
    if six := held.get((domain, "AAAA")):
        seen = f"{address} et {', '.join(six.values)} : la reprise retirera l'IPv6"
        return Check(about, State.WARNING, seen, "", site.name)
    return Check(about, State.READY, address, site=site.name)


def judge_pages(site: SiteSpec, seen: Sequence[SmokeResult]) -> Check:
    """Say whether the pages answer today: what fails now would fail after a recovery too."""
    bad = [
        f"{urlsplit(each.check.url).path or '/'} : {each.observed}"
        for each in seen
        if not each.passed
    ]
    if bad:
        hint = "corriger le site, ou `smoke` dans le fichier du parc"
        return Check("pages", State.FAILED, " ; ".join(bad), hint, site.name)
    if not seen:
        hint = "`smoke` dans le fichier du parc"
        return Check("pages", State.UNKNOWN, "aucune page à contrôler", hint, site.name)
    return Check(
        "pages",
        State.READY,
        f"{counted(len(seen), 'page')} conforme{'s' if len(seen) > 1 else ''}",
        site=site.name,
    )


def judge_certificates(
    site: SiteSpec, seen: Sequence[SmokeResult], now: datetime
) -> tuple[Check, ...]:
    """Say how long the certificates of a site's pages last; nothing without pages over TLS."""
    secure = [each for each in seen if each.check.url.startswith("https:")]
    if not secure:
        return ()
    about, hint = "certificat", "sur le serveur : certbot renew --dry-run"
    dark = [each for each in secure if each.certificate_until is None]
    if dark:
        return (Check(about, State.UNKNOWN, f"pas vu : {dark[0].observed}", hint, site.name),)
    left = min(each.certificate_until - now for each in secure if each.certificate_until)
    said = f"encore {duration(left)}"
    if left < CERTIFICATE_LIMIT:
        return (Check(about, State.FAILED, said, hint, site.name),)
    if left < CERTIFICATE_WARNING:
        return (Check(about, State.WARNING, said, hint, site.name),)
    return (Check(about, State.READY, said, site=site.name),)
