"""Check clients, and that neither relay nor status page is lost with a server. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from blocks.domain import DeclaredDomain
from blocks.status_pages.git import remote_host
from deployments.block_forms import BlockForm
from deployments.estate import Estate
from deployments.estate_mistakes import Finding, did_you_mean
from deployments.estate_server import ServerEntry

Names = Mapping[str, Sequence[str]]
_ELSEWHERE = "take one at another provider: clients must be told when this server is gone"
_DECLARE = "add `domain: {provider, site, account}` to it and to the server"


def check_clients(estate: Estate, names: Names) -> Iterator[Finding]:
    """Yield what is wrong with clients and with the ways by which they are told."""
    owner: dict[str, str] = {}
    for index, client in enumerate(estate.clients):
        what = f"client '{client.name}'"
        for position, site in enumerate(client.sites):
            if site not in names["sites"]:
                hint = did_you_mean(site, [each for each in names["sites"] if each])
                place = ("clients", index, "sites", position)
                yield Finding(place, f"{what}: unknown site '{site}'", hint)
        for position, address in enumerate(client.addresses):
            known = owner.setdefault(address.lower(), f"{client.name}/{position}")
            if known != f"{client.name}/{position}":
                text = f"{what}: {address} is named twice, first at client '{known.split('/')[0]}'"
                hint = "keep it once: each recipient gets one message a phase"
                yield Finding(("clients", index, "addresses", position), text, hint)
    if estate.clients and estate.client_mail is None:
        hint = "add client_mail: a relay that is not on a protected server"
        yield Finding(("clients",), "clients: no relay leads to them", hint)
    yield from _without_client(estate)
    for key, _, form in ways(estate):
        for server in estate.servers:
            yield from _apart(key, form, server, estate)


def ways(estate: Estate) -> Iterator[tuple[str, str, BlockForm]]:
    """Yield the ways by which clients are told: key, host ("" for this machine), form."""
    if estate.client_mail:
        yield "client_mail", str(getattr(estate.client_mail, "host", "")), estate.client_mail
    if estate.status_page:
        host = remote_host(str(getattr(estate.status_page, "remote", "")))
        yield "status_page", host, estate.status_page


def domain_names(server: ServerEntry, estate: Estate) -> set[str]:
    """Return the names that lead to a server."""
    return {d for site in estate.sites if site.server == server.name for d in site.domains}


def _without_client(estate: Estate) -> Iterator[Finding]:
    told = {name for client in estate.clients for name in client.sites}
    for index, site in enumerate(estate.sites):
        if estate.clients and site.name not in told:
            text = f"site '{site.name}': no client is told when it is down"
            yield Finding(("sites", index), text, "name it at a client", warning=True)


def _apart(key: str, form: BlockForm, server: ServerEntry, estate: Estate) -> Iterator[Finding]:
    host = {k: h for k, h, _ in ways(estate)}[key].lower().rstrip(".")
    what = f"{key}: {host or 'this machine'}"
    if host and (host == server.address or host in domain_names(server, estate)):
        text = f"{what} is the protected server '{server.name}' itself"
        yield Finding((key,), text, _ELSEWHERE)
        return
    declared = getattr(form, "domain", None)
    own = declared.value() if isinstance(declared, DeclaredDomain) else DeclaredDomain().value()
    if not (own.declared and server.domain.value().declared):
        text = f"{what}: nothing shows that it is not lost with server '{server.name}'"
        yield Finding((key,), text, _DECLARE, warning=True)
    elif own.shares_with(server.domain.value()):
        text = f"{what} shares its site or its account with server '{server.name}'"
        yield Finding((key,), text, _ELSEWHERE)
