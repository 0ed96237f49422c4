"""Turn an estate file into what the doctor looks at: each thing, by itself, used or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar, cast

from prefect.blocks.core import Block
from pydantic import ValidationError

from blocks.archives.base import Archive
from blocks.client_mail.base import ClientMail
from blocks.databases.base import Database
from blocks.dns.base import DnsZone
from blocks.errors import ConfigurationError
from blocks.monitors.base import AlertSource, Heartbeat, Probe
from blocks.notify.base import Notifier
from blocks.repositories.base import Repository
from blocks.servers.base import Server
from blocks.status_pages.base import StatusPage
from blocks.types import SmokeCheck
from blocks.vps.base import VpsProvider
from deployments.block_forms import BlockForm, NamedBlockForm
from deployments.estate import Estate
from deployments.estate_checks import covering_zone
from deployments.estate_server import ServerEntry, TargetEntry
from deployments.prices import read_prices
from deployments.target_prices import target_price
from deployments.world import CLIENT_MAIL, PROBE, STATUS_PAGE, heartbeat_forms
from flows.decisions.doctor import Costing, Thing
from flows.decisions.doctor_machines import Use
from flows.decisions.recovery_plan import TargetChoice
from flows.tasks import doctor_looks as looks
from flows.tasks.doctor import Catalogues, Subject
from flows.tasks.drill_limits import limits_in

Kind = TypeVar("Kind", bound=Block)


def subjects(estate: Estate) -> tuple[Subject, ...]:
    """Return everything that the doctor looks at, section by section as in the file."""
    return (
        *_providers(estate),
        *_repositories(estate),
        *_archives(estate),
        *_zones(estate),
        *_notifiers(estate),
        *_watchers(estate),
        *_servers(estate),
        *_for_clients(estate),
    )


def catalogues(estate: Estate) -> Catalogues:
    """Return how to read each server's sets in each of its repositories."""
    forms = {form.name: form for form in estate.repositories}
    return {
        (name, server.name): partial(looks.listing_of, maker(forms[name], Repository), server.name)
        for server in estate.servers
        for name in _repositories_of(server)
    }


def maker(form: BlockForm, kind: type[Kind], **more: object) -> Callable[[], Kind]:
    """Return what makes a form's block; it is made when it is looked at, with its secrets."""
    return partial(_made, form, kind, more)


def _made(form: BlockForm, kind: type[Kind], more: Mapping[str, Any]) -> Kind:
    """Make a block.

    Raises:
        ConfigurationError: A secret is missing, or the block refuses a value. It is not repeated.
    """
    try:
        made = cast("Kind", form.block(**more))
    except ValidationError as errors:
        first = errors.errors(include_input=False, include_url=False, include_context=False)[0]
        cause = f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
        # The original quotes the values.
        raise ConfigurationError(kind.__name__, cause, "continuity estate validate") from None
    # Blocks name themselves in their errors as they were loaded.
    made._block_document_name = getattr(form, "name", None)
    return made


def _providers(estate: Estate) -> Iterator[Subject]:
    kept = {server.name: _repositories_of(server) for server in estate.servers}
    for form in estate.providers:
        thing = Thing("providers", form.name)
        uses = [
            _use(estate, form, server, target)
            for server in estate.servers
            for target in server.targets
            if target.provider == form.name
        ]
        uses = uses or [Use("", TargetChoice(form.name, "", ""))]
        floating = [
            server.address
            for server in estate.servers
            if server.floating and server.floating.provider == form.name
        ]
        make = maker(form, VpsProvider)
        yield Subject(thing, partial(looks.look_at_provider, thing, make, uses, floating, kept))


def _use(estate: Estate, form: NamedBlockForm, server: ServerEntry, target: TargetEntry) -> Use:
    listed = target_price(form.reference, target, read_prices()[0])
    return Use(
        server.name,
        TargetChoice(form.name, target.size, target.region, needs=server.needs.value()),
        alone=len(server.targets) == 1,
        listed=listed.value() if listed else None,
        limits=limits_in(server.drill or estate.drill),
    )


def _repositories_of(server: ServerEntry) -> tuple[str, ...]:
    return (server.repository, *server.copies)


def _repositories(estate: Estate) -> Iterator[Subject]:
    for form in estate.repositories:
        thing = Thing("repositories", form.name)
        servers = [each.name for each in estate.servers if form.name in _repositories_of(each)]
        look = partial(looks.look_at_repository, thing, maker(form, Repository), servers)
        yield Subject(thing, look, _storage_price(form))


def _archives(estate: Estate) -> Iterator[Subject]:
    forms = {form.name: form for form in estate.repositories}
    for form in estate.archives:
        thing = Thing("archives", form.name)
        uses = [
            looks.ArchiveUse(server.name, maker(forms[server.repository], Repository))
            for server in estate.servers
            if form.name in (server.archive, *server.archive_copies)
        ]
        look = partial(looks.look_at_archive, thing, maker(form, Archive), uses)
        yield Subject(thing, look, _storage_price(form))


def _storage_price(form: NamedBlockForm) -> tuple[Costing, ...]:
    """Return the dated price of a TB at the storage's company, unknown if the list has none."""
    store, domain = getattr(form, "store", None), getattr(form, "domain", None)
    said = [getattr(store, "profile", None), getattr(domain, "provider", None)]
    companies = [str(each).casefold() for each in said if each]
    for price in read_prices()[0].storages:
        if price.provider.casefold() in companies:
            return (
                Costing(
                    price.title,
                    month=price.tb_month,
                    currency=price.currency,
                    per_tb=True,
                    read_on=price.read_on,
                ),
            )
    return (Costing("stockage", per_tb=True),)


def _zones(estate: Estate) -> Iterator[Subject]:
    named = [str(getattr(form, "zone", "")).rstrip(".") for form in estate.zones]
    domains = [domain for site in estate.sites for domain in site.domains]
    for form, zone in zip(estate.zones, named, strict=True):
        thing = Thing("zones", form.name)
        ours = [each for each in domains if covering_zone(named, each) == zone]
        yield Subject(thing, partial(looks.look_at_zone, thing, maker(form, DnsZone), ours))


def _notifiers(estate: Estate) -> Iterator[Subject]:
    for form in estate.notifiers:
        thing = Thing("notifiers", form.name)
        yield Subject(thing, partial(looks.look_at_notifier, thing, maker(form, Notifier)))


def _watchers(estate: Estate) -> Iterator[Subject]:
    """Return our own vantage points, the monitors elsewhere, and the dead-man's switches."""
    pages: list[SmokeCheck] = [page.value() for site in estate.sites for page in site.smoke]
    page = pages[0] if pages else None
    probe = Thing(PROBE, PROBE)
    yield Subject(probe, partial(looks.look_from, probe, maker(estate.probe, Probe), page))
    for form in estate.witnesses:
        thing = Thing("witnesses", form.name)
        yield Subject(thing, partial(looks.look_from, thing, maker(form, Probe), page))
    for form in estate.alerts:
        thing = Thing("alerts", form.name)
        yield Subject(thing, partial(looks.look_at_monitor, thing, maker(form, AlertSource)))
    for name, switch in heartbeat_forms(estate).items():
        thing = Thing("heartbeats", name)
        yield Subject(thing, partial(looks.look_at_heartbeat, thing, maker(switch, Heartbeat)))


def _servers(estate: Estate) -> Iterator[Subject]:
    for server in estate.servers:
        login = maker(server.ssh, Server, address=server.address)
        thing = Thing("servers", server.name)
        yield Subject(thing, partial(looks.look_at_server, thing, login))
        if server.database:
            part = Thing("servers", server.name, "database")
            make = maker(server.database, Database)
            yield Subject(part, partial(looks.look_at_database, part, make, login))


def _for_clients(estate: Estate) -> Iterator[Subject]:
    if estate.client_mail:
        thing = Thing("client_mail", CLIENT_MAIL)
        mail = maker(estate.client_mail, ClientMail)
        yield Subject(thing, partial(looks.look_at_client_mail, thing, mail))
    if estate.status_page:
        thing = Thing("status_page", STATUS_PAGE)
        page = maker(estate.status_page, StatusPage)
        yield Subject(thing, partial(looks.look_at_status_page, thing, page))
