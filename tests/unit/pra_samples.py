"""The recovery document's facts for the example and for the lab, from their estate files alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from blocks import registry
from blocks.types import Account, AddressRecord, MachineSize, RecoverySet
from deployments.estate_file import load
from deployments.lab import control
from deployments.lab.config import ROOT, Lab
from deployments.lab.secrets import ensure_secrets
from deployments.world import provide
from flows.decisions.pra import Pra, Trial, Version
from flows.decisions.pra_changes import digest, estate_facts
from flows.decisions.protection import CopyView, protection
from flows.decisions.recovery_decision import decide_recovery
from flows.decisions.recovery_plan import ArchiveView, Observation, Purpose, ZoneView
from flows.decisions.set_choice import SetChoice
from flows.tasks.incident import Estate, open_estate
from flows.tasks.look import site_spec, targets_of
from flows.tasks.pra_facts import assembled
from flows.tasks.pra_looks import Looks
from tests.unit.samples import NOON, recovery_set

SECRET = "aHVzaC1odXNoLWh1c2gtaHVzaGh1c2g0"
"""Long enough for every secret, and base64 as a TSIG key is."""
EXAMPLE = ROOT / "estate.example.yaml"


def example_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the example into a folder, with every secret that it refers to."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for name in re.findall(r"\{env: (\w+)\}", text):
        monkeypatch.setenv(name, SECRET)
    (folder / "secrets").mkdir()
    for file in set(re.findall(r"\{file: (secrets/[\w-]+)\}", text)):
        (folder / file).write_text(SECRET)
        (folder / file).chmod(0o600)
    path = folder / "estate.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def lab_file(folder: Path) -> Path:
    """Write the lab's estate file as a lab's start does."""
    lab = Lab(name="unit", network=IPv4Network("10.89.99.0/24"), state=folder)
    ensure_secrets(lab)
    return control.write_estate(lab)


@contextmanager
def provided(path: Path) -> Iterator[None]:
    """Let blocks come from this file while the block lasts; nothing is asked of the world."""
    registry.provide(provide(load(path)))
    try:
        yield
    finally:
        registry.provide({})


def facts(path: Path, *, bare: bool = False) -> Pra:
    """Return the facts of a file whose servers were seen well; or not seen at all, if bare."""
    with provided(path):
        opened = [open_estate(name) for name in registry.names("protected-server")]
        seen = [Looks((), (), {}, (), None) if bare else seen_well(each) for each in opened]
        made = assembled(opened, seen, () if bare else trials(opened[0]), NOON)
    version = Version(NOON, digest(estate_facts(made)), ("première version",))
    return replace(made, versions=(version,))


def trials(estate: Estate) -> tuple[Trial, ...]:
    """Return a drill that brought every site back."""
    took = timedelta(seconds=95)
    sites = tuple((name, took) for name in estate.sites)
    lost = timedelta(seconds=4)
    return (Trial(NOON, estate.name, "inc-web1-essai", False, True, took, lost, sites),)


def seen_well(estate: Estate) -> Looks:
    """Return what a look finds when all is well, with a plan made by the plan's own code."""
    made = set_of(estate)
    copies = tuple(
        CopyView(name, each.failure_domain(), (made,), immutable=True)
        for name, each in estate.repositories.items()
    )
    views = tuple(
        ZoneView(reference, zone.zone, records(estate)) for reference, zone in estate.zones.items()
    )
    sizes = (MachineSize("standard", 2, 4 * 1024**3, 80 * 1024**3),)
    return Looks(
        copies=copies,
        views=views,
        sizes=dict.fromkeys(targets_of(estate), sizes),
        rule=protection(estate.name, estate.declared.domain.value(), copies),
        plan=decide_recovery(observed(estate, made, views), "INCIDENT", Purpose.RECOVERY),
    )


def observed(estate: Estate, made: RecoverySet, views: tuple[ZoneView, ...]) -> Observation:
    return Observation(
        taken_at=NOON,
        server=estate.name,
        address=estate.server.address,
        answering=(),
        choice=SetChoice(made, ()),
        sites=tuple(site_spec(name, estate) for name in estate.sites),
        zones=views,
        targets=tuple(replace(each, release="12") for each in targets_of(estate)),
        archive=ArchiveView("", None, NOON + timedelta(minutes=5)),
    )


def records(estate: Estate) -> tuple[AddressRecord, ...]:
    domains = [domain for site in estate.sites.values() for domain in site.domains]
    return tuple(AddressRecord(each, "A", 60, (estate.server.address,)) for each in domains)


def set_of(estate: Estate) -> RecoverySet:
    """Return a set of this server, with the packages and accounts of a real one."""
    made = recovery_set(sites=tuple(estate.sites), server=estate.name)
    packages = ("cron", "mariadb-server", "nginx", "php8.2-fpm", "php8.2-mysql")
    accounts = (Account("boutique", 1001, 1001, "boutique", "/srv/boutique", "/bin/sh"),)
    services = ("cron", "mariadb", "nginx", "php8.2-fpm")
    found = replace(
        made.server_facts, packages=packages, accounts=accounts, services=services, release="12"
    )
    return replace(made, server_facts=found)
