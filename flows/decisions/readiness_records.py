"""Decide which records of our zones would still name the lost server after a recovery."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from blocks.types import AddressRecord, NamedRecord
from flows.decisions.readiness import Check, State
from flows.decisions.recovery_plan import SiteSpec, ZoneView

_SPF = re.compile(r"[+?~-]?(ip4|ip6|a|mx)(?::([^/]+(?:/\d+)?))?(?:/\d+)*", re.IGNORECASE)
BY_HAND = "à changer à la main lors d'une reprise, ou à déclarer dans `domains` d'un site"


@dataclass(frozen=True, slots=True)
class NamesView:
    """What the zones hold besides the addresses that a recovery changes.

    Attributes:
        views: The zones' addresses.
        others: Their CNAME, MX and TXT records.
        refused: Why the others of a zone could not be read, by zone.
    """

    views: tuple[ZoneView, ...]
    others: tuple[NamedRecord, ...]
    refused: Mapping[str, str]

    def addresses(self, name: str) -> tuple[AddressRecord, ...]:
        """Return a name's address records."""
        return tuple(r for view in self.views for r in view.records if r.name == name)

    def other(self, name: str, kind: str) -> NamedRecord | None:
        """Return a name's record of this type."""
        return next((r for r in self.others if (r.name, r.type) == (name, kind)), None)


def judge_records(seen: NamesView, sites: Sequence[SiteSpec], address: str) -> list[Check]:
    """Say what a recovery would leave behind: other names, mail, and who may send it.

    Args:
        seen: The zones.
        sites: All sites of the server: the addresses of their domains are what a recovery moves.
        address: Where the server is now.
    """
    ours = {domain for site in sites for domain in site.domains}
    old = _old_addresses(seen, ours, address)
    return [
        _judged("autres noms", seen, _unclaimed(seen, ours, old), BY_HAND),
        _judged("courrier (MX)", seen, _mail(seen, ours, old), "déplacer le courrier ailleurs"),
        _judged(
            "expéditeurs (SPF)",
            seen,
            _senders(seen, ours, old),
            "à la reprise : mettre la nouvelle adresse dans ces enregistrements TXT",
        ),
    ]


def _judged(about: str, seen: NamesView, stale: Iterable[str], hint: str) -> Check:
    found = list(stale)
    dark = [f"zone {zone} illisible : {why}" for zone, why in seen.refused.items()]
    dark += [f"zone {each.zone} illisible" for each in seen.views if each.refused]
    if dark:
        return Check(about, State.UNKNOWN, " ; ".join([*dark, *found]), "zones: clé ou droits")
    if found:
        return Check(about, State.WARNING, " ; ".join(found), hint)
    return Check(about, State.READY, "aucun ne mène au serveur")


def _old_addresses(seen: NamesView, ours: Collection[str], address: str) -> set[str]:
    """Return the server's addresses: the declared one, and the IPv6 beside it."""
    beside = {
        value
        for name in ours
        for records in (seen.addresses(name),)
        if any(address in record.values for record in records)
        for record in records
        if record.type == "AAAA"
        for value in record.values
    }
    return {address, *beside}


def _unclaimed(seen: NamesView, ours: Collection[str], old: set[str]) -> Iterable[str]:
    for view in seen.views:
        for record in view.records:
            if record.name not in ours and (held := old & set(record.values)):
                yield f"{record.name} {record.type} → {', '.join(sorted(held))}"


def _mail(seen: NamesView, ours: Collection[str], old: set[str]) -> Iterable[str]:
    for record in seen.others:
        for target in record.values if record.type == "MX" else ():
            if not any(old & set(each.values) for each in seen.addresses(target)):
                continue
            fate = (
                "suivrait le site vers une machine sans boîtes aux lettres"
                if target in ours
                else "irait toujours au serveur perdu"
            )
            yield f"le courrier de {record.name} (MX {target}) {fate}"


def _senders(seen: NamesView, ours: Collection[str], old: set[str]) -> Iterable[str]:
    for record in seen.others:
        for text in record.values if record.type == "TXT" else ():
            words = text.split()
            if words[:1] and words[0].lower() == "v=spf1":
                stale = [
                    word for word in words[1:] if _is_stale(word, record.name, seen, ours, old)
                ]
                if stale:
                    yield f"le SPF de {record.name} nomme le serveur : {' '.join(stale)}"


def _is_stale(word: str, name: str, seen: NamesView, ours: Collection[str], old: set[str]) -> bool:
    """Return whether a mechanism means the old address and no recovery would change that."""
    match = _SPF.fullmatch(word)
    if match is None:
        return False
    kind, of = match[1].lower(), match[2] or name
    if kind in ("ip4", "ip6"):
        return any(_within(address, of) for address in old)
    mail = seen.other(of, "MX")
    names = (of,) if kind == "a" else mail.values if mail else ()
    return any(
        old & set(record.values)
        for each in names
        if each not in ours
        for record in seen.addresses(each)
    )


def _within(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False
