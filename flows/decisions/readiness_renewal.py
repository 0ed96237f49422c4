"""Decide whether the certificates that come back could be renewed on the new machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from blocks.types import Challenge, Renewal
from flows.decisions.aftermath import PROMISED
from flows.decisions.readiness import Check, State
from flows.decisions.recovery_plan import SiteSpec
from flows.reports.wording import duration

ABOUT = "renouvellement"
WITHIN_SET = "`configuration` dans le fichier du parc, puis : continuity backup {}"


@dataclass(frozen=True, slots=True)
class Returning:
    """What a set brings back, as far as renewals need it.

    Attributes:
        server: Whose set.
        files: Files of its configuration.
        roots: Directories of the sites, backed up whole.
        configuration: Directories and files that make up the configuration.
        packages: Packages that were asked for by name.
        timers: systemd timers that are started again.
    """

    server: str
    files: Collection[str]
    roots: Collection[str]
    configuration: Collection[str]
    packages: Collection[str]
    timers: Collection[str]


def judge_renewal(
    site: SiteSpec, kept: Sequence[Renewal], back: Returning, now: datetime
) -> tuple[Check, ...]:
    """Say whether a site's certificates could be renewed where it comes back; nothing without TLS.

    Args:
        site: Whose pages.
        kept: What the server renews today.
        back: What the newest set brings back.
        now: The time.
    """
    hosts = _secure_hosts(site)
    if not hosts:
        return ()
    ours = [each for each in kept if any(covers(each, host) for host in hosts)]
    lone = [host for host in hosts if not any(covers(each, host) for each in kept)]
    broken = [
        f"{each.name} ({each.tool}) : {why}" for each in ours for why in obstacles(each, back)
    ]
    broken += [f"{each.name} : {why}" for each in ours for why in _too_short(site, each, now)]
    if broken:
        hint = WITHIN_SET.format(back.server)
        return (Check(ABOUT, State.FAILED, " ; ".join(broken), hint, site.name),)
    doubts = [f"personne ne renouvelle {', '.join(lone)}"] if lone else []
    doubts += [why for each in ours for why in _doubts(site, each, back)]
    if doubts:
        hint = "sur le serveur : certbot certificates ; ou noter qui renouvelle, et quand"
        return (Check(ABOUT, State.WARNING, " ; ".join(doubts), hint, site.name),)
    return (Check(ABOUT, State.READY, " ; ".join(sorted({_way(e) for e in ours})), site=site.name),)


def covers(renewal: Renewal, host: str) -> bool:
    """Return whether a certificate is for this host; a star stands for one label."""
    wild = "*." + host.partition(".")[2]
    return host in renewal.domains or wild in renewal.domains


def obstacles(renewal: Renewal, back: Returning) -> Iterable[str]:
    """Say what keeps the tool from renewing this certificate on a machine made from the set."""
    if renewal.challenge is Challenge.BY_HAND:
        yield "renouvelé à la main"
    if not renewal.automatic:
        yield "renouvellement désactivé"
    for package in renewal.packages:
        if package not in back.packages:
            yield f"le paquet {package} n'est pas dans le jeu"
    for file in renewal.files:
        if file not in back.files and not _below(file, back.roots):
            yield f"{file} n'est pas dans le jeu"
    for folder in renewal.folders:
        if not _below(folder, (*back.roots, *back.configuration)):
            yield f"le dossier {folder} n'est pas dans le jeu"


def _below(path: str, tops: Iterable[str]) -> bool:
    return any(path == top or path.startswith(top.rstrip("/") + "/") for top in tops)


def _too_short(site: SiteSpec, renewal: Renewal, now: datetime) -> Iterable[str]:
    promised = PROMISED[site.tier]
    if renewal.until is not None and renewal.until - now < promised:
        yield f"expire dans {duration(renewal.until - now)}, avant la fin d'une reprise promise"


def _doubts(site: SiteSpec, renewal: Renewal, back: Returning) -> Iterable[str]:
    if renewal.timer and renewal.timer not in back.timers:
        yield f"{renewal.name} : la minuterie {renewal.timer} n'est pas dans le jeu"
    if renewal.challenge is Challenge.UNKNOWN:
        yield f"{renewal.name} : validation inconnue ({renewal.plugin})"
    if renewal.challenge is Challenge.HTTP and PROMISED[site.tier].total_seconds() < 24 * 3600:
        yield (
            f"{renewal.name} : un serveur de secours ne peut rien renouveler (HTTP-01) tant que le "
            "DNS mène à l'autre ; lui copier chaque nouveau certificat"
        )


def _way(renewal: Renewal) -> str:
    said = f"{renewal.tool} ({renewal.plugin}), {renewal.challenge}"
    if renewal.challenge is Challenge.DNS:
        return f"{said} : possible sur toute machine, même avant la bascule DNS"
    return (
        f"{said} : possible dès que le DNS mène à la nouvelle machine, jamais pendant un exercice"
    )


def _secure_hosts(site: SiteSpec) -> list[str]:
    urls = [urlsplit(each.url) for each in site.smoke]
    return sorted({url.hostname or "" for url in urls if url.scheme == "https"})
