"""What is proven of each site, in a few words (French)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flows.decisions.site_proof import SiteStanding, SiteState
from flows.reports.wording import ago, counted

WORDS = {
    SiteState.PROVEN: "prouvé",
    SiteState.AGAIN: "À REPROUVER",
    SiteState.NEVER: "JAMAIS PROUVÉ",
}


def site_proof_text(known: SiteStanding, now: datetime) -> str:
    """Return a site's state: `prouvé il y a 3 jours`, `À REPROUVER : changé depuis : pages`."""
    if known.state is SiteState.PROVEN and known.at:
        return f"{WORDS[known.state]} {ago(now - known.at)}"
    return f"{WORDS[known.state]} : {known.why}"


def sites_line(known: Sequence[SiteStanding], server: str) -> str:
    """Return the sites of a server in one line, with what to type when one is not proven."""
    proven = sum(each.state is SiteState.PROVEN for each in known)
    if not known:
        return "aucun site"
    if proven == len(known):
        return counted(proven, "prouvé")
    left = [f"{each.site} ({WORDS[each.state].lower()})" for each in known
            if each.state is not SiteState.PROVEN]  # fmt: skip
    return f"{counted(proven, 'prouvé')} sur {len(known)} ; {', '.join(left)} : continuity drill {server}"
