"""Turn an estate into the blocks that stand for its things, with or without a Prefect server."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from prefect.blocks.core import Block

from blocks.agency import Agency
from blocks.clients.client import Client
from blocks.servers.protected import ClientNews, Floating, Heartbeats, ProtectedServer, Target
from blocks.sites.site import Site
from deployments.block_forms import BlockForm
from deployments.estate import ClientEntry, Estate, SiteEntry
from deployments.estate_checks import covering_zone
from deployments.estate_clients_outside import own_texts
from deployments.estate_server import ServerEntry
from deployments.prices import read_prices
from deployments.target_prices import target_price

AGENCY = "agency/agency"
"""Reference of the one agency's block."""
PROBE = "probe"
"""Name of the one probe's block."""
CLIENT_MAIL, STATUS_PAGE = "client-mail", "status-page"
"""Names of the one relay's and the one status page's blocks."""
HEARTBEATS = ("backup", "verification")
"""Jobs that a dead-man's switch may watch."""


def provide(estate: Estate) -> dict[str, Block]:
    """Return all blocks of an estate by their reference `type/name`.

    A block comes after those whose reference it holds.

    Raises:
        ConfigurationError: A secret is missing.
    """
    blocks: dict[str, Block] = {AGENCY: _agency(estate)}
    blocks[estate.probe.reference_as(PROBE)] = estate.probe.block()
    named = (estate.providers, estate.repositories, estate.archives, estate.zones, estate.notifiers)
    for form in chain(*named, estate.witnesses, estate.alerts):
        blocks[form.reference] = form.block()
    for name, heartbeat in heartbeat_forms(estate).items():
        blocks[heartbeat.reference_as(name)] = heartbeat.block()
    if estate.client_mail:
        blocks[estate.client_mail.reference_as(CLIENT_MAIL)] = estate.client_mail.block()
    if estate.status_page:
        blocks[estate.status_page.reference_as(STATUS_PAGE)] = estate.status_page.block()
    for site in estate.sites:
        blocks[_site_reference(site)] = _site(site)
    for client in estate.clients:
        blocks[_client_reference(client)] = _client(client)
    for server in estate.servers:
        blocks[server.ssh.reference_as(server.name)] = server.ssh.block(address=server.address)
        if server.database:
            blocks[server.database.reference_as(server.name)] = server.database.block()
        reference = f"{ProtectedServer.get_block_type_slug()}/{server.name}"
        blocks[reference] = _protected_server(estate, server)
    return blocks


def _agency(estate: Estate) -> Agency:
    said = estate.agency.model_dump(include={"people", "suppliers"})
    return Agency.model_validate(said | {"title": estate.agency.name})


def heartbeat_forms(estate: Estate) -> dict[str, BlockForm]:
    """Return the dead-man's switches by the names of their blocks: those of all, then servers'."""
    entries = {"": estate.heartbeats}
    entries |= {
        f"-{server.name}": server.heartbeats for server in estate.servers if server.heartbeats
    }
    return {
        f"{job}{owner}": form
        for owner, entry in entries.items()
        for job in HEARTBEATS
        if (form := getattr(entry, job)) is not None
    }


def _heartbeats(estate: Estate, server: ServerEntry) -> Heartbeats:
    """Return the references of a server's switches; its own stand for all of the estate's."""
    owner = f"-{server.name}" if server.heartbeats else ""
    forms = heartbeat_forms(estate)
    names = {job: f"{job}{owner}" for job in HEARTBEATS}
    return Heartbeats(
        **{job: forms[name].reference_as(name) for job, name in names.items() if name in forms}
    )


def _site_reference(site: SiteEntry) -> str:
    return f"{Site.get_block_type_slug()}/{site.name}"


def _site(site: SiteEntry) -> Site:
    return Site.model_validate(site.model_dump(exclude={"name", "server"}))


def _client_reference(client: ClientEntry) -> str:
    return f"{Client.get_block_type_slug()}/{client.name}"


def _client(client: ClientEntry) -> Client:
    slug = Site.get_block_type_slug()
    return Client.model_validate(
        client.model_dump(exclude={"name", "sites", "templates"})
        | {"sites": [f"{slug}/{name}" for name in client.sites], "templates": own_texts(client)}
    )


def _client_news(estate: Estate, server: ServerEntry) -> ClientNews:
    """Return who is told of this server's incidents: the clients with a site on it."""
    here = {site.name for site in estate.sites if site.server == server.name}
    told = [client for client in estate.clients if here & set(client.sites)]
    mail, page = estate.client_mail, estate.status_page
    return ClientNews(
        agency=estate.agency.name,
        contact=estate.agency.contact,
        clients=[_client_reference(client) for client in told],
        mail=mail.reference_as(CLIENT_MAIL) if mail else "",
        status_page=page.reference_as(STATUS_PAGE) if page else "",
    )


def _floating(server: ServerEntry, providers: Mapping[str, str]) -> Floating | None:
    entry = server.floating
    if entry is None:
        return None
    return Floating(provider=providers[entry.provider], region=entry.region)


def _protected_server(estate: Estate, server: ServerEntry) -> ProtectedServer:
    sites = [site for site in estate.sites if site.server == server.name]
    domains = [domain for site in sites for domain in site.domains]
    providers = {form.name: form.reference for form in estate.providers}
    zones = {str(getattr(form, "zone", "")).rstrip("."): form.reference for form in estate.zones}
    repositories = {form.name: form.reference for form in estate.repositories}
    archives = {form.name: form.reference for form in estate.archives}
    notifiers = {form.name: form.reference for form in estate.notifiers}
    told = list(notifiers) if server.notifiers is None else server.notifiers
    prices, _ = read_prices()
    return ProtectedServer(
        server=server.ssh.reference_as(server.name),
        database=server.database.reference_as(server.name) if server.database else "",
        repository=repositories[server.repository],
        archive=archives[server.archive] if server.archive else "",
        sites=[_site_reference(site) for site in sites],
        zones=sorted({zones[covering_zone(zones, domain)] for domain in domains}),
        targets=[
            Target(
                provider=providers[target.provider],
                size=target.size,
                region=target.region,
                price=target_price(providers[target.provider], target, prices),
            )
            for target in server.targets
        ],
        probe=estate.probe.reference_as(PROBE),
        notifiers=[notifiers[name] for name in told],
        origin=providers[server.origin.provider] if server.origin else "",
        origin_machine=server.origin.machine if server.origin else "",
        configuration=server.configuration,
        parallel=server.parallel,
        retention=server.retention.model_dump(),
        allowed_in_drill=server.allowed_in_drill,
        copies=[repositories[name] for name in server.copies],
        domain=server.domain,
        accept_shared_domain=server.accept_shared_domain,
        verification=server.verification.model_dump(),
        heartbeats=_heartbeats(estate, server),
        archive_copies=[archives[name] for name in server.archive_copies],
        witnesses=[form.reference for form in estate.witnesses],
        drill=(server.drill or estate.drill).model_dump(),
        client_news=_client_news(estate, server),
        floating=_floating(server, providers),
        needs=server.needs.model_dump(),
        monitors=[form.reference for form in estate.alerts],
    )
