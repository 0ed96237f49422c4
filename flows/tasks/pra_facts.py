"""Gather all that the recovery document says; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from blocks import registry
from blocks.agency import Agency
from blocks.archives.base import Archive
from blocks.clients.client import Client
from blocks.errors import ContinuityError
from blocks.repositories.base import Repository
from blocks.types import Account, RecoverySet, SshAddress
from flows.decisions.pra import (
    ClientContact,
    Pra,
    PraServer,
    PraSite,
    PraStore,
    PraTarget,
    Trial,
)
from flows.decisions.readiness import newest
from flows.decisions.recovery_plan import (
    Purpose,
    SiteSpec,
    TargetChoice,
    ZoneView,
)
from flows.decisions.verdict import Verdict
from flows.reports.readiness_text import rows
from flows.tasks.ending import reports
from flows.tasks.incident import Estate, now, open_estate
from flows.tasks.look import (
    site_spec,
    targets_of,
)
from flows.tasks.pra_looks import Looks, look
from flows.tasks.schedules import jobs

AGENCY = "agency/agency"


def gather() -> Pra:
    """Look at all servers and return what the document says of them, without its versions."""
    opened = [open_estate(name) for name in registry.names("protected-server")]
    with ThreadPoolExecutor(max_workers=4) as pool:
        seen = list(pool.map(look, opened))
    try:
        trials = [trial for estate in opened for trial in _trials(estate)]
    except ContinuityError:  # the document says so, and which command tells why
        return replace(assembled(opened, seen, (), now()), unread=True)
    return assembled(opened, seen, trials, now())


def assembled(
    opened: Sequence[Estate], seen: Sequence[Looks], trials: Sequence[Trial], at: datetime
) -> Pra:
    """Put the document's facts together, from servers and what was seen of each."""
    agency = registry.load(AGENCY, Agency)
    return Pra(
        at=at,
        agency=agency.title,
        people=tuple(each.value() for each in agency.people),
        suppliers=tuple(each.value() for each in agency.suppliers),
        servers=tuple(describe(*pair) for pair in zip(opened, seen, strict=True)),
        notifiers=_channels(opened),
        jobs=jobs(),
        trials=tuple(sorted(trials, key=lambda each: each.at)),
        clients=tuple(_contact(name) for name in registry.names("agency-client")),
    )


def describe(estate: Estate, seen: Looks) -> PraServer:
    """Return what the document says of a server, from its declaration and what was seen."""
    declared, kept = estate.declared, estate.declared.retention
    made = newest(each for copy in seen.copies for each in copy.usable())
    specs = [site_spec(name, estate) for name in estate.sites]
    return PraServer(
        name=estate.name,
        address=estate.server.address,
        login=_login(estate.server.ssh_address()),
        domain=declared.domain.value(),
        origin=declared.origin,
        origin_machine=declared.origin_machine,
        sites=tuple(_site(estate, spec, seen.views, made) for spec in specs),
        repositories=_stores(estate.repositories),
        archives=_stores(estate.archive.archives if estate.archive else {}),
        targets=tuple(_target(each, seen) for each in targets_of(estate)),
        kept=(kept.last, kept.daily, kept.weekly, kept.monthly),
        made=made,
        plan=seen.plan,
        rule=seen.rule,
    )


def _contact(name: str) -> ClientContact:
    client = registry.load(f"agency-client/{name}", Client)
    sites = tuple(each.split("/", 1)[1] for each in client.sites)
    return ClientContact(client.title, tuple(client.addresses), sites)


def _login(there: SshAddress) -> str:
    """Return what a person types behind `ssh`."""
    port = "" if there.port == 22 else f"-p {there.port} "
    return f"{port}{there.user}@{there.address}"


def _channels(opened: Sequence[Estate]) -> tuple[str, ...]:
    """Name where messages go, each once: `equipe (slack)`."""
    pairs = [name.split("/", 1) for estate in opened for name in estate.notifiers]
    return tuple(
        dict.fromkeys(f"{name} ({kind.removesuffix('-notifier')})" for kind, name in pairs)
    )


def _site(
    estate: Estate, spec: SiteSpec, views: Sequence[ZoneView], made: RecoverySet | None
) -> PraSite:
    site = estate.sites[spec.name]
    found = {rec for view in views for rec in view.records if rec.name in spec.domains}
    accounts = made.server_facts.accounts if made else ()
    return PraSite(
        name=spec.name,
        title=spec.title,
        domains=spec.domains,
        roots=tuple(site.roots),
        databases=spec.databases,
        tier=spec.tier,
        priority=spec.priority,
        frequency=site.frequency,
        pages=tuple(each.url for each in spec.smoke),
        records=tuple(sorted(found)),
        account=account_of(spec.name, site.roots, accounts),
        archived=estate.archive is not None,
    )


def account_of(site: str, roots: Sequence[str], accounts: Sequence[Account]) -> str:
    """Return the system account of a site: by its name, else by its home; "" if it has none."""
    for each in accounts:
        if each.name == site:
            return each.name
    for each in accounts:
        if any(PurePosixPath(each.home).is_relative_to(root) for root in roots):
            return each.name
    return ""


def _stores(blocks: Mapping[str, Repository | Archive]) -> tuple[PraStore, ...]:
    return tuple(
        PraStore(name, each.address(), each.failure_domain(), each.lock_time(), copy=number > 0)
        for number, (name, each) in enumerate(blocks.items())
    )


def _target(choice: TargetChoice, seen: Looks) -> PraTarget:
    return PraTarget(choice, next(iter(seen.sizes.get(choice, ())), None))


def _trials(estate: Estate) -> list[Trial]:
    return [
        _trial(estate.name, incident, report, purpose)
        for purpose in (Purpose.DRILL, Purpose.RECOVERY)
        for incident, report in reports(estate, purpose).items()
    ]


def _trial(server: str, incident: str, report: Mapping[str, object], purpose: Purpose) -> Trial:
    downs = {str(each["name"]): _span(each["down_seconds"]) for each in rows(report, "sites")}
    return Trial(
        at=datetime.fromisoformat(str(report["down_since"])),
        server=server,
        incident=incident,
        real=purpose is Purpose.RECOVERY,
        recovered=report["verdict"] == Verdict.RECOVERED,
        down=_span(report["rto_seconds"]),
        lost=_span(report["rpo_seconds"]),
        downs=tuple((name, took) for name, took in downs.items() if took is not None),
    )


def _span(seconds: object) -> timedelta | None:
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
