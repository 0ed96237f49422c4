"""Check of clients what lies outside the estate file: their texts, and where names lead."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from blocks.errors import ConfigurationError, ContinuityError
from blocks.notify.time_limit import within
from blocks.types import Tier
from deployments.estate import ClientEntry, Estate
from deployments.estate_clients import ways
from deployments.estate_mistakes import Finding, did_you_mean
from flows.decisions.client_news import ClientSite, ClientView, Phase
from flows.reports.client_texts import refused_template, variables

_LOOK_UP_SECONDS = 3.0


def clients_outside(estate: Estate) -> Iterator[Finding]:
    """Yield texts that could not be filled in at 3 a.m., and a relay that is a lost server."""
    for index, client in enumerate(estate.clients):
        for text, hint in _refused_texts(client):
            yield Finding(("clients", index, "templates"), f"client '{client.name}': {text}", hint)
    for key, host, _ in ways(estate):
        yield from _leads_to_a_server(key, host, estate)


def own_texts(client: ClientEntry) -> dict[str, str]:
    """Return the texts of a client's own by phase.

    Raises:
        ConfigurationError: The folder or a file cannot be read.
    """
    if not client.templates:
        return {}
    subject = f"client '{client.name}', texts in {client.templates}"
    try:
        files = sorted(Path(client.templates).iterdir())
        return {
            each.stem: each.read_text(encoding="utf-8") for each in files if each.suffix == ".txt"
        }
    except (OSError, UnicodeDecodeError) as error:
        cause = f"cannot be read ({type(error).__name__})"
        raise ConfigurationError(subject, cause, f"look at it: ls -l {client.templates}") from error


def _refused_texts(client: ClientEntry) -> Iterator[tuple[str, str]]:
    try:
        texts = own_texts(client)
    except ConfigurationError as error:
        yield f"{client.templates} {error.cause}", error.hint
        return
    phases = [str(phase) for phase in Phase]
    if client.templates and not texts:
        yield f"no text in {client.templates}", f"name them {', '.join(f'{p}.txt' for p in phases)}"
    for name, text in texts.items():
        if name not in phases:
            yield f"{name}.txt is the text of no phase", did_you_mean(name, phases)
        elif why := refused_template(_view(client), Phase(name), text):
            yield f"{name}.txt {why}", f"known: {', '.join(sorted(variables()))}"


def _view(client: ClientEntry) -> ClientView:
    sites = tuple(ClientSite(n, n, (f"{n}.example",), Tier.HOURS_48) for n in client.sites)
    return ClientView(client.name, client.title, client.language, tuple(client.addresses), sites)


def _leads_to_a_server(key: str, host: str, estate: Estate) -> Iterator[Finding]:
    with suppress(ValueError):
        ip_address(host)
        return  # Compared as it is already.
    servers = {server.address: server.name for server in estate.servers}
    try:
        found = _addresses(host) if host else set()
    except ContinuityError as error:
        text = f"{key}: {host} {error.cause}: nothing shows where it is"
        yield Finding((key,), text, error.hint, warning=True)
        return
    for address in sorted(found & set(servers)):
        text = f"{key}: {host} leads to {address}, the protected server '{servers[address]}' itself"
        hint = "take one at another provider: clients must be told when this server is gone"
        yield Finding((key,), text, hint)


def _addresses(host: str) -> set[str]:
    """Look a name up, within a moment. Raises `ConfigurationError` or `Unreachable`."""

    def look_up() -> set[str]:
        try:
            return {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
        except OSError as error:
            cause = "cannot be looked up"
            raise ConfigurationError(host, cause, f"getent hosts {host}") from error

    return within(_LOOK_UP_SECONDS, host, look_up)
