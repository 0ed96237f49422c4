"""Ask one thing of the estate file who we are there and what we may do; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from blocks.archives.base import Archive
from blocks.client_mail.base import ClientMail
from blocks.databases.base import Database
from blocks.dns.base import DnsZone
from blocks.errors import ContinuityError
from blocks.monitors.base import AlertSource, Probe
from blocks.notify.base import Notifier
from blocks.repositories.base import Repository
from blocks.repositories.catalogue import Catalogue, Listing
from blocks.servers.base import Server
from blocks.status_pages.base import StatusPage
from blocks.types import Access, KeyRole, SelfTest, SmokeCheck
from blocks.vps.base import VpsProvider
from flows.decisions.doctor import (
    Diagnosis,
    SetsSeen,
    Thing,
    judge_archive,
    judge_login,
    judge_look,
    judge_repository,
    judge_zone,
    judged,
    untried,
)
from flows.decisions.doctor_machines import Use, UseSeen, judge_provider
from flows.decisions.machine_needs import needs_for
from flows.decisions.readiness import newest
from flows.reports.wording import counted
from flows.tasks.harmless import answer_of, keys_of, room_at
from flows.tasks.immutability import archive_test_of, self_test_of
from flows.tasks.incident import now

Sets = Mapping[tuple[str, str], Listing | ContinuityError]
"""By repository and server the sets that are there, or why they could not be read."""

_LOGIN = timedelta(seconds=15)
_RECENT = timedelta(days=1)
_LARGEST_PIECE = 1024 * 1024


def listing_of(make: Callable[[], Repository], server: str) -> Listing:
    """Read a server's sets; the repository's password must open them."""
    return Catalogue(make()).list(server)


def look_at_provider(
    thing: Thing,
    make: Callable[[], VpsProvider],
    uses: Sequence[Use],
    addresses: Sequence[str],
    repositories: Mapping[str, Sequence[str]],
    sets: Sets,
) -> Diagnosis:
    """Ask a provider who we are, and what it would give each server that names it.

    Args:
        thing: The provider.
        make: Makes its block.
        uses: The targets that name it.
        addresses: Floating addresses of servers that are said to be its own.
        repositories: By server the names of its repositories.
        sets: What these hold.
    """
    provider = make()
    access = provider.access()
    seen: list[UseSeen | tuple[Use, ContinuityError]] = []
    for use in uses:
        held = [sets[name, use.server] for name in repositories.get(use.server, ())]
        found = answer_of(partial(_use, provider, use, held))
        seen.append((use, found) if isinstance(found, ContinuityError) else found)
    holders = {each: answer_of(partial(provider.address_holder, each)) for each in addresses}
    lost = {
        address: holder if isinstance(holder, ContinuityError) else None
        for address, holder in holders.items()
    }
    return judge_provider(thing, access, seen, lost)


def _use(provider: VpsProvider, use: Use, held: Sequence[Listing | ContinuityError]) -> UseSeen:
    listings = [each for each in held if isinstance(each, Listing)]
    lost = [each.cause for each in held if isinstance(each, ContinuityError)]
    made = newest(each for listing in listings for each in listing.sets)
    target, needs = use.target, needs_for(use.target.needs, made)
    tried = provider.candidates(target.size, target.region, needs)
    # The list is long at some providers: it is read again only to say why nothing serves.
    offered = () if tried else tuple(each.name for each in provider.sizes(target.region))
    room, unread = room_at(provider, target), lost[0] if lost else ""
    return UseSeen(use, offered, tried, room, made, unread)


def look_at_repository(
    thing: Thing,
    make: Callable[[], Repository],
    servers: Sequence[str],
    sets: Sets,
) -> Diagnosis:
    """Log in with each key, open the servers' sets, and read what the last self-test found."""
    repository = make()
    keys = keys_of(repository)
    test = answer_of(partial(self_test_of, repository))
    opened = {name: _sets(sets[thing.name, name]) for name in servers}
    kept = None if isinstance(test, ContinuityError) else test
    return judge_repository(thing, keys, opened, kept, now())


def _sets(listing: Listing | ContinuityError) -> SetsSeen | ContinuityError:
    if isinstance(listing, ContinuityError):
        return listing
    return SetsSeen(len(listing.sets), tuple(why for _, why in listing.refused))


@dataclass(frozen=True, slots=True)
class ArchiveUse:
    """A server that ships to an archive, and the repository that keeps the archive's self-test."""

    server: str
    repository: Callable[[], Repository]


def look_at_archive(
    thing: Thing,
    make: Callable[[], Archive],
    uses: Sequence[ArchiveUse],
    _sets: Sets,
) -> Diagnosis:
    """Log in with each key, open a small piece with the identity, and read the last self-test."""
    archive = make()
    roles = [role for role in KeyRole if role is not KeyRole.PRUNE or archive.retains()]
    keys = {role: answer_of(partial(archive.check_key, role)) for role in roles}
    opened = answer_of(partial(_opened, archive, [each.server for each in uses]))
    return judge_archive(thing, keys, opened, _kept_test(archive, uses), now())


def _kept_test(archive: Archive, uses: Sequence[ArchiveUse]) -> SelfTest | None:
    """Return the newest self-test of an archive, None if there is none that can be read."""
    for use in uses:
        repository = use.repository()
        test = answer_of(partial(archive_test_of, archive, repository))
        if test and not isinstance(test, ContinuityError):
            return test
    return None


def _opened(archive: Archive, servers: Sequence[str]) -> str:
    """Open the smallest of the newest pieces; return its key, "" if there is none to open."""
    for server in servers:
        archive.destination(server)  # its identity must be one
        pieces = archive.listing(server, now() - _RECENT).logs
        small = min(pieces, key=lambda each: each.size, default=None)
        if small and small.size <= _LARGEST_PIECE:
            for _ in archive.read(small):
                pass
            return small.key
    return ""


def look_at_zone(
    thing: Thing, make: Callable[[], DnsZone], domains: Collection[str], _sets: Sets
) -> Diagnosis:
    """Rehearse a change of the sites' names, or of all that the zone has if no site has one."""
    zone = make()
    held = {record.name for record in zone.read()}
    names = held & set(domains) or held
    return judge_zone(thing, zone.rehearse(names), len(names))


def look_at_notifier(thing: Thing, make: Callable[[], Notifier], _sets: Sets) -> Diagnosis:
    """Log in without a word to anybody."""
    hint = "le premier message le montrera : continuity drill SERVEUR"
    return judged(thing, make().access(), hint=hint)


def look_from(
    thing: Thing, make: Callable[[], Probe], page: SmokeCheck | None, _sets: Sets
) -> Diagnosis:
    """See a declared page as a visitor does."""
    probe = make()
    if page is None:
        return untried(thing, "aucun site déclaré, donc aucune page à voir", "sites: un site")
    return judge_look(thing, probe.check_through_dns(page))


def look_at_monitor(thing: Thing, make: Callable[[], AlertSource], _sets: Sets) -> Diagnosis:
    """Ask a monitor elsewhere whose token it is, and what it watches; only with a token."""
    monitor = make()
    if not monitor.can_be_asked:
        why = "non essayé, parce que c'est lui qui appelle : sans token, rien à interroger"
        return untried(thing, why, "docs/alertes.md : lui donner un token qui ne fait que lire")
    access = monitor.whoami()
    may = (*access.may, f"voir {counted(len(monitor.states()), 'moniteur')}")
    seen = Access(access.who, may, access.missing, access.unseen)
    return judged(thing, seen, hint="docs/alertes.md : un token qui ne fait que lire")


def look_at_heartbeat(thing: Thing, make: Callable[[], object], _sets: Sets) -> Diagnosis:
    """Call nothing: there is no call that is not a signal."""
    make()
    why = "non essayé, parce que tout appel est un signal : il ferait croire le travail fait"
    return untried(thing, why, "voir chez le veilleur l'heure du dernier signal reçu")


def look_at_server(thing: Thing, make: Callable[[], Server], _sets: Sets) -> Diagnosis:
    """Log in with the pinned host key and ask who we are there."""
    server = make()
    said = server.run(("id",), timeout=_LOGIN).stdout.decode(errors="replace")
    return judge_login(thing, said, server.address)


def look_at_database(
    thing: Thing, make: Callable[[], Database], server: Callable[[], Server], _sets: Sets
) -> Diagnosis:
    """Log in with the backup's account and read its rights."""
    seen = make().access(server())
    return judged(thing, seen, hint=f"sur {thing.name}, en root : mariadb -e '{_grants(seen)}'")


def _grants(seen: Access) -> str:
    user, _, host = seen.who.partition("@")
    return "; ".join(f"{each} TO {user}@{host}" for each in seen.missing)


def look_at_client_mail(thing: Thing, make: Callable[[], ClientMail], _sets: Sets) -> Diagnosis:
    """Log in at the relay and name the sender; no mail goes out."""
    may = ("se connecter", "présenter l'expéditeur")
    return judged(thing, Access(make().check(), may), hint="")


def look_at_status_page(thing: Thing, make: Callable[[], StatusPage], _sets: Sets) -> Diagnosis:
    """Rehearse a change of the page."""
    return judged(thing, Access(make().check(), ("lire", "publier (à blanc)")), hint="")
