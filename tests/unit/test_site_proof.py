"""An edit of the estate or of the plan ends a site's proof; a cosmetic one does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from blocks.types import DatabaseFacts, SmokeCheck, Tier
from flows.decisions.recovery_plan import SiteSpec, TargetChoice
from flows.decisions.site_proof import (
    HOLDS,
    ServerSide,
    SiteStanding,
    SiteState,
    Tried,
    facts_of,
    site_standing,
)
from flows.reports.site_proof_text import site_proof_text, sites_line
from tests.unit.samples import NOON, recovery_set

SITE = SiteSpec(
    name="boutique",
    title="Boutique",
    domains=("boutique.test", "www.boutique.test"),
    databases=("boutique",),
    tier=Tier.HOURS_48,
    priority=10,
    smoke=(SmokeCheck("https://boutique.test/", contains="Panier", needs_database=True),),
    freshness_database="boutique",
    freshness_query="SELECT 1",
)
TARGETS = (TargetChoice("far/away", "M", "fr", "12"), TargetChoice("near/by", "L", ""))


def database(series: str = "10.11") -> DatabaseFacts:
    facts = recovery_set().database_facts
    assert facts is not None
    return replace(facts, series=series, version=f"{series}.6-MariaDB")


SERVER = ServerSide(TARGETS, ("/etc", "/var/spool/cron"), ("restic/one", "s3/one"), database())


def facts(site: SiteSpec = SITE, server: ServerSide = SERVER, **paths: Any) -> dict[str, str]:
    kept = {"roots": ("/srv/b", "/srv/c"), "exclude": ("/srv/b/cache",)} | paths
    return facts_of(site, kept["roots"], kept["exclude"], server, kept.get("looks"))


def standing(today: dict[str, str], **changes: Any) -> SiteStanding:
    tried = Tried("drill-1", NOON, proven=True, facts=facts())
    return site_standing("boutique", replace(tried, **changes), today, NOON + timedelta(days=1))


PAGE = SITE.smoke[0]
EDITS = {
    "a root": ("fichiers", facts(roots=("/srv/b",))),
    "an exclude": ("fichiers", facts(exclude=())),
    "a database": ("bases", facts(replace(SITE, databases=("boutique", "stock")))),
    "the freshness query": ("bases", facts(replace(SITE, freshness_query="SELECT 2"))),
    "a domain": ("domaines", facts(replace(SITE, domains=("boutique.test",)))),
    "a page": ("pages", facts(replace(SITE, smoke=(replace(PAGE, url="https://x.test/"),)))),
    "a page's status": ("pages", facts(replace(SITE, smoke=(replace(PAGE, status=301),)))),
    "a page's text": ("pages", facts(replace(SITE, smoke=(replace(PAGE, contains="x"),)))),
    "the login page": ("pages", facts(looks=("https://boutique.test/admin", [], 0.25))),
    "the order of targets": ("machines", facts(server=replace(SERVER, targets=TARGETS[::-1]))),
    "a target's size": (
        "machines",
        facts(server=replace(SERVER, targets=(replace(TARGETS[0], size="S"), TARGETS[1]))),
    ),
    "a target's Debian": (
        "machines",
        facts(server=replace(SERVER, targets=(replace(TARGETS[0], release="11"), TARGETS[1]))),
    ),
    "the configuration": ("configuration", facts(server=replace(SERVER, configuration=("/etc",)))),
    "the repository": ("dépôts", facts(server=replace(SERVER, stores=("restic/two", "s3/one")))),
    "the database's series": ("MariaDB", facts(server=replace(SERVER, database=database("11.8")))),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_changes_a_restore_or_its_judgement_ends_the_proof(edit: str):
    name, today = EDITS[edit]
    found = standing(today)
    assert found.state is SiteState.AGAIN
    assert name in found.why


@pytest.mark.parametrize(
    "today",
    [
        facts(),
        facts(replace(SITE, title="Nouveau titre", priority=1, tier=Tier.HOUR_1)),
        facts(replace(SITE, domains=SITE.domains[::-1])),
        facts(roots=("/srv/c", "/srv/b")),
        facts(server=replace(SERVER, configuration=SERVER.configuration[::-1])),
        facts(server=replace(SERVER, database=replace(database(), version="10.11.9-MariaDB"))),
    ],
)
def test_a_cosmetic_edit_does_not(today: dict[str, str]):
    assert standing(today) == SiteStanding("boutique", SiteState.PROVEN, NOON)


def test_the_databases_version_is_nothing_to_a_site_without_one():
    static = replace(SITE, databases=(), freshness_database="", freshness_query="")
    later = replace(SERVER, database=database("11.8"))
    assert facts(static)["MariaDB"] == facts(static, later)["MariaDB"]


def test_a_proof_that_does_not_say_what_it_rested_on_is_none():
    assert standing(facts(), facts=None).state is SiteState.AGAIN


def test_a_site_that_the_last_attempt_did_not_bring_back_is_not_proven():
    found = standing(facts(), proven=False)
    assert (found.state, found.why) == (SiteState.AGAIN, "pas rétabli lors de drill-1")


def test_a_proof_grows_old():
    held = Tried("drill-1", NOON, proven=True, facts=facts())
    assert site_standing("b", held, facts(), NOON + HOLDS).state is SiteState.PROVEN
    late = site_standing("b", held, facts(), NOON + HOLDS + timedelta(days=1))
    assert (late.state, late.why) == (SiteState.AGAIN, "la preuve date de 101 jours")


def test_people_read_it_in_a_few_words():
    never = site_standing("vitrine", None, {}, NOON)
    proven = standing(facts())
    assert site_proof_text(proven, NOON + timedelta(days=3)) == "prouvé il y a 3 jours"
    assert site_proof_text(never, NOON) == "JAMAIS PROUVÉ : aucun exercice, aucune reprise"
    assert sites_line([proven, never], "web1") == (
        "1 prouvé sur 2 ; vitrine (jamais prouvé) : continuity drill web1"
    )
    assert sites_line([proven], "web1") == "1 prouvé"
