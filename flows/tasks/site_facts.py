"""Say what a proof of each site of a server rests on."""

from __future__ import annotations

from blocks.sites.site import Site
from blocks.types import RecoverySet
from flows.decisions.site_proof import ServerSide, facts_of
from flows.tasks.incident import Estate
from flows.tasks.look import site_spec, targets_of


def facts_by_site(estate: Estate, chosen: RecoverySet | None) -> dict[str, dict[str, str]]:
    """Return what a proof of each site rests on, with the databases as this set has them."""
    declared = estate.declared
    server = ServerSide(
        targets_of(estate),
        tuple(declared.configuration),
        (declared.repository, declared.archive),
        chosen.database_facts if chosen else None,
    )
    return {
        name: facts_of(site_spec(name, estate), site.roots, site.exclude, server, _looks(site))
        for name, site in estate.sites.items()
    }


def _looks(site: Site) -> object:
    login = site.login.model_dump() if site.login else None
    return login, sorted(site.links_ignored), site.picture_threshold
