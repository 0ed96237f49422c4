"""The recovery by hand with the names of one estate, for people who have lost our tool (French)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined

from blocks.types import FailureDomain, Frequency, RecoverySet, StoreAddress, Tier
from flows.decisions.pra import Pra, PraServer, PraSite, PraStore

_PHP = re.compile(r"php(\d+\.\d+)-fpm")
_NEEDED = re.compile(
    r"(nginx|php|redis|memcached|imagemagick|ghostscript|nodejs|node-|composer|wordpress|wp-cli)"
)
"""Packages that pages are made with; the rest of a server needs none of them."""


@dataclass(frozen=True, slots=True)
class HandServer:
    """A lost server: its version of PHP, and the packages that its pages need."""

    name: str
    php: str
    packages: str


@dataclass(frozen=True, slots=True)
class Hands:
    """All that the commands are filled with. `series` names MariaDB's, as part of a sentence."""

    servers: tuple[HandServer, ...]
    repositories: tuple[PraStore, ...]
    archives: tuple[PraStore, ...]
    sites: tuple[PraSite, ...]
    series: str = ""


def hands_of(pra: Pra) -> Hands:
    """Return what the commands of this estate are filled with."""
    return Hands(
        servers=tuple(hand_server(each.name, each.made) for each in pra.servers),
        repositories=pra.repositories,
        archives=pra.archives,
        sites=pra.sites,
        series=_series(pra.servers),
    )


def pra_templates() -> Environment:
    """Return what fills in the document's templates."""
    return Environment(
        loader=PackageLoader("flows.reports", "pra"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown
    )


def by_hand_markdown(hands: Hands, head: str, inner: str) -> str:
    """Return the steps.

    Args:
        hands: What the commands are filled with.
        head: What the heading of a step begins with, such as `##`.
        inner: The same for a block to choose from, such as `###`.
    """
    text = pra_templates().get_template("by_hand.md.j2").render(hands=hands, head=head, inner=inner)
    return re.sub(r"\n{3,}", "\n\n", aligned(text)).strip() + "\n"


def aligned(text: str) -> str:
    """Put one comment behind each value at the same column, whatever the values' lengths."""
    return re.sub(
        r"^((?:export )?[A-Z_]+='[^'\n]*') +# ",
        lambda found: f"{found[1]:<44} # ",
        text,
        flags=re.MULTILINE,
    )


def example() -> Hands:
    """Return what the commands of docs/restore-by-hand.md are filled with."""
    address = StoreAddress("https://s3.exemple.fr", "default", "continuity", "", "identifiant")
    archive = StoreAddress("https://s3.exemple.fr", "default", "continuity", "archive", "lecture")
    site = PraSite(
        name="boutique",
        title="le site à remettre en ligne",
        domains=("boutique.exemple.fr",),
        roots=("/srv/boutique",),
        databases=("boutique",),
        tier=Tier.HOURS_48,
        priority=1,
        frequency=Frequency.DAILY,
        pages=(),
        account="boutique",
    )
    packages = "nginx php8.2-fpm php8.2-mysql php8.2-gd php8.2-mbstring php8.2-xml"
    return Hands(
        servers=(HandServer("web1", "8.2", packages),),
        repositories=(PraStore("principal", address, FailureDomain(), timedelta()),),
        archives=(PraStore("principal", archive, FailureDomain(), timedelta()),),
        sites=(site,),
        series=" (10.11 sur Debian 12)",
    )


def hand_server(name: str, made: RecoverySet | None) -> HandServer:
    """Return what a lost server's pages need; little without a set."""
    if made is None:
        return HandServer(name, "", "nginx")
    packages = [each for each in made.server_facts.packages if _NEEDED.match(each)]
    found = [match[1] for each in made.server_facts.services if (match := _PHP.match(each))]
    found += [match[1] for each in packages if (match := _PHP.match(each))]
    return HandServer(name, found[0] if found else "", " ".join(packages) or "nginx")


def _series(servers: Sequence[PraServer]) -> str:
    known = [
        f"{each.made.database_facts.series} pour {each.name}"
        for each in servers
        if each.made and each.made.database_facts
    ]
    return f" ({', '.join(known)})" if known else ""
