"""Check that a server's backups do not lie where the server itself is lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.domain import DeclaredDomain
from blocks.types import FailureDomain
from deployments.block_forms import NamedBlockForm
from deployments.estate import Estate
from deployments.estate_mistakes import Finding
from deployments.estate_server import ServerEntry
from flows.decisions.protection import spread

_DECLARE = "add `domain: {provider, site, account}` to the server and to its repositories"
_ELSEWHERE = "add a repository at another provider to `copies`"
_SECRETS = ("password", "server_secret_key")


def domains(estate: Estate) -> Iterator[Finding]:
    """Yield servers all of whose copies share their domain, and those of which nobody can tell."""
    forms = {form.name: form for form in estate.repositories}
    for index, server in enumerate(estate.servers):
        named = [forms[name] for name in (server.repository, *server.copies) if name in forms]
        if len(named) == 1 + len(server.copies):
            yield from _shared(("servers", index, "repository"), server, named)
            yield from _same_secrets(("servers", index, "copies"), server, named)
        yield from _archive(("servers", index, "archive"), server, estate)


def _shared(
    path: tuple[str | int, ...], server: ServerEntry, named: list[NamedBlockForm]
) -> Iterator[Finding]:
    found = spread(server.domain.value(), {form.name: _domain(form) for form in named})
    what = f"server '{server.name}'"
    if found.all_shared:
        text = f"{what}: all copies ({', '.join(found.shared)}) share its site or its account"
        if server.accept_shared_domain:
            text += f"; accepted: {server.accept_shared_domain}"
            yield Finding(path, text, _ELSEWHERE, warning=True)
        else:
            yield Finding(path, text, f"{_ELSEWHERE}, or write why: `accept_shared_domain`")
    elif not found.apart:
        text = f"{what}: nothing shows that a copy lies elsewhere: no failure domain is declared"
        yield Finding(path, text, _DECLARE, warning=True)


def _archive(path: tuple[str | int, ...], server: ServerEntry, estate: Estate) -> Iterator[Finding]:
    """Yield an archive that one fire or one account takes, with its server or with its store."""
    forms = {form.name: form for form in estate.archives}
    named = [forms[name] for name in (server.archive, *server.archive_copies) if name in forms]
    if not named:
        return
    what = f"server '{server.name}'"
    found = spread(server.domain.value(), {form.name: _domain(form) for form in named})
    hint = "add an archive at another provider to `archive_copies`"
    if found.all_shared:
        text = f"{what}: its archive ({', '.join(found.shared)}) shares its site or its account"
        yield Finding(path, text, hint, warning=True)
    elif len(named) == 1:
        text = f"{what}: its archive lies in one store only, and is lost with it"
        yield Finding(path, text, hint, warning=True)


def _domain(form: NamedBlockForm) -> FailureDomain:
    """Return what a repository's entry declares; each kind of repository has the field."""
    declared = getattr(form, "domain", None)
    return declared.value() if isinstance(declared, DeclaredDomain) else FailureDomain()


def _same_secrets(
    path: tuple[str | int, ...], server: ServerEntry, named: list[NamedBlockForm]
) -> Iterator[Finding]:
    first, *others = named
    for position, other in enumerate(others):
        same = [each for each in _SECRETS if getattr(first, each, 1) == getattr(other, each, 2)]
        if same:
            text = f"server '{server.name}': copy '{other.name}' has the {same[0]} of the first"
            hint = "give each repository its own: a stolen one must not open both"
            yield Finding((*path, position), text, hint, warning=True)
